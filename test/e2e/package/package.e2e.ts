/** The packed product, installed where there is nothing else of it. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { describeOnLocal, haveLocal } from '../local/command.ts';
import { Consumer, ownScenario } from './consumer.ts';

describeOnLocal('the package in an empty folder', () => {
  const consumer = new Consumer();

  beforeAll(async () => {
    if (!haveLocal) return;
    await consumer.install();
    consumer.write('my-scenarios/mine.yaml', ownScenario('mine'));
  });

  afterAll(() => consumer.remove());

  const jwtE2e = (args: readonly string[], wanted?: number) =>
    consumer.call('npx', ['jwt-e2e', ...args], wanted);

  test("nothing is installed that only the product's own developers need", () => {
    const installed = readdirSync(join(consumer.folder, 'node_modules'));
    expect(installed).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(tsx|typescript|vitest|esbuild)$/)]),
    );
    expect(existsSync(join(consumer.folder, 'node_modules/istio-jwt-e2e/dist/cli/bin.mjs'))).toBe(true);
  });

  test('says what it is, what there is, and whether scenarios are right', async () => {
    expect(await jwtE2e(['--version'])).toMatch(/^\d+\.\d+\.\d+$/m);
    expect(await jwtE2e(['list'])).toContain('require-jwt');
    expect(await jwtE2e(['lint', 'my-scenarios/'])).toContain('1 scenario, no mistakes');
    expect(JSON.parse(await jwtE2e(['schema']))).toHaveProperty('$schema');
  });

  test("runs scenarios of one's own", async () => {
    const output = await jwtE2e(['run', 'my-scenarios/']);
    expect(output).toContain('6 passed');
    expect(JSON.parse(consumer.read('reports/results.json'))).toMatchObject({
      counts: { passed: 6 },
      exitCode: 0,
    });
    expect(consumer.read('reports/junit.xml')).toContain('<testsuite');
    expect(consumer.processes).toEqual([]);
  });

  test('keeps a mesh in a process of its own, until it is told not to', async () => {
    await jwtE2e(['up']);
    expect(await jwtE2e(['run', '--reuse', '--keep', 'my-scenarios/'])).toContain('6 passed');
    expect(consumer.processes).not.toEqual([]);
    await jwtE2e(['down']);
    await vi.waitFor(() => expect(consumer.processes).toEqual([]), { timeout: 20_000 });
  });

  test('its types are right for a strict program', async () => {
    consumer.write(
      'program.ts',
      `import { type Event, HarnessError, ResultModel, type RunResult, resultOf, run } from 'istio-jwt-e2e';
      const seen: Event['type'][] = [];
      for await (const event of run({ files: ['my-scenarios/'], target: 'local', settings: { consecutive: 3 } })) {
        seen.push(event.type);
        if (event.type === 'check-finished') console.log(event.check.state satisfies string, event.check.id);
      }
      // @ts-expect-error there is no such target
      void (() => run({ target: 'docker' }));
      // @ts-expect-error there is no such setting
      void (() => run({ settings: { 'no-such': true } }));
      void ((result: RunResult) => [result.counts.passed, new ResultModel(), resultOf, new HarnessError('E_USAGE', '')]);
      console.log(seen[0], seen.at(-1));\n`,
    );
    consumer.write(
      'tsconfig.json',
      JSON.stringify({
        compilerOptions: {
          module: 'NodeNext',
          target: 'ES2023',
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          // As if the program had them among its own packages.
          typeRoots: [resolve('node_modules/@types')],
          types: ['node'],
          outDir: 'compiled',
        },
        files: ['program.ts'],
      }),
    );
    await consumer.call(process.execPath, [resolve('node_modules/typescript/bin/tsc')]);
    const output = await consumer.call(process.execPath, ['compiled/program.js']);
    const lines = output.trim().split('\n');
    expect(lines.filter((line) => line.startsWith('passed mine/'))).toHaveLength(6);
    expect(lines.at(-1)).toBe('outlook run-finished');
    expect(consumer.processes).toEqual([]);
  });

  test('a program that has seen enough goes on when nothing is left', async () => {
    const log = consumer.write(
      'enough.js',
      `import { readdirSync } from 'node:fs';
      import { run } from 'istio-jwt-e2e';
      const folders = () => readdirSync(process.env.TMPDIR).filter((name) => name.startsWith('jwt-e2e-')).length;
      for await (const event of run({ files: ['my-scenarios/'], target: 'local' })) {
        if (event.type !== 'check-finished') continue;
        console.log('meshes', folders());
        break;
      }
      console.log('meshes', folders());\n`,
    );
    expect((await consumer.call(process.execPath, [log])).trim().split('\n')).toEqual([
      'meshes 1',
      'meshes 0',
    ]);
    expect(consumer.processes).toEqual([]);
  });
});
