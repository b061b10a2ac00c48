import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { countsOf } from '../../.github/scripts/summary.mjs';

function junit(...suites: [tests: number, failures: number, errors: number, skipped: number][]): string {
  const all = suites.map(
    ([tests, failures, errors, skipped], index) =>
      `<testsuite name="a > ${index} &lt; b" tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}">
        <testcase name='x'/></testsuite>`,
  );
  return `<?xml version="1.0"?><testsuites name="jwt-e2e" tests="999">${all.join('')}</testsuites>`;
}

function summary(reports: Record<string, { junit?: string; outcome?: string }>): string {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-summary-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const matrix = Object.entries(reports).map(([name, report]) => {
    const [istio, kubernetes] = name.split(' ');
    const leg = join(folder, `junit-istio-${istio}-k8s-${kubernetes}`);
    if (report.junit !== undefined || report.outcome !== undefined) mkdirSync(leg);
    if (report.junit !== undefined) writeFileSync(join(leg, 'junit.xml'), report.junit);
    if (report.outcome !== undefined) writeFileSync(join(leg, 'outcome.txt'), `${report.outcome}\n`);
    return { istio, kubernetes, nodeImage: 'x', experimental: kubernetes === '1.37.0' };
  });
  return execFileSync('node', ['.github/scripts/summary.mjs', folder], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, MATRIX: JSON.stringify(matrix) },
  });
}

test('the table has a row for every run, also for one that left nothing', () => {
  expect(
    summary({
      '1.31.1 1.36.4': { junit: junit([10, 0, 0, 1], [5, 0, 0, 0]), outcome: 'success' },
      '1.31.1 1.34.11': { junit: junit([10, 2, 1, 0]), outcome: 'failure' },
      '1.30.5 1.36.4': { junit: junit([1, 0, 1, 0]), outcome: 'failure' },
      '1.30.5 1.34.11': { junit: junit([10, 0, 0, 0]), outcome: 'cancelled' },
      '1.31.1 1.37.0': { outcome: 'failure' },
      '1.29.9 1.35.8': {},
    }),
  ).toMatchInlineSnapshot(`
    "## JWT authentication on all versions

    | Istio | Kubernetes |  | Result | Passed | Failed | Errors | Skipped |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | 1.31.1 | 1.36.4 | required | ✅ passed | 14 | 0 | 0 | 1 |
    | 1.31.1 | 1.34.11 | required | ❌ failed | 7 | 2 | 1 | 0 |
    | 1.30.5 | 1.36.4 | required | ⚠️ no verdict | 0 | 0 | 1 | 0 |
    | 1.30.5 | 1.34.11 | required | ⚠️ cancelled | 10 | 0 | 0 | 0 |
    | 1.31.1 | 1.37.0 | experimental | ❔ no report |  |  |  |  |
    | 1.29.9 | 1.35.8 | required | ❔ no report |  |  |  |  |
    "
  `);
});

test('a report that was cut off does not count as one', () => {
  expect(countsOf('<?xml version="1.0"?><testsuites name="jwt-e2e" tests="3">')).toBeUndefined();
  expect(countsOf('')).toBeUndefined();
});
