import { isLike } from '../base/glob.ts';

/** Whether a name fits a pattern in which "*" stands for any text and "?" for one character. */
export function fitsPattern(name: string, pattern: string): boolean {
  return isLike(name, pattern, { questionMark: true });
}
