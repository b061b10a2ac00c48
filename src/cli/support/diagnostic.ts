/** Shows an error together with the line of the file that it points to. */

import { formatPlace, type HarnessError, type Place } from '../../base/errors.ts';
import { oneLine, quotable, visible } from '../../base/harmless.ts';
import { spelled } from '../../report/console/own-command.ts';
import { asShown, typedCommand } from './io.ts';

/** The longest piece of a line that is shown. */
const widest = 100;

/**
 * An error for people to read: `file:line:column: message`, the line with a caret below the column, and the hint.
 *
 * @param readSource gives the text of a file by the name in the error's place; undefined when it cannot be read
 * @returns lines that end with a newline
 */
export function renderDiagnostic(
  error: Pick<HarnessError, 'message' | 'hint' | 'place'>,
  readSource: (file: string) => string | undefined,
): string {
  const { place } = error;
  const message = spelled(error.message, typedCommand);
  const hint = error.hint === undefined ? undefined : spelled(error.hint, typedCommand);
  const lines = [quotable(place === undefined ? message : `${formatPlace(place)}: ${message}`)];
  const source = place && readSource(place.file);
  const found = place === undefined || source === undefined ? undefined : shownLine(source, place);
  if (place !== undefined && found !== undefined && found.line.trim() !== '') {
    const number = String(place.line);
    const { text, column } = cut(found.line.replace(/^\uFEFF/, ''), found.column);
    const [before, after] = [text.slice(0, column - 1), text.slice(column - 1)].map(visible);
    lines.push(
      `  ${number} | ${before}${after}`,
      `  ${' '.repeat(number.length)} | ${indent(before ?? '')}^`,
    );
  }
  if (hint !== undefined) lines.push(`  hint: ${oneLine(hint)}`);
  return `${lines.join('\n')}\n`;
}

/** The lines of what was read last, and as they may be shown. Mistakes of one file come one after the other. */
let last: { readonly source: string; readonly lines: string[]; readonly shown: string[] } | undefined;

/** A line without secrets, which its other lines tell, such as the type of a key. */
function shownLine(
  source: string,
  place: Place,
): { readonly line: string; readonly column: number } | undefined {
  if (last?.source !== source) {
    const [lines, shown] = [source, asShown(source)].map((text) => text.split(/\r\n|\n|\r/));
    last = { source, lines: lines ?? [], shown: shown ?? [] };
  }
  const { lines, shown } = last;
  const line = lines[place.line - 1];
  if (line === undefined) return undefined;
  // A token that is folded becomes one line of several.
  const safe = lines.length === shown.length ? (shown[place.line - 1] ?? '') : asShown(line);
  return { line: safe, column: sameColumn(line, safe, place.column) };
}

/** Where a column is in a line of which something was replaced; where that begins, when it was part of it. */
function sameColumn(line: string, safe: string, column: number): number {
  if (line === safe) return column;
  let before = 0;
  while (before < safe.length && line[before] === safe[before]) before += 1;
  if (column <= before) return column;
  const moved = column + safe.length - line.length;
  return line.slice(column - 1) === safe.slice(moved - 1) ? moved : before + 1;
}

/** The piece of a long line around a column, which starts at 1. */
function cut(line: string, column: number): { text: string; column: number } {
  if (line.length <= widest) return { text: line, column };
  const start = Math.max(0, Math.min(column - Math.floor(widest / 2), line.length - widest));
  const end = Math.min(line.length, start + widest);
  const before = start > 0 ? '…' : '';
  const after = end < line.length ? '…' : '';
  return { text: before + line.slice(start, end) + after, column: column - start + before.length };
}

/** Blanks as wide as the text: a tab stays a tab, a wide character counts for two. */
function indent(text: string): string {
  return [...text]
    .map((char) => {
      if (char === '\t') return '\t';
      return wide.test(char) ? '  ' : ' ';
    })
    .join('');
}

/** East Asian wide characters and emoji, which terminals show in two columns. */
const wide =
  /[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Extended_Pictographic}/u;
