/** Several versions side by side: one local mesh each in one command, and a column each in every report. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RunResult } from '../../../src/report/result.ts';
import { capacityNow, meshesAtOnce } from '../../../src/run/several.ts';
import type { Ended } from '../faults/command.ts';
import { describeOnLocal, Home, haveLocal } from '../local/command.ts';

/** The versions of Envoy that the folder with programs has, as `envoy-VERSION`. */
const envoys = haveLocal
  ? readdirSync(process.env.JWT_E2E_PROGRAMS ?? '').flatMap((name) => /^envoy-(\d.*)$/.exec(name)?.[1] ?? [])
  : [];
const [one = '', other = ''] = envoys.sort(semver.rcompare);

let home: Home;
beforeAll(() => {
  if (haveLocal) home = new Home();
});
afterAll(() => home?.remove());

async function run(name: string, ...args: readonly string[]): Promise<Ended & { results: RunResult }> {
  const ended = await home.start(name, 'run', ...args).ended();
  await home.expectNothingLeft([]);
  const results = JSON.parse(
    readFileSync(join(ended.folder, 'reports', 'results.json'), 'utf8'),
  ) as RunResult;
  return { ...ended, results };
}

/** Where the lines of a mesh say that it is being started, that it is up, and that it is gone. */
function lifeOf(envoy: string, output: string): { begins: number; up: number; gone: number } {
  const at = (text: RegExp) => output.search(text);
  const escaped = envoy.replaceAll('.', '\\.');
  const mesh = `envoy-${escaped}: `;
  return {
    begins: at(new RegExp(`• ${mesh}Starting .*Envoy ${escaped} …`)),
    up: at(new RegExp(`✓ ${mesh}Starting`)),
    gone: at(new RegExp(`✓ ${mesh}Stopping`)),
  };
}

describeOnLocal('two versions of Envoy', () => {
  beforeEach((context) => {
    if (other === '') context.skip('JWT_E2E_PROGRAMS has no two files envoy-VERSION');
  });

  test('prove all that is documented in one run, at the same time where there is room', async () => {
    const { exitCode, output, results, cases, schemaProblems } = await run(
      'both',
      '--envoy',
      `${one},${other}`,
    );
    expect(exitCode, output).toBe(0);
    const atOnce = meshesAtOnce(2, undefined, capacityNow());
    const [first, second] = [lifeOf(one, output), lifeOf(other, output)];
    if (atOnce === 2)
      expect(Math.max(first.begins, second.begins)).toBeLessThan(Math.min(first.up, second.up));

    expect(results.meshes.map(({ envoy }) => envoy)).toEqual([one, other]);
    const checks = (envoy: string) =>
      results.scenarios
        .filter(({ info }) => info.mesh === `envoy-${envoy}`)
        .flatMap((scenario) => scenario.checks.map(({ id, state }) => `${id}: ${state}`));
    expect(checks(one).length).toBeGreaterThan(100);
    expect(checks(one)).toEqual(checks(other));
    expect(results.counts).toMatchObject({
      passed: 2 * checks(one).length,
      failed: 0,
      error: 0,
      skipped: 0,
    });

    expect(schemaProblems).toEqual([]);
    for (const envoy of [one, other]) {
      const own = cases.filter(({ suite }) => suite.includes(` / envoy-${envoy} / local / `));
      expect(own).toHaveLength(checks(one).length);
      expect(new Set(own.map(({ outcome }) => outcome))).toEqual(new Set(['passed']));
    }
    const [istio = ''] = results.meshes.map((mesh) => mesh.istio);
    expect(output).toMatch(
      new RegExp(`^ +Istio ${istio} +Istio ${istio}\n +Envoy ${one} +Envoy ${other}\n`, 'm'),
    );
    expect(output).toMatch(/^ {2}require-jwt +6\/6 +6\/6$/m);
  });

  test('have their turns with --jobs 1', async () => {
    const { exitCode, output } = await run(
      'turns',
      ...['--envoy', `${one},${other}`, '--jobs', '1', '--grep', 'require-jwt'],
    );
    expect(exitCode, output).toBe(0);
    const [first, second] = [lifeOf(one, output), lifeOf(other, output)];
    expect(first.gone).toBeGreaterThan(first.up);
    expect(second.begins).toBeGreaterThan(first.gone);
    expect(second.gone).toBeGreaterThan(second.begins);
    expect(output).toMatch(/^ {2}require-jwt +6\/6 +6\/6$/m);
  });
});

describeOnLocal('a version that cannot be had', () => {
  let ended: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    if (!haveLocal) return;
    ended = await run('missing', '--envoy', `${one},9.9.9`, '--grep', 'require-jwt');
  });

  test('is no verdict for the whole run, and leaves the results of the other', () => {
    const { exitCode, output, results } = ended;
    expect(exitCode, output).toBe(4);
    expect(results.counts).toMatchObject({ passed: 6, failed: 0, error: 0 });
    expect(results.meshes.map(({ envoy }) => envoy)).toEqual([one]);
    expect(results.failedMeshes).toEqual([
      { mesh: 'envoy-9.9.9', problem: expect.objectContaining({ code: 'E_PROGRAM' }) },
    ]);
    expect(output).toMatch(/^ {2}require-jwt +6\/6 +no mesh$/m);
  });

  test('is an error in JUnit that says what is missing, and how to get it', () => {
    expect(ended.schemaProblems).toEqual([]);
    expect(ended.cases.filter(({ outcome }) => outcome === 'passed')).toHaveLength(6);
    const errors = ended.cases.filter(({ outcome }) => outcome !== 'passed');
    expect(errors).toEqual([expect.objectContaining({ outcome: 'error', type: 'E_PROGRAM' })]);
    expect(errors[0]?.message).toMatch(/there is no envoy for the target local/);
    expect(errors[0]?.text).toMatch(/hint: .*--programs/s);
  });
});
