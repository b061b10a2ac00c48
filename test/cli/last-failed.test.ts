import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lastFailed } from '../../src/cli/last-failed.ts';

const folder = mkdtempSync(join(tmpdir(), 'last-failed-'));
const scenario = (id: string, state: string, more: object = {}) => ({
  info: { id, ...more },
  state,
  notRun: 0,
});
const written = (value: unknown) => {
  const file = join(folder, 'results.json');
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
};

test('what failed, had no verdict, or did not come to its end', () => {
  const file = written({
    scenarios: [
      scenario('passed', 'passed'),
      scenario('failed', 'failed'),
      scenario('error@envoy', 'error'),
      scenario('skipped', 'skipped'),
      scenario('known', 'known'),
      scenario('killed', 'running'),
      scenario('never-began', 'planned'),
      { ...scenario('cut', 'passed'), notRun: 3 },
      scenario('repeated#2', 'failed', { repeat: 2 }),
      scenario('repeated#3', 'failed', { repeat: 3 }),
    ],
  });
  expect([...lastFailed(file)]).toEqual([
    'failed',
    'error@envoy',
    'killed',
    'never-began',
    'cut',
    'repeated',
  ]);
});

describe('says what to do', () => {
  test.each([
    ['without a report', () => join(folder, 'none.json'), /there is no .*none\.json of an earlier run/],
    ['with a broken one', () => written('{'), /is no JSON report/],
    ['with another file', () => written('{"name": "x"}'), /is no JSON report: it has no scenarios/],
    ['with a folder', () => folder, /is no JSON report/],
  ])('%s', (_, file, message) => {
    expect(() => lastFailed(file())).toThrow(expect.objectContaining({ code: 'E_USAGE' }));
    expect(() => lastFailed(file())).toThrow(message);
  });
});
