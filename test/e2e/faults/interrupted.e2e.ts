/** Runs that are ended from outside: what they leave behind, and what the next run makes of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { describeOnCluster } from './cluster.ts';
import { Folder, jwtE2e, readJUnit, type Started, start } from './command.ts';
import { keyServersOf, policiesOn, stateFolder } from './objects.ts';
import { Draft, endless } from './scenarios.ts';

const folder = new Folder();
afterAll(() => folder.remove());

/** Starts a run and waits until it is in the middle of its step: its policy is there, and its key server. */
async function midway(cluster: string, name: string): Promise<Started> {
  const running = start(folder.sub(name), [
    'run',
    '--reuse',
    '--name',
    cluster,
    '--answer-timeout',
    '120',
    endless(folder.sub(name), name),
  ]);
  await running.said('Using kind cluster');
  await vi.waitFor(
    async () => {
      expect(await policiesOn(cluster)).toEqual(['RequestAuthentication foo/jwt-example']);
      expect(await keyServersOf(cluster)).toHaveLength(1);
    },
    { timeout: 90_000, interval: 300 },
  );
  return running;
}

async function expectCleanedUp(cluster: string): Promise<void> {
  expect(await policiesOn(cluster)).toEqual([]);
  expect(await keyServersOf(cluster)).toEqual([]);
  expect(existsSync(join(stateFolder(cluster), 'lock'))).toBe(false);
}

describeOnCluster('a run', (cluster) => {
  test('keeps others off its cluster; SIGINT ends it with 130, and puts everything back', async () => {
    const first = await midway(cluster, 'interrupted');
    try {
      const second = await jwtE2e(folder.sub('second'), [
        'run',
        '--reuse',
        '--name',
        cluster,
        endless(folder.sub('second'), 'second'),
      ]);
      expect(second.exitCode, second.output).toBe(4);
      expect(second.schemaProblems).toEqual([]);
      expect(second.cases.map(({ outcome, type }) => `${outcome} ${type}`)).toEqual(['error E_CLUSTER']);
      expect(second.cases[0]?.message).toContain(
        `kind cluster "${cluster}" is in use by process ${first.pid}, since`,
      );
      const down = await jwtE2e(folder.sub('second'), ['down', '--name', cluster]);
      expect(down.exitCode, down.output).toBe(4);
      expect(down.output).toContain(`in use by process ${first.pid}`);
      expect(await policiesOn(cluster)).toEqual(['RequestAuthentication foo/jwt-example']);
    } finally {
      first.kill('SIGINT');
    }
    const run = await first.ended();
    expect(run.exitCode, run.output).toBe(130);
    expect(run.output).toContain('SIGINT: cleaning up');
    expect(run.output).toContain('Interrupted: this is not the result of a whole run.');
    expect(run.schemaProblems).toEqual([]);
    expect(run.cases.some(({ outcome, type }) => outcome === 'error' && type === 'interrupted')).toBe(true);
    expect(new Set(run.cases.map(({ outcome }) => outcome))).toEqual(new Set(['error']));
    await expectCleanedUp(cluster);
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('is ended by %s with %d, and puts everything back', async (signal, code) => {
    const running = await midway(cluster, signal.toLowerCase());
    running.kill(signal);
    const run = await running.ended();
    expect(run.exitCode, run.output).toBe(code);
    expect(run.schemaProblems).toEqual([]);
    expect(run.cases.some(({ outcome, type }) => outcome === 'error' && type === 'interrupted')).toBe(true);
    await expectCleanedUp(cluster);
  });

  test('that is killed leaves a valid report that is not green; the next run clears up after it', async () => {
    const running = await midway(cluster, 'killed');
    running.kill('SIGKILL');
    await running.ended();
    const { cases, schemaProblems } = await readJUnit(folder.sub('killed'));
    expect(schemaProblems).toEqual([]);
    expect(cases.filter(({ outcome }) => outcome !== 'error')).toEqual([]);
    expect(cases.map(({ message }) => message)).toContain('the run did not finish');
    // Its guardian removes the key server, and leaves the cluster, which it has not made, as it is.
    await vi.waitFor(async () => expect(await keyServersOf(cluster)).toEqual([]), 30_000);
    expect(await policiesOn(cluster)).toEqual(['RequestAuthentication foo/jwt-example']);

    // Its first step is about a mesh without policies, and its tokens are of other keys than what is left.
    const good = new Draft('request-authentication-alone').write(folder.sub('next'), 'next');
    const next = await jwtE2e(folder.sub('next'), ['run', '--reuse', '--name', cluster, good]);
    expect(next.exitCode, next.output).toBe(0);
    expect(next.cases.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    await expectCleanedUp(cluster);
  });
});
