/** Text as people read it: lines cut to a width, times and numbers of things. */
import { oneLine } from '../base/harmless.ts';

/** The first line that is not blank, as {@link oneLine} makes it; empty when there is none. */
export function firstLine(text: string): string {
  const line = text.split(/\r\n|[\n\r]/).find((candidate) => candidate.trim() !== '');
  return oneLine(line ?? '');
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
const zero = /\p{Mark}|\u200b|\u200c|\u200d|\ufe0f/u;

function columns(character: string): number {
  if (zero.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

/** How many columns of a terminal the text takes; it must hold no escape sequences. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += columns(character);
  return width;
}

/** Cuts the text to `width` columns of a terminal; what was cut is shown as one "…". */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    const next = used + columns(character);
    if (next > width - 1) break;
    kept += character;
    used = next;
  }
  return width < 1 ? '' : `${kept}…`;
}

/**
 * The text in lines of at most `width` columns, broken at spaces. A word that is wider stays whole: it is one to be copied,
 * such as a URL, and the terminal breaks it.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}

/** Fills the text with spaces on the right up to `width` columns. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

/** A time span for people: `0.4s`, `12.3s`, `3m 05s`, `1h 02m`. `ms` in milliseconds. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const pad = (value: number): string => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${pad(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h ${pad(Math.floor((whole % 3600) / 60))}m`;
}

/** `1 check`, `2 checks`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
