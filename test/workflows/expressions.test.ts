import { describe, expect, test } from 'vitest';
import { evaluate, fill, holds } from './expressions.ts';

const context = {
  matrix: { istio: '1.31.1', experimental: false },
  needs: { versions: { result: 'success', outputs: { matrix: '[{"istio":"1.31.1"}]' } } },
  inputs: {},
};

test.each([
  ["'it''s'", "it's"],
  ['matrix.istio', '1.31.1'],
  ["matrix['istio']", '1.31.1'],
  ['matrix.nothing.at.all', null],
  ['!matrix.experimental', true],
  ["matrix.experimental && 'experimental' || 'required'", 'required'],
  ["needs.versions.result == 'SUCCESS'", true],
  ["inputs.istio == ''", true],
  ["!(matrix.istio != '1.31.1') && 3", 3],
  ['fromJSON(needs.versions.outputs.matrix)[0].istio', '1.31.1'],
  ['null || 0 || false', false],
])('%s', (expression, value) => {
  expect(evaluate(expression, context)).toEqual(value);
});

test.each([
  ['(true', 'expected \\)'],
  ['true true', 'true is left over'],
  ['toJSON(1)', 'no function toJSON'],
  ['a ? b', 'cannot read'],
])('refuses %s', (expression, message) => {
  expect(() => evaluate(expression, context)).toThrow(new RegExp(message));
});

test('fills expressions into text', () => {
  expect(fill('reports/${{ matrix.istio }}/${{matrix.none}}.xml', context)).toBe('reports/1.31.1/.xml');
});

describe('a condition', () => {
  test.each([
    [undefined, 'success', true],
    [undefined, 'failure', false],
    ["matrix.istio == '1.31.1'", 'failure', false],
    ['always()', 'failure', true],
    ['failure()', 'failure', true],
    ['failure()', 'success', false],
    ["${{ !cancelled() && needs.versions.result == 'success' }}", 'failure', true],
    ['${{ !cancelled() }}', 'cancelled', false],
    [true, 'success', true],
  ])('%s after %s: %s', (condition, status, value) => {
    expect(holds(condition, { ...context, status })).toBe(value);
  });
});
