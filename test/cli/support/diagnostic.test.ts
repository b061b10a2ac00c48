import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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

describe('a line with a secret in it', () => {
  const secret = 'c2VjcmV0LW9mLWEta2V5LXRoYXQtbm9ib2R5LXNlZXM';

  test('shows none, though what tells that it is one stands elsewhere', () => {
    const far = 'x'.repeat(200);
    const inOneLine = `{"crv":"P-256","d":"${secret}","z":"${far}","kty":"EC"}`;
    expect(render(1, 1, inOneLine)).not.toContain(secret.slice(0, 16));
    expect(render(1, 1, inOneLine)).toMatch(/\{"crv":"P-256","d":"<secret>","z":"x+…\n {4}\| \^/);
    const inSeveral = `{\n  "kty": "EC",\n  "d": "${secret}", "bad": 1\n}`;
    expect(render(3, 3, inSeveral)).toContain('  3 |   "d": "<secret>", "bad": 1\n    |   ^\n');
  });

  test('keeps the caret below what it is about', () => {
    const line = `{"kty":"oct","k":"${secret}","bad":1}`;
    const [, text, caret] = render(1, line.indexOf('"bad"') + 1, line).split('\n');
    expect(text?.slice(caret?.indexOf('^'))).toBe('"bad":1}');
    const [, , within] = render(1, line.indexOf(secret) + 5, line).split('\n');
    expect(text?.slice(within?.indexOf('^'))).toMatch(/^<secret>/);
  });
});
