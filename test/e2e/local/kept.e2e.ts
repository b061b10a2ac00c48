/** A mesh that is kept: used by one run at a time, clean after each, by whomever it is used, and gone when it is to be. */
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Ended } from '../faults/command.ts';
import { Draft } from '../faults/scenarios.ts';
import { describeOnLocal, Home, haveLocal } from './command.ts';
import { isPart, listening, type Process } from './processes.ts';

const use = ['--name', 'kept', '--reuse', '--keep'];
const identity = resolve('scenarios/extended/identity.yaml');

/** The process that keeps a mesh. */
const isKeeper = ({ args }: Process) => args[1]?.endsWith('/host.mjs') === true;

let home: Home;
let began: Ended;
beforeAll(async () => {
  if (!haveLocal) return;
  home = new Home();
  began = await home.start('up', 'up', '--name', 'kept').ended();
});
afterAll(() => home?.remove());

function good(name: string): string {
  return new Draft('require-jwt').write(home.sub(name), name);
}

describeOnLocal('a mesh that is kept', () => {
  test('says that it is ready, and how to use it', () => {
    expect(began.exitCode, began.output).toBe(0);
    expect(began.output).toMatch(/(jwt-e2e|bin\.mjs) run --target local --reuse --name kept/);
    expect(home.processes.filter(isKeeper)).toHaveLength(1);
  });

  test('serves one run after the other, without starting anything', async () => {
    for (const name of ['first', 'second']) {
      const run = await home.run(name, ...use, good(name), identity);
      expect(run.exitCode, run.output).toBe(0);
      expect(run.cases.length).toBeGreaterThan(10);
      expect(run.cases.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
      expect(run.output).not.toContain('Starting');
      expect(run.output).toMatch(/used again with --reuse, and removed with ".* down --name kept"\./);
    }
    // Only the first istiod of a mesh has Istio's own ports. Nobody has had keys fetched, so there was no need for another.
    const istiod = home.processes.find((process) => isPart.istiod?.(process));
    expect(istiod?.args).toContainEqual(expect.stringMatching(/^--httpsAddr=.*:15017$/));
  });

  test('is not made again by "up"', async () => {
    const again = await home.start('again', 'up', '--name', 'kept').ended();
    expect(again.exitCode, again.output).toBe(4);
    expect(again.output).toMatch(/a local mesh named "kept" exists already[\s\S]*--reuse/);
  });

  test('is refused to a second run; killed, the first one leaves it clean', async () => {
    const first = await home.startMidway('first-of-two', ...use);
    const second = await home.run('second-of-two', ...use, good('second-of-two'));
    expect(second.exitCode, second.output).toBe(4);
    expect(second.schemaProblems).toEqual([]);
    expect(second.cases.map(({ outcome, type }) => `${outcome} ${type}`)).toEqual(['error E_CLUSTER']);
    expect(second.cases[0]?.message).toBe('the local mesh "kept" is in use by another run');
    expect(second.cases[0]?.text).toContain('Wait until it has ended');
    expect(await home.policies()).toEqual(['RequestAuthentication foo/jwt-example']);

    first.kill('SIGKILL');
    await first.ended();
    await vi.waitFor(() => expect(home.policies()).resolves.toEqual([]), { timeout: 30_000, interval: 50 });
    const isKeyServer = isPart['key server external'];
    expect(home.processes.filter((process) => isKeyServer?.(process))).toEqual([]);
    const next = await home.run('next', ...use, good('next'));
    expect(next.exitCode, next.output).toBe(0);
  });

  test('whose istiod is killed during a run: the run says so, and the next one starts anew', async () => {
    const running = await home.startMidway('broken', ...use);
    const processes = home.processes;
    const istiod = processes.find((process) => isPart.istiod?.(process));
    process.kill(istiod?.pid ?? 0, 'SIGKILL');
    const run = await running.ended();
    expect(run.exitCode, run.output).toBe(4);
    expect(run.schemaProblems).toEqual([]);
    expect(run.cases.map(({ message }) => message)).toContain(
      'istiod of the local mesh was ended by SIGKILL',
    );
    await home.expectNothingLeft(listening(processes));

    const next = await home.run('anew', ...use, good('anew'));
    expect(next.exitCode, next.output).toBe(0);
    expect(next.output).toContain('Starting local mesh "kept"');
    expect(next.output).toContain('the local mesh "kept" that was kept has ended by itself');
  });

  test('whose keeper is killed: all of it ends; "down" says that there is none, and "up" makes another', async () => {
    const processes = home.processes;
    const addresses = listening(processes);
    const keeper = processes.find(isKeeper);
    process.kill(keeper?.pid ?? 0, 'SIGKILL');
    await home.expectNothingLeft(addresses);
    const none = await home.start('down', 'down', '--name', 'kept').ended();
    expect(none.exitCode, none.output).toBe(0);
    expect(none.output).toBe('there is no local mesh "kept"\n');

    const ups = await Promise.all(
      ['kept', 'kept', 'other'].map((name, index) => home.start(`up-${index}`, 'up', '--name', name).ended()),
    );
    const [refused, ...made] = ups.sort((one, other) => (other.exitCode ?? 0) - (one.exitCode ?? 0));
    expect(made.map(({ exitCode, output }) => [exitCode, output])).toEqual([
      [0, expect.stringContaining('--name ')],
      [0, expect.stringContaining('--name ')],
    ]);
    expect(refused?.exitCode).toBe(4);
    expect(refused?.output).toMatch(/local mesh (named )?"kept" (is in use by process \d+|exists already)/);
    expect(home.processes.filter(isKeeper)).toHaveLength(2);
    for (const name of ['kept', 'other']) {
      const down = await home.start(`down-${name}`, 'down', '--name', name).ended();
      expect(down.output).toBe(`ended local mesh "${name}"\n`);
    }
    await home.expectNothingLeft([]);
  });

  test.each([
    ['run', ['--reuse']],
    ['up', []],
  ])('is not there when the "%s" that makes it is killed meanwhile', async (command, flags) => {
    const making = home.start(`killed-${command}`, command, '--name', 'kept', ...flags);
    await vi.waitFor(() => expect(home.processes.some((each) => isPart.etcd?.(each))).toBe(true), {
      timeout: 60_000,
      interval: 20,
    });
    making.kill('SIGKILL');
    await making.ended();
    await home.expectNothingLeft([]);
    const none = await home.start('down', 'down', '--name', 'kept').ended();
    expect(none.output).toBe('there is no local mesh "kept"\n');
  });
});
