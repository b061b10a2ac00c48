/** Everything about one scenario that did not pass, for a folded part of a log: what was applied, and all answers. */

import { oneLine } from '../../base/harmless.ts';
import { glyphs } from '../pieces.ts';
import type { ScenarioResult } from '../result.ts';
import { duration, plural } from '../text.ts';
import type { Colors } from './terminal.ts';

/** Somebody who needs more opens a report. */
const mostLines = 200;

/** The lines, without line breaks. */
export function detailLines({ steps, checks }: ScenarioResult, colors: Colors): string[] {
  const glyph = glyphs(colors);
  // A check of a step that never began still has its place.
  const names = [...new Set([...steps.map(({ name }) => name), ...checks.map(({ step }) => step)])];
  const lines = names.flatMap((name) => {
    const step = steps.find((each) => each.name === name);
    const held = step?.heldMs === undefined ? undefined : `in every proxy after ${duration(step.heldMs)}`;
    const proof = step?.proof === undefined ? '' : ` (${step.proof})`;
    return [
      ` ${colors.bold(oneLine(name))}`,
      ...(step?.objects ?? []).map((object) => colors.dim(`   ${oneLine(object)}`)),
      ...(held === undefined ? [] : [colors.dim(`   ${oneLine(`${held}${proof}`)}`)]),
      ...checks
        .filter((check) => check.step === name)
        .map(({ row, column, state, expected, actual }) => {
          const { text, paint } = glyph[state];
          const answer = state === 'passed' ? (actual ?? expected) : wanted(expected, actual);
          return `   ${paint(text)} ${oneLine(`${row} / ${column}: ${answer}`)}`;
        }),
    ];
  });
  const left = lines.length - mostLines;
  return left <= 0
    ? lines
    : [...lines.slice(0, mostLines), `   … ${plural(left, 'line')} more in the reports`];
}

function wanted(expected: string, actual: string | undefined): string {
  return actual === undefined ? `${expected} expected` : `${expected} expected, got ${actual}`;
}
