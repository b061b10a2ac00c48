/** The Vitest plugin of the packed product, in a project of somebody else, on a real mesh. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { describeOnLocal, haveLocal } from '../local/command.ts';
import { Consumer, ownScenario } from './consumer.ts';

const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  devDependencies: { vitest: string };
};

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly title: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

describeOnLocal('the Vitest plugin of the package', () => {
  const consumer = new Consumer();

  beforeAll(async () => {
    if (haveLocal) await consumer.install(`vitest@${devDependencies.vitest}`);
  });

  beforeEach(() => {
    if (!haveLocal) return;
    consumer.write(
      'vitest.config.js',
      `import { scenarios } from 'istio-jwt-e2e/vitest';
      import { defineConfig } from 'vitest/config';
      export default defineConfig({
        test: {
          projects: [
            { plugins: [scenarios({ files: 'my-scenarios' })], test: { name: 'mine' } },
            { plugins: [scenarios()], test: { name: 'documented' } },
          ],
        },
      });\n`,
    );
    consumer.write('my-scenarios/right.yaml', ownScenario('right'));
    consumer.write('my-scenarios/wrong.yaml', ownScenario('wrong', 200));
  });

  afterAll(() => consumer.remove());

  // Without npx between them, which passes on no signals.
  const start = (...args: readonly string[]) =>
    consumer.start(process.execPath, ['node_modules/vitest/vitest.mjs', ...args]);

  test('each check is a test; the one that fails points at its cell', async () => {
    const { exitCode, all } = await start(
      'run',
      '--project',
      'mine',
      '--reporter=default',
      '--reporter=json',
      '--outputFile=out.json',
    );
    const output = String(all);
    expect(exitCode, output).toBe(1);
    const report = JSON.parse(consumer.read('out.json')) as Report;
    expect(report, output).toMatchObject({ numPassedTests: 11, numFailedTests: 1, numPendingTests: 0 });
    // One mesh for both files.
    expect(output.match(/^\[jwt-e2e\] Starting Istio/gm)).toHaveLength(1);
    expect(output).toContain(
      'FAIL  |mine| my-scenarios/wrong.yaml > a token is required > expired, /headers',
    );
    expect(output).toContain('AssertionError: status 401 instead of 200');
    const line =
      ownScenario('wrong', 200)
        .split('\n')
        .findIndex((each) => each.includes('expired: [200]')) + 1;
    expect(output).toMatch(new RegExp(`❯ a token is required my-scenarios/wrong\\.yaml:${line}:17\\n`));
    expect(output).toMatch(new RegExp(`\\n +${line}\\| +expired: \\[200\\]\\n +\\| +\\^\\n`));
    expect(consumer.processes).toEqual([]);
  });

  test('with -t only the checks are made that are wanted', async () => {
    const { exitCode, all } = await start(
      'run',
      '--project',
      'mine',
      'right',
      '-t',
      'expired',
      '--reporter=json',
    );
    expect(exitCode, String(all)).toBe(0);
    const report = JSON.parse(
      String(all)
        .split('\n')
        .find((line) => line.startsWith('{')) ?? '',
    ) as Report;
    expect(report).toMatchObject({ numPassedTests: 1, numPendingTests: 5 });
  });

  test('the scenarios of the package are found where they are installed', async () => {
    const { exitCode, all } = await start('run', '--project', 'documented', 'require-jwt');
    expect(exitCode, String(all)).toBe(0);
    expect(String(all)).toMatch(/Tests {2}6 passed \(6\)/);
  });

  test('whoever watches has the verdict of a saved file from the mesh that is up', async () => {
    const watching = start('--watch', '--project', 'mine', 'wrong');
    let output = '';
    watching.all?.on('data', (chunk) => {
      output += String(chunk);
    });
    await vi.waitFor(() => expect(output).toMatch(/Tests {2}1 failed \| 5 passed/), {
      timeout: 90_000,
      interval: 100,
    });
    consumer.write('my-scenarios/wrong.yaml', ownScenario('wrong'));
    await vi.waitFor(() => expect(output).toMatch(/Tests {2}6 passed/), { timeout: 60_000, interval: 100 });
    expect(output.match(/Starting Istio/g)).toHaveLength(1);
    watching.kill('SIGTERM');
    await watching;
    await vi.waitFor(() => expect(consumer.processes).toEqual([]), { timeout: 30_000 });
  });

  test.each([['SIGINT'], ['SIGKILL']] as const)(
    'nothing is left after %s, although Vitest cleans up nothing',
    async (signal) => {
      const running = start('run', '--project', 'mine');
      let output = '';
      running.all?.on('data', (chunk) => {
        output += String(chunk);
      });
      await vi.waitFor(() => expect(output).toContain(' on local '), { timeout: 90_000, interval: 50 });
      running.kill(signal);
      await running;
      await vi.waitFor(() => expect(consumer.processes).toEqual([]), { timeout: 30_000 });
    },
  );
});
