/** `run --watch` in a process of its own. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { scenarioSource, sendStep } from '../../run/support.ts';
import { typescript } from '../../support/typescript.ts';

const scenario = (name: string, cells = '[200, 200]') => scenarioSource(name, sendStep('only', cells));

/** What people do: a process of its own, and signals from outside. */
describe('a process that watches', () => {
  const url = (path: string) => JSON.stringify(pathToFileURL(resolve(path)).href);
  const begin = (cells: string) => {
    const program = `
      import { withSignals } from ${url('src/cli/support/signals.ts')};
      import { startWatching } from ${url('test/cli/watching.ts')};
      const files = { 'scenarios/a.yaml': ${JSON.stringify(scenario('a', cells))} };
      const write = (text) => process.stdout.write(text);
      process.exitCode = await withSignals((signal) => {
        const watch = startWatching({ files, signal, write });
        return watch.ended.finally(() => process.stdout.write('calls: ' + watch.target.calls.at(-1)));
      }, 'Look for what is left.');
    `;
    return execa(process.execPath, ['--import', typescript, '--input-type=module', '--eval', program], {
      reject: false,
      timeout: 30_000,
    });
  };

  test.each([
    ['SIGINT', '[200, 200]', 0],
    ['SIGINT', '[401, 200]', 1],
    ['SIGTERM', '[200, 200]', 0],
  ] as const)('ends at %s after %s with %d, once it has cleaned up', async (signal, cells, code) => {
    const child = begin(cells);
    let said = '';
    child.stdout.on('data', (chunk) => {
      const isFirst = !said.includes('Ctrl-C ends');
      said += String(chunk);
      if (isFirst && said.includes('Ctrl-C ends')) child.kill(signal);
    });
    const { exitCode, stdout, stderr } = await child;
    expect(stdout).toContain('calls: down');
    expect(stderr).toContain(`${signal}: cleaning up`);
    expect(exitCode).toBe(code);
  });

  test('does not wait for files when there can be no mesh', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'watch-'));
    writeFileSync(join(cwd, 'a.yaml'), scenario('a'));
    const args = ['run', '--watch', 'a.yaml', '--target', 'kind', '--docker', '/no/such/docker'];
    const { exitCode, stdout } = await execa(process.execPath, [resolve('src/cli/bin.mjs'), ...args], {
      cwd,
      reject: false,
      timeout: 30_000,
    });
    expect(exitCode).toBe(4);
    expect(stdout).toContain('/no/such/docker');
  });

  test('wants paths that lead somewhere', async () => {
    const args = ['run', '--watch', 'does-not-exist.yaml'];
    const { exitCode, stderr } = await execa(process.execPath, [resolve('src/cli/bin.mjs'), ...args], {
      reject: false,
      timeout: 30_000,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('does-not-exist.yaml does not exist');
  });
});
