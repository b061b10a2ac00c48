import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { CheckResult } from '../../../src/base/events.ts';
import { runCommand } from '../../../src/cli/commands/run/run-command.ts';
import { lastFailed } from '../../../src/cli/support/last-failed.ts';
import type { RunResult, ScenarioResult } from '../../../src/report/result.ts';
import { onMesh, resultOf } from '../../report/results.ts';
import * as runs from '../../report/runs.ts';
import { recorder } from '../../scenario/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'last-failed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const passed = resultOf(runs.passed);
const [usual] = passed.scenarios;
const scenario = (id: string, state: ScenarioResult['state'], more: object = {}): ScenarioResult => ({
  ...usual!,
  info: { ...usual!.info, id, ...more },
  state,
});
const skipped = (id: string, message: string, many = true): ScenarioResult => ({
  ...scenario(id, many ? 'skipped' : 'passed'),
  checks: usual!.checks.map(
    (check, index): CheckResult => (many || index === 1 ? { ...check, state: 'skipped', message } : check),
  ),
});
const written = (value: unknown) => {
  const file = join(folder, 'results.json');
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
};
const failedOf = (result: Partial<RunResult>) => {
  const failed = lastFailed(written({ ...passed, ...result }));
  return failed && [...failed];
};

test('what failed, had no verdict, or did not come to its end', () => {
  const scenarios = [
    scenario('passed', 'passed'),
    scenario('failed', 'failed'),
    scenario('error@envoy', 'error'),
    scenario('known', 'known'),
    scenario('killed', 'running'),
    scenario('never-began', 'planned'),
    { ...scenario('cut', 'passed'), notRun: 3 },
    scenario('repeated#2', 'failed', { repeat: 2 }),
    scenario('repeated#3', 'failed', { repeat: 3 }),
  ];
  const run = { ...passed.run, state: 'running' } as const;
  expect(failedOf({ run, scenarios })).toEqual([
    'failed',
    'error@envoy',
    'killed',
    'never-began',
    'cut',
    'repeated',
  ]);
});

test('what was skipped because something before it went wrong, and not what would be skipped again', () => {
  const scenarios = [
    scenario('failed', 'failed'),
    skipped('after', 'an earlier scenario failed (--fail-fast)'),
    skipped('broken', 'step "policies" could not be carried out', false),
    skipped('no-use', 'needs Istio 1.31 or later'),
    skipped('partly', 'needs Istio 1.31 or later', false),
  ];
  expect(failedOf({ scenarios })).toEqual(['failed', 'after', 'broken']);
});

describe('nothing is known when', () => {
  const problem = { code: 'E_ISTIO', message: 'istioctl install ended with exit code 1' } as const;
  const other = onMesh(passed, { id: 'other' });
  test.each<[string, Partial<RunResult>]>([
    ['the run has a problem', { run: { ...passed.run, problem } }],
    ['a mesh failed', { failedMeshes: [{ mesh: 'other', problem }] }],
    ['it ended before there was a plan', { run: { ...passed.run, state: 'interrupted' }, scenarios: [] }],
    [
      'a mesh had not its turn',
      {
        run: { ...passed.run, meshes: ['other', 'later'] },
        meshes: other.meshes,
        scenarios: other.scenarios,
      },
    ],
  ])('%s', (_, result) => {
    expect(failedOf(result)).toBeUndefined();
  });

  test('and all are run, which is told', async () => {
    const json = written(resultOf(runs.setupFailed));
    const { io, stderr } = recorder();
    const path = join(process.cwd(), 'scenarios/documented/require-jwt.yaml');
    const values = { 'last-failed': true, json, 'dry-run': true, target: 'kind', 'no-download': true };
    // What comes after depends on what this machine has.
    await runCommand([path], values, { ...io, env: {}, cwd: folder }).catch(() => {});
    expect(stderr()).toContain('--last-failed: the last run did not come to its end, so all are run\n');
  });
});

describe('says what to do', () => {
  test.each([
    ['without a report', () => join(folder, 'none.json'), /there is no .*none\.json of an earlier run/],
    ['with a broken one', () => written('{'), /--last-failed: .* is not JSON/],
    ['with another file', () => written('{"name": "x"}'), /is not a JSON report of jwt-e2e/],
    ['with a damaged one', () => written({ ...passed, scenarios: [{}] }), /is damaged: scenarios/],
    ['with a folder', () => folder, /is a folder and no file/],
  ])('%s', (_, file, message) => {
    expect(() => lastFailed(file())).toThrow(
      expect.objectContaining({ code: 'E_USAGE', hint: expect.stringContaining('without --last-failed') }),
    );
    expect(() => lastFailed(file())).toThrow(message);
  });
});
