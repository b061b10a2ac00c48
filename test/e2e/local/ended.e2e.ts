/** Runs that are ended from outside, at several moments: they clean up, and after SIGKILL what is left ends by itself. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Ended, readJUnit } from '../faults/command.ts';
import { Draft } from '../faults/scenarios.ts';
import { describeOnLocal, Home, haveLocal } from './command.ts';
import { isPart, listening, type Process } from './processes.ts';

let home: Home;
beforeAll(() => {
  if (haveLocal) home = new Home();
});
afterEach(() => home?.clear());
afterAll(() => home?.remove());

/** Waits until there is the process, and returns it. */
async function appearing(isIt: (process: Process) => boolean): Promise<Process> {
  return vi.waitFor(
    () => {
      const found = home.processes.find(isIt);
      if (found === undefined) throw new Error('it is not there yet');
      return found;
    },
    { timeout: 60_000, interval: 10 },
  );
}

/** The shell that ends what is left; as long as it is stopped, the mesh cannot be. */
const isGuardian = ({ args }: Process) => args.includes('guardian');

function expectInterrupted(run: Ended, code: number): void {
  expect(run.exitCode, run.output).toBe(code);
  expect(run.schemaProblems).toEqual([]);
  expect(run.output).toContain('Interrupted: this is not the result of a whole run.');
  expect(run.cases.some(({ outcome, type }) => outcome === 'error' && type === 'interrupted')).toBe(true);
}

describeOnLocal('a run', () => {
  test('listens on loopback alone; killed in its middle, it leaves nothing but a report that is not green', async () => {
    const running = await home.startMidway('killed');
    const processes = home.processes;
    for (const [name, isIt] of Object.entries(isPart)) expect(processes.some(isIt), name).toBe(true);
    const addresses = listening(processes);
    const listeners = new Set(addresses.map(({ pid }) => pid));
    expect(listeners).toContain(running.pid);
    // The API server, istiod, two sidecars, the key server, and the product itself; not etcd.
    expect(listeners.size).toBeGreaterThanOrEqual(6);
    expect(addresses.filter(({ address }) => !address.startsWith('127.') && address !== '::1')).toEqual([]);

    running.kill('SIGKILL');
    await running.ended();
    await home.expectNothingLeft(addresses);
    const { cases, schemaProblems } = await readJUnit(home.sub('killed'));
    expect(schemaProblems).toEqual([]);
    expect(cases.filter(({ outcome }) => outcome !== 'error')).toEqual([]);
    expect(cases.map(({ message }) => message)).toContain('the run did not finish');
  });

  describe('that has only begun, when there is', () => {
    test.each([
      ['etcd', 'SIGTERM', 143],
      ['the API server', 'SIGKILL', undefined],
      ['istiod', 'SIGINT', 130],
    ] as const)('%s, and %s comes', async (part, signal, code) => {
      const scenario = new Draft('require-jwt').write(home.sub(`begun-${part}`), 'require-jwt');
      const running = home.start(`begun-${part}`, 'run', scenario);
      await appearing((process) => isPart[part]?.(process) === true);
      const addresses = listening(home.processes);
      running.kill(signal);
      const run = await running.ended();
      if (code === undefined) expect(run.exitCode).toBeUndefined();
      else expectInterrupted(run, code);
      expect(run.cases.filter(({ outcome }) => outcome !== 'error')).toEqual([]);
      await home.expectNothingLeft(addresses);
    });
  });

  test.each([
    ['SIGKILL', undefined],
    ['SIGTERM', 143],
  ] as const)(
    'on two meshes that share its scenarios leaves none of them, after %s',
    async (signal, code) => {
      const name = `shared-${signal}`;
      const running = home.start(name, 'run', '--profile', 'extended', '--jobs', '2');
      await running.said(/✓ Starting Istio .* \(mesh 2\)/);
      expect(home.meshes).toHaveLength(2);
      const addresses = listening(home.processes);
      running.kill(signal);
      const run = await running.ended();
      if (code === undefined) expect(run.exitCode).toBeUndefined();
      else expectInterrupted(run, code);
      await home.expectNothingLeft(addresses);
    },
  );

  test('that stops its mesh already is ended by SIGTERM with 143', async () => {
    const scenario = new Draft('require-jwt').write(home.sub('stopping'), 'require-jwt');
    const running = home.start('stopping', 'run', scenario);
    const guardian = await appearing(isGuardian);
    process.kill(guardian.pid, 'SIGSTOP');
    await running.said('Stopping the local mesh');
    running.kill('SIGTERM');
    await running.said('SIGTERM: cleaning up');
    process.kill(guardian.pid, 'SIGCONT');
    expectInterrupted(await running.ended(), 143);
    await home.expectNothingLeft([]);
  });

  test('is ended at once by a second SIGINT, and still leaves nothing', async () => {
    const running = await home.startMidway('twice');
    const processes = home.processes;
    const addresses = listening(processes);
    const guardian = processes.find(isGuardian);
    process.kill(guardian?.pid ?? 0, 'SIGSTOP');
    running.kill('SIGINT');
    await running.said('SIGINT: cleaning up; once more ends at once.');
    running.kill('SIGINT');
    const { exitCode, output } = await running.ended();
    expect(exitCode, output).toBe(130);
    expect(output).toContain('SIGINT again: ending without cleaning up.');
    process.kill(guardian?.pid ?? 0, 'SIGCONT');
    await home.expectNothingLeft(addresses);
  });
});
