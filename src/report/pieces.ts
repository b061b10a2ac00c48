/** Lines made of pieces that are cut before they get their colours, because an escape sequence must not be cut. */
import type { CheckState } from '../base/events.ts';
import type { Colors } from './console/terminal.ts';
import { displayWidth, truncate } from './text.ts';

export interface Piece {
  readonly text: string;
  readonly paint?: ((text: string) => string) | undefined;
}

interface Glyph {
  readonly text: string;
  readonly paint: (text: string) => string;
}

/** What each state of a check looks like. */
export function glyphs({ green, red, yellow, dim }: Colors): Record<CheckState, Glyph> {
  return {
    passed: { text: '✓', paint: green },
    failed: { text: '✗', paint: red },
    known: { text: '~', paint: dim },
    error: { text: '!', paint: yellow },
    skipped: { text: '-', paint: dim },
  };
}

/** Less than this on the left, and the right goes. */
const leastLeft = 8;

/** A line of at most `width` columns, with `right` at its end as long as there is room for both. */
export function spread(left: readonly Piece[], right: readonly Piece[], width: number): string {
  const wanted = right.reduce((sum, { text }) => sum + displayWidth(text), 0);
  const room = wanted === 0 ? width : width - wanted - 2;
  if (room < leastLeft) return join(left, width).line;
  const { line, used } = join(left, room);
  return wanted === 0 ? line : `${line}${' '.repeat(width - wanted - used)}${join(right, wanted).line}`;
}

function join(pieces: readonly Piece[], width: number): { readonly line: string; readonly used: number } {
  let used = 0;
  let line = '';
  for (const { text, paint } of pieces) {
    if (text === '' || used >= width) continue;
    const cut = truncate(text, width - used);
    used += displayWidth(cut);
    line += paint === undefined ? cut : paint(cut);
    // Once something was cut, what follows would stand in its place.
    if (cut !== text) break;
  }
  return { line, used };
}
