import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { CheckResult } from '../../src/base/events.ts';
import { type FileLine, withWholePlaces } from '../../src/vitest-plugin/vitest-protocol.ts';

const place = { file: 'policies/one.yaml', line: 3, column: 5 };
const whole = { ...place, file: resolve('policies/one.yaml') };

test('places of checks and problems are told with the whole path of their file', () => {
  expect(withWholePlaces({ type: 'check', check: { id: 'a', place } as CheckResult })).toEqual({
    type: 'check',
    check: { id: 'a', place: whole },
  });
  expect(
    withWholePlaces({ type: 'finished', problem: { code: 'E_NACK', message: 'refused', place } }),
  ).toEqual({ type: 'finished', problem: { code: 'E_NACK', message: 'refused', place: whole } });
});

test('lines without a place stay as they are', () => {
  const lines: FileLine[] = [
    { type: 'ready', leftOut: {} },
    { type: 'finished' },
    { type: 'finished', problem: { code: 'E_DOCKER', message: 'no engine' } },
  ];
  expect(lines.map(withWholePlaces)).toEqual(lines);
});
