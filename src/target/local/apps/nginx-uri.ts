import { percentDecode } from './http.ts';

/**
 * The path that nginx compares with locations and finds files by: decoded, without `.` and `..`, and with slashes that
 * follow each other merged. An escaped slash or dot counts like one that is not.
 *
 * @param path as it was sent, without the query
 * @returns undefined for what nginx answers with 400: a bad escape, a null, a way out of the root
 */
export function normalize(path: string): string | undefined {
  const decoded = percentDecode(path)?.toString('utf8');
  if (decoded === undefined || decoded.includes('\0') || !decoded.startsWith('/')) return undefined;
  const segments = decoded.slice(1).split('/');
  const kept: string[] = [];
  for (const segment of segments) {
    if (segment === '..' && kept.pop() === undefined) return undefined;
    if (!['', '.', '..'].includes(segment)) kept.push(segment);
  }
  const directory = ['', '.', '..'].includes(segments[segments.length - 1]!);
  return `/${kept.join('/')}${directory && kept.length > 0 ? '/' : ''}`;
}
