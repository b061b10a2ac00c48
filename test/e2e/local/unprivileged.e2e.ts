/** An ordinary user without any capability runs all documented scenarios, and nothing of it can be reached from outside. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Ended } from '../faults/command.ts';
import { describeOnLocal, Home, haveLocal, type Owner } from './command.ts';
import { isPart, listening, statusOf } from './processes.ts';

/** Nobody has it, and /etc/passwd need not know it. */
const uid = 64_321;

const owner: Owner = {
  uid,
  // util-linux, setpriv(1).
  launcher: [
    'setpriv',
    ...['--reuid', `${uid}`, '--regid', `${uid}`, '--clear-groups', '--no-new-privs'],
    ...['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'],
  ],
};

const isRoot = process.geteuid?.() === 0;
let home: Home;
beforeAll(() => {
  if (haveLocal && isRoot) home = new Home(owner);
});
afterAll(() => home?.remove());

describeOnLocal('a user without capabilities', () => {
  test('runs all documented scenarios, and everything listens on loopback alone', async (context) => {
    if (!isRoot) context.skip('only root can become another user');
    const running = home.start('documented', 'run');
    let run: Ended | undefined;
    const ended = running.ended().then((result) => {
      run = result;
    });
    const outside = new Set<string>();
    const seen = new Set<string>();
    const privileged = new Set<string>();
    while (run === undefined) {
      const processes = home.processes;
      for (const { address, port } of listening(processes)) {
        if (!address.startsWith('127.') && address !== '::1') outside.add(`${address}:${port}`);
      }
      // setpriv is root until it becomes jwt-e2e.
      for (const process of processes.filter(({ args }) => args[0] !== 'setpriv')) {
        const users = new Set(statusOf(process, 'Uid'));
        const capabilities = ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].flatMap((line) =>
          statusOf(process, line),
        );
        // Both are empty for a process that has just ended.
        const isOrdinary =
          users.has(`${uid}`) && users.size === 1 && capabilities.every((each) => Number(each) === 0);
        if (!isOrdinary && !users.has('')) privileged.add(process.args.join(' '));
        for (const [name, isIt] of Object.entries(isPart)) if (isIt(process)) seen.add(name);
      }
      await Promise.race([ended, new Promise((go) => setTimeout(go, 100))]);
    }
    expect(run.exitCode, run.output).toBe(0);
    expect(run.schemaProblems).toEqual([]);
    expect(run.cases.length).toBeGreaterThan(100);
    expect(run.cases.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect([...seen].sort()).toEqual(Object.keys(isPart).sort());
    expect([...privileged]).toEqual([]);
    expect([...outside]).toEqual([]);
    await home.expectNothingLeft([]);
  });
});
