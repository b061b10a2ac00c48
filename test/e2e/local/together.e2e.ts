/** Two runs at once on one machine: neither sees the other, and what ends one leaves the other alone. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeOnLocal, Home, haveLocal } from './command.ts';
import { listening } from './processes.ts';

let homes: Home[] = [];
beforeAll(() => {
  if (haveLocal) homes = [new Home(), new Home()];
});
afterAll(async () => {
  for (const home of homes) await home.remove();
});

describeOnLocal('two runs at once', () => {
  test('of the same name have meshes of their own; SIGINT ends one with 130, and the other passes', async () => {
    const [one, other] = homes as [Home, Home];
    const interrupted = await one.startMidway('interrupted', '--name', 'same');
    const whole = other.start('whole', 'run', '--name', 'same', '--grep', 'require-jwt');
    await whole.said(' on local ');
    const [mine, theirs] = [listening(one.processes), listening(other.processes)];
    interrupted.kill('SIGINT');
    const ended = await interrupted.ended();
    expect(ended.exitCode, ended.output).toBe(130);
    expect(ended.schemaProblems).toEqual([]);
    expect(ended.cases.some(({ type }) => type === 'interrupted')).toBe(true);
    await one.expectNothingLeft(mine);

    const passed = await whole.ended();
    expect(passed.exitCode, passed.output).toBe(0);
    await other.expectNothingLeft(theirs);
  });
});
