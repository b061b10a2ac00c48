import { rmSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { diffCommand } from '../../../src/cli/commands/diff.ts';
import { conformanceYaml } from '../../../src/report/conformance/conformance.ts';
import { resultOf, withChecks } from '../../report/results.ts';
import * as runs from '../../report/runs.ts';
import { workspace } from '../reporting.ts';

const { cwd, write, call } = workspace();
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const [passed, failures] = [resultOf(runs.passed), resultOf(runs.failures)];
write('old.json', passed);
write('old.yaml', conformanceYaml(passed));
write('new.json', failures);
write('new.yaml', conformanceYaml(failures));
write('killed.json', resultOf(runs.killed));
write('setup.yaml', conformanceYaml(resultOf(runs.setupFailed)));

test.each([
  ['old.json', 'new.json'],
  ['old.yaml', 'new.yaml'],
  ['old.json', 'new.yaml'],
  ['old.yaml', 'new.json'],
])('%s and %s: a regression ends with 1, the way back with 0', async (older, newer) => {
  const { exitCode, stdout } = await call(diffCommand, [older, newer]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain(
    'require-jwt/a token is required/no token//headers\n    403 "RBAC: access denied" -> 200',
  );
  expect(stdout).toMatch(/ the same: \d regressions\n$/);
  // What only the red run has is gone then, but had not passed; what it lacks is there again.
  const back = await call(diffCommand, [newer, newer]);
  expect([back.exitCode, back.stdout.split('\n').at(-2)]).toEqual([
    0,
    expect.stringContaining('no regression'),
  ]);
});

test('a check that lost its verdict is no success', async () => {
  const failed = withChecks(resultOf(runs.passed), (check) =>
    check.row === '/headers' && check.column === 'valid' ? { ...check, state: 'failed' } : check,
  );
  const open = withChecks(failed, (check) =>
    check.state === 'failed' ? { ...check, state: 'error' } : check,
  );
  write('failed.json', failed);
  write('open.json', open);
  const { exitCode, stdout } = await call(diffCommand, ['failed.json', 'open.json']);
  expect(exitCode).toBe(4);
  expect(stdout).toContain('no regression, but 1 check without a verdict');
  const json = await call(diffCommand, ['failed.json', 'open.json'], { json: true });
  expect([json.exitCode, JSON.parse(json.stdout)]).toMatchObject([4, { regression: false, undecided: 1 }]);
});

test('programs read JSON', async () => {
  const { exitCode, stdout } = await call(diffCommand, ['old.yaml', 'new.json'], { json: true });
  const changes = JSON.parse(stdout);
  expect(exitCode).toBe(1);
  expect(changes).toMatchObject({
    old: { mesh: 'kind-1.30.3', istio: '1.30.3', target: 'kind', toolVersion: '0.1.0' },
    new: { envoy: '1.38.1' },
    regression: true,
    compared: 6,
  });
  expect(changes.changes).toContainEqual({
    kind: 'worse',
    check: 'jwks-external-http@envoy/keys by URL/valid//ip',
    old: { state: 'passed', answer: '200' },
    new: {
      state: 'error',
      expected: '200',
      reason: 'E_SEND: curl in sleep-5b7c.foo gave no answer within 10s',
    },
  });
});

test.each([
  ['old.json', 'killed.json', 'killed.json has no verdict: the run has not finished'],
  ['setup.yaml', 'old.json', 'setup.yaml has no verdict: istioctl install ended with exit code 1 (E_ISTIO)'],
])('%s and %s: without a verdict it ends with 4', async (older, newer, why) => {
  const { exitCode, stdout, stderr } = await call(diffCommand, [older, newer]);
  expect([exitCode, stdout]).toEqual([4, '']);
  expect(stderr).toBe(`${why}\n  Nothing was compared. Run it again, or compare other reports.\n`);
});

test.each([
  [[], 'diff compares two reports, not 0'],
  [['old.json'], 'diff compares two reports, not 1'],
  [['old.json', 'old.json', 'old.json'], 'diff compares two reports, not 3'],
  [['old.json', 'gone.json'], 'gone.json does not exist'],
  [['old.json', 'old.yaml#elsewhere'], 'there is no mesh "elsewhere" in old.yaml'],
])('%j is wrong usage', async (files, message) => {
  const { exitCode, error } = await call(diffCommand, files);
  expect([exitCode, error?.code, error?.message]).toEqual([2, 'E_USAGE', message]);
  expect(error?.hint).toBeDefined();
});
