import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { diffCommand, readVerdicts, whyNoVerdict } from '../../../src/cli/commands/diff.ts';
import { changesBetween } from '../../../src/report/changes/changes.ts';
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
write('several.json', resultOf(runs.several));
write('several.yaml', conformanceYaml(resultOf(runs.several)));
write('a#b.json', passed);
write('empty.yaml', '');
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

describe('a report is found', () => {
  test('as JSON and as YAML, with the same in it', () => {
    const [json, yaml] = [readVerdicts('old.json', cwd), readVerdicts('old.yaml', cwd)];
    expect(json.facts?.istio).toBe('1.30.3');
    expect(changesBetween(json, yaml)).toMatchObject({ compared: 6, same: 6, changes: [] });
  });

  test.each(['several.json', 'several.yaml'])('with one of the meshes of %s', (file) => {
    const found = readVerdicts(`${file}#istio-1.30.3-envoy-1.40.0`, cwd);
    expect(found.facts?.envoy).toBe('1.40.0');
    expect(() => readVerdicts(file, cwd)).toThrow(
      expect.objectContaining({
        code: 'E_USAGE',
        message: `${file} has the results of 3 meshes`,
        hint: `Name one of them: "${file}#istio-1.30.3-envoy-1.36.4" or "${file}#istio-1.30.3-envoy-1.40.0" or "${file}#istio-1.31.0-envoy-1.40.0".`,
      }),
    );
    expect(() => readVerdicts(`${file}#istio-1.29`, cwd)).toThrow(/there is no mesh "istio-1.29" in/);
  });

  test('when its name has a # in it', () => {
    expect(readVerdicts('a#b.json', cwd).verdicts.size).toBe(6);
  });

  test('or not', () => {
    expect(() => readVerdicts('none.json', cwd)).toThrow('none.json does not exist');
    expect(() => readVerdicts('empty.yaml', cwd)).toThrow('empty.yaml is empty');
  });

  test.each([
    ['was killed', resultOf(runs.killed), 'the run has not finished'],
    ['was interrupted', resultOf(runs.interrupted), 'the run was interrupted'],
    ['had no mesh', resultOf(runs.setupFailed), 'istioctl install ended with exit code 1 (E_ISTIO)'],
    [
      'has skipped all',
      withChecks(passed, (check) => ({ ...check, state: 'skipped' })),
      'no check of it has a verdict',
    ],
  ])('without a verdict when the run %s', (_, result, why) => {
    write('x.json', result);
    write('x.yaml', conformanceYaml(result));
    for (const file of ['x.json', 'x.yaml']) expect(whyNoVerdict(readVerdicts(file, cwd))).toBe(why);
    expect(whyNoVerdict(readVerdicts('old.json', cwd))).toBeUndefined();
  });
});
