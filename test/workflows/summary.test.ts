import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { type Night, writeNight } from './nights.ts';

function summary(night: Night): string {
  const { folder, matrix } = writeNight(night);
  return execFileSync('node', ['.github/scripts/summary.mjs', folder], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, MATRIX: matrix },
  });
}

test('the table has a row for every run, also for one that left nothing', () => {
  expect(
    summary({
      '1.31.1 1.36.4': { passed: 14 },
      '1.31.1 1.34.11': { failed: { 'a/b/c/d': '', 'a/b/c/e': '' }, errors: ['b'] },
      '1.31.1 1.33.0': { known: 2 },
      '1.30.5 1.36.4': { passed: 0, errors: ['a'] },
      '1.30.5 1.34.11': { outcome: 'cancelled' },
      '1.30.5 1.33.0': { exitCode: null, outcome: 'failure' },
      '1.30.5 1.32.0': { exitCode: 143, outcome: 'cancelled' },
      '1.31.1 1.37.0?': { text: null, outcome: 'failure' },
      '1.29.9 1.35.8?': undefined,
      '1.29.9 1.34.8?': { text: '{"schemaVersion":1,"run":{"id":' },
      '1.29.9 1.33.8?': { passed: 0 },
    }),
  ).toMatchInlineSnapshot(`
    "## JWT authentication on all versions

    | Istio | Kubernetes |  | Result | Passed | Failed | Known | Errors | Skipped |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- |
    | 1.31.1 | 1.36.4 | required | ✅ passed | 14 | 0 | 0 | 0 | 0 |
    | 1.31.1 | 1.34.11 | required | ❌ failed | 10 | 2 | 0 | 1 | 0 |
    | 1.31.1 | 1.33.0 | required | ✅ passed | 10 | 0 | 2 | 0 | 0 |
    | 1.30.5 | 1.36.4 | required | ⚠️ no verdict | 0 | 0 | 0 | 1 | 0 |
    | 1.30.5 | 1.34.11 | required | ⚠️ cancelled | 10 | 0 | 0 | 0 | 0 |
    | 1.30.5 | 1.33.0 | required | ⚠️ broke off | 10 | 0 | 0 | 0 | 0 |
    | 1.30.5 | 1.32.0 | required | ⚠️ no verdict | 10 | 0 | 0 | 0 | 0 |
    | 1.31.1 | 1.37.0 | experimental | ❔ no report |  |  |  |  |  |
    | 1.29.9 | 1.35.8 | experimental | ❔ no report |  |  |  |  |  |
    | 1.29.9 | 1.34.8 | experimental | ❔ no report |  |  |  |  |  |
    | 1.29.9 | 1.33.8 | experimental | ❔ nothing was checked | 0 | 0 | 0 | 0 | 0 |

    "
  `);
});

test('a run that nobody had in the matrix is not counted', () => {
  const { folder } = writeNight({ '1.31.1 1.36.4': {} });
  const text = execFileSync('node', ['.github/scripts/summary.mjs', folder], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  expect(text.trim().split('\n')).toHaveLength(4);
});
