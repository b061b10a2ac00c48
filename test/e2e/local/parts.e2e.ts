/** A part of the mesh that is killed during a run: there is no verdict, the part is named, and nothing is left. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { describeOnLocal, Home, haveLocal } from './command.ts';
import { isPart, listening, outputOf } from './processes.ts';

let home: Home;
beforeAll(() => {
  if (haveLocal) home = new Home();
});
afterEach(() => home?.clear());
afterAll(() => home?.remove());

describeOnLocal('kill -9 during a run, of', () => {
  let number = 0;

  test.each(Object.keys(isPart))('%s', async (name) => {
    number += 1;
    const running = await home.startMidway(`part-${number}`);
    const processes = home.processes;
    const addresses = listening(processes);
    const victims = processes.filter((process) => isPart[name]?.(process));
    expect(victims, JSON.stringify(processes)).toHaveLength(1);
    const lastLines = victims.flatMap(outputOf).join('').trimEnd().split('\n').slice(-3);
    for (const { pid } of victims) process.kill(pid, 'SIGKILL');

    const run = await running.ended();
    expect(run.exitCode, run.output).toBe(4);
    expect(run.schemaProblems).toEqual([]);
    expect(run.cases.filter(({ outcome }) => outcome === 'passed' || outcome === 'failure')).toEqual([]);
    const message = new RegExp(`^${name}\\S* of the local mesh was ended by SIGKILL$`);
    const told = run.cases.filter((one) => message.test(one.message));
    expect(
      told.map(({ type }) => type),
      run.output,
    ).toContain('E_CLUSTER');
    expect(run.output).toMatch(new RegExp(message.source.slice(1, -1)));
    for (const line of lastLines) {
      expect(told.map(({ text }) => text).join('\n')).toContain(line);
      expect(run.output).toContain(line);
    }
    await home.expectNothingLeft(addresses);
  });
});
