/** What `jwt-e2e init` expects of other people's policies is what a mesh does with them. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initCommand } from '../../../src/cli/commands/init.ts';
import { recorder } from '../../scenario/support.ts';
import { initCases, initFolder } from '../../support/init-folders.ts';
import { describeOnLocal, Home, haveLocal } from '../local/command.ts';

let home: Home;
beforeAll(() => {
  if (haveLocal) home = new Home();
});
afterAll(() => home?.remove());

describeOnLocal('scenarios that init writes', () => {
  test('pass as they are', async () => {
    const files = await Promise.all(
      initCases.map(async (name) => {
        const output = join(home.sub('written'), `${name}.yaml`);
        await initCommand({ from: name, output }, { ...recorder().io, env: {}, cwd: initFolder });
        return output;
      }),
    );
    // So many that they are divided among meshes alike.
    const run = await home.run('run', '--jobs', '2', ...files);
    expect(run.exitCode, run.output).toBe(0);
    // As many passed as there are, and each file has many.
    const [, all = '0', passed] =
      /^(\d+) checks in (?:\d+) scenarios: (\d+) passed \(/m.exec(run.output) ?? [];
    expect(passed, run.output).toBe(all);
    expect(run.output).toContain(`checks in ${initCases.length} scenarios`);
    expect(Number(all)).toBeGreaterThan(200);
    expect(run.output).toMatch(/Stopping the local mesh \(mesh 2\)/);
  });
});
