import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderDiagnostic } from '../../../src/cli/support/diagnostic.ts';

const source = 'first: 1\r\n\tsecond: 2\r\n名前: x\r\n\r\n';
const render = (line: number, column: number, text = source) =>
  renderDiagnostic({ message: 'wrong', hint: 'right', place: { file: 'a.yaml', line, column } }, () => text);

test('shows the place, the line with a caret, and the hint', () => {
  expect(render(1, 8)).toBe('a.yaml:1:8: wrong\n  1 | first: 1\n    |        ^\n  hint: right\n');
});

test('keeps the caret below a column after tabs and wide characters', () => {
  expect(render(2, 2)).toBe('a.yaml:2:2: wrong\n  2 | \tsecond: 2\n    | \t^\n  hint: right\n');
  expect(render(3, 5)).toBe('a.yaml:3:5: wrong\n  3 | 名前: x\n    |       ^\n  hint: right\n');
});

test('does without the line where there is none to show', () => {
  const withoutLine = 'wrong\n  hint: right\n';
  expect(render(4, 1)).toBe(`a.yaml:4:1: ${withoutLine}`);
  expect(render(99, 1)).toBe(`a.yaml:99:1: ${withoutLine}`);
  expect(renderDiagnostic({ message: 'wrong', hint: 'right', place: undefined }, () => source)).toBe(
    withoutLine,
  );
  const place = { file: 'gone.yaml', line: 1, column: 1 };
  expect(renderDiagnostic({ message: 'wrong', hint: undefined, place }, () => undefined)).toBe(
    'gone.yaml:1:1: wrong\n',
  );
});

test('cuts a long line so that the caret stays below its character', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 }), (length, position) => {
      const column = Math.min(length, position);
      const line = 'x'.repeat(column - 1) + 'Y'.padEnd(length - column + 1, 'x');
      const [, text, caret] = render(1, column, line).split('\n');
      expect(text!.length).toBeLessThanOrEqual(110);
      expect(text![caret!.indexOf('^')]).toBe('Y');
    }),
  );
});
