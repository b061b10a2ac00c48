/** The verdict of a check does not depend on which other scenarios run with it, or in which order. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dice } from '../../support/dice.ts';
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

/** In an order by chance, another one for each seed. */
function shuffled(seed: number): string[] {
  const random = dice(seed);
  return names
    .map((name) => ({ name, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ name }) => name);
}

const withoutNumber = (name: string) => name.replace(/^\d+-/, '');

/** The state of every check, by its scenario without the number in its name, its step, row and column. */
async function verdicts(folder: string, order: readonly string[], ...more: string[]) {
  write(folder, order);
  await home.run(`${folder}-run`, ...use, ...more, home.sub(folder));
  const results = JSON.parse(
    readFileSync(join(home.sub(`${folder}-run`), 'reports/results.json'), 'utf8'),
  ) as {
    scenarios: {
      info: { name: string };
      checks: { step: string; row: string; column: string; state: string }[];
    }[];
  };
  return Object.fromEntries(
    results.scenarios.flatMap(({ info, checks }) =>
      checks.map(({ step, row, column, state }) => [
        `${withoutNumber(info.name)} / ${step} / ${row}, ${column}`,
        state,
      ]),
    ),
  );
}

/** The same through Vitest, which knows two states only. */
async function throughVitest(order: readonly string[]): Promise<Record<string, string>> {
  const folder = home.sub('vitest');
  write('vitest/scenarios', order);
  const repository = fileURLToPath(new URL('../../..', import.meta.url));
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const plugin = join(repository, 'src/vitest-plugin/plugin.ts');
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import { scenarios } from ${JSON.stringify(plugin)};
    export default { plugins: [scenarios({ files: 'scenarios', target: 'local', name: 'alike', reuse: true, keep: true, 'answer-timeout': 4 })] };\n`,
  );
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs');
  const { all } = await execa(process.execPath, [vitest, 'run', '--reporter=json', '--outputFile=out.json'], {
    cwd: folder,
    env: home.environment,
    all: true,
    reject: false,
  });
  let report: {
    testResults: {
      name: string;
      assertionResults: { ancestorTitles: string[]; title: string; status: string }[];
    }[];
  };
  try {
    report = JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'));
  } catch {
    return expect.fail(String(all));
  }
  return Object.fromEntries(
    report.testResults.flatMap(({ name, assertionResults }) => {
      const scenario = withoutNumber(name.slice(name.lastIndexOf('/') + 1).replace(/\.yaml$/, ''));
      return assertionResults.map(({ ancestorTitles, title, status }) => [
        [scenario, ...ancestorTitles, title].join(' / '),
        status,
      ]);
    }),
  );
}

describeOnLocal('verdicts are the same', () => {
  test('alone, in company, in other orders, in shards, and through Vitest', async () => {
    const all = await verdicts('all', names);
    expect(new Set(Object.values(all))).toEqual(new Set(['passed', 'failed', 'error']));
    expect(await verdicts('backwards', names.toReversed())).toEqual(all);
    for (const seed of [1, 2, 3]) expect(await verdicts(`mixed-${seed}`, shuffled(seed))).toEqual(all);
    const alone: Record<string, string> = {};
    for (const name of names) Object.assign(alone, await verdicts(`alone-${name}`, [name]));
    expect(alone).toEqual(all);
    const shards = [
      await verdicts('shard-1', names, '--shard', '1/2'),
      await verdicts('shard-2', names, '--shard', '2/2'),
    ];
    expect({ ...shards[0], ...shards[1] }).toEqual(all);
    const simpler = Object.entries(all).map(([id, state]) => [id, state === 'passed' ? 'passed' : 'failed']);
    expect(await throughVitest(names)).toEqual(Object.fromEntries(simpler));
  });
});
