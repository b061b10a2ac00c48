import { expect, test } from 'vitest';
import { byCause, isExplained } from '../../src/report/cause.ts';
import { check, requireJwt } from './fixture.ts';

const failed = (row: string, message?: string) =>
  check(requireJwt, {
    step: 's',
    row,
    column: '/',
    state: 'failed',
    expected: '401',
    actual: '200',
    message,
  });

test('checks that show one cause by different answers are together, in the order in which causes came up', () => {
  const causes = byCause([
    failed('a', 'status 200 instead of 401; istiod has no keys of the issuer'),
    check(requireJwt, { step: 's', row: 'b', column: '/', expected: '200' }),
    failed('c', 'status 200 instead of 401'),
    failed('d', 'status 403 instead of 200; istiod has no keys of the issuer'),
  ]);
  expect(causes.map(({ first, others }) => [first.row, ...others.map(({ row }) => row)])).toEqual([
    ['a', 'd'],
    ['c'],
  ]);
});

test('a wrong answer and a missing verdict are never one cause, whatever they say', () => {
  const message = 'the server has gone';
  const error = check(requireJwt, {
    step: 's',
    row: 'b',
    column: '/',
    state: 'error',
    expected: '401',
    message,
  });
  expect(byCause([failed('a', message), error])).toHaveLength(2);
});

test.each([
  ['status 200 instead of 401', false],
  ['expected 401, got no answer', false],
  ['status 200 instead of 401; no policy selects the workload', true],
  ['RBAC: access denied', true],
])('%j says why: %j', (message, is) => {
  expect(isExplained(message)).toBe(is);
});
