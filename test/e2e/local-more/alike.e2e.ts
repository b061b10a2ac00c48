/** The verdict of a check does not depend on which other scenarios run with it, or in which order. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Draft } from '../faults/scenarios.ts';
import { describeOnLocal, Home, haveLocal } from '../local/command.ts';

const names = ['require-jwt', 'bookinfo-exclusion', 'request-authentication-alone', 'jwks-in-cluster'];

let home: Home;
const use = ['--name', 'alike', '--reuse', '--keep', '--answer-timeout', '4'];
beforeAll(async () => {
  if (!haveLocal) return;
  home = new Home();
  await home.start('up', 'up', '--name', 'alike').ended();
});
afterAll(async () => {
  if (home === undefined) return;
  await home.start('down', 'down', '--name', 'alike').ended();
  await home.remove();
});

/** Two of the files have a mistake each, so that there are verdicts of every kind. */
function write(folder: string, order: readonly string[]): void {
  for (const [index, name] of order.entries()) {
    const draft =
      name === 'require-jwt'
        ? new Draft(name).remove(['steps', 0, 'apply', 1])
        : name === 'request-authentication-alone'
          ? new Draft(name).set(['steps', 1, 'apply', 0, 'metadata', 'namespace'], 'default')
          : new Draft(name);
    // Files run in the order of their names.
    draft.write(home.sub(folder), `${index}-${name}`);
  }
}

/** The state of every check, by its ID without the number in the name of the scenario. */
async function verdicts(folder: string, order: readonly string[], ...more: string[]) {
  write(folder, order);
  await home.run(`${folder}-run`, ...use, ...more, home.sub(folder));
  const results = JSON.parse(
    readFileSync(join(home.sub(`${folder}-run`), 'reports/results.json'), 'utf8'),
  ) as {
    scenarios: { checks: { id: string; state: string }[] }[];
  };
  const checks = results.scenarios.flatMap((scenario) => scenario.checks);
  return Object.fromEntries(checks.map(({ id, state }) => [id.replace(/^\d+-/, ''), state]));
}

describeOnLocal('verdicts are the same', () => {
  test('alone, in company, in other orders and in shards', async () => {
    const all = await verdicts('all', names);
    expect(new Set(Object.values(all))).toEqual(new Set(['passed', 'failed', 'error']));
    expect(await verdicts('backwards', names.toReversed())).toEqual(all);
    expect(
      await verdicts('mixed', [
        'jwks-in-cluster',
        'require-jwt',
        'bookinfo-exclusion',
        'request-authentication-alone',
      ]),
    ).toEqual(all);
    const alone: Record<string, string> = {};
    for (const name of names) Object.assign(alone, await verdicts(`alone-${name}`, [name]));
    expect(alone).toEqual(all);
    const shards = [
      await verdicts('shard-1', names, '--shard', '1/2'),
      await verdicts('shard-2', names, '--shard', '2/2'),
    ];
    expect({ ...shards[0], ...shards[1] }).toEqual(all);
  });
});
