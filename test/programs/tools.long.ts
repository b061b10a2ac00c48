/** What is said of a program that failed: the reason out of what it wrote, and all of it as details. */
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { runTool } from '../../src/programs/tools.ts';
import { unaborted } from '../support/signals.ts';
import { typescript } from '../support/typescript.ts';
import { temporaryFolder } from './downloads.ts';

const options = { signal: unaborted(), timeoutMs: 20_000, code: 'E_CLUSTER', hint: 'Try this.' } as const;
const shell = (script: string, more: object = {}) =>
  runTool('/bin/sh', ['-c', script], { ...options, ...more });
const lines = (...all: string[]) => `printf '%s\\n' ${all.map((line) => `'${line}'`).join(' ')} >&2; exit 1`;

test('returns what was written to standard output', async () => {
  expect(await shell('echo text; echo more >&2')).toBe('text');
});

test('shows lines of standard error while the program still runs, in the folder that was wanted', async () => {
  const seen: string[] = [];
  const running = shell('pwd >&2; echo second >&2; while :; do sleep 0.05; done', {
    cwd: tmpdir(),
    onLine: (line: string) => seen.push(line),
    timeoutMs: 2_000,
  });
  const ended = running.catch((error: Error) => error);
  await vi.waitFor(() => expect(seen).toEqual([tmpdir(), 'second']), 1_500);
  expect(await ended).toMatchObject({ details: `${tmpdir()}\nsecond` });
});

test.each([
  [
    'from the last line that begins with error',
    [
      'Creating cluster "x" ...',
      'ERROR: failed to create cluster: failed to pull image "does/not:exist"',
      '',
      'Command Output: Error response from daemon: no such host',
    ],
    'failed to create cluster: failed to pull image "does/not:exist" Command Output: Error response from daemon: no such host',
  ],
  ['the line that says error', ['this', 'an error came', 'that'], 'an error came'],
  [
    'a line of the engine',
    ['Error response from daemon: no such image', ''],
    'Error response from daemon: no such image',
  ],
  ['the last line', ['this', 'that', ''], 'that'],
  ['at most 400 characters', [`Error: ${'x'.repeat(500)}`], `${'x'.repeat(399)}…`],
])('gives as reason %s', async (_, written, reason) => {
  await expect(shell(lines(...written))).rejects.toMatchObject({
    code: 'E_CLUSTER',
    message: expect.stringMatching(/^sh -c .* failed with exit code 1: /s),
    hint: 'Try this.',
    details: written.join('\n').trim(),
  });
  const error = (await shell(lines(...written)).catch((thrown: unknown) => thrown)) as Error;
  expect(error.message.slice(error.message.indexOf('exit code 1: ') + 'exit code 1: '.length)).toBe(reason);
});

test('says when there was no output, no such program, or no end', async () => {
  await expect(shell('exit 3')).rejects.toThrow('failed with exit code 3: no output');
  await expect(runTool('/no/such/program', ['x'], options)).rejects.toThrow(
    /^program x could not be started: .*ENOENT/,
  );
  await expect(shell('sleep 20', { timeoutMs: 100 })).rejects.toThrow('took longer than 0 s');
});

test('ends the program with the signal, and what it has started, and says so', async () => {
  const controller = new AbortController();
  const file = join(temporaryFolder(), 'pid');
  const running = shell(`sleep 60 & echo $! > ${file}; wait`, { signal: controller.signal });
  const pid = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
  await vi.waitFor(() => expect(pid()).toBeGreaterThan(0), 10_000);
  controller.abort('SIGINT');
  await expect(running).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  await vi.waitFor(() => expect(() => process.kill(pid(), 0)).toThrow('ESRCH'), 10_000);
});

test('lets what the program has started come to its end when it is told to, and not for longer than we live', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'done');
  const tools = fileURLToPath(new URL('../../src/programs/tools.ts', import.meta.url));
  const program = `
    import { runTool } from '${tools}';
    const controller = new AbortController();
    const script = "sh -c 'echo $$ > ${folder}/pid; sleep 1; echo > ${file}; sleep 60' > /dev/null 2>&1 & wait";
    setTimeout(() => controller.abort('SIGINT'), 500);
    const options = { signal: controller.signal, timeoutMs: 20000, code: 'E_CLUSTER', sparesChildren: true };
    console.log(await runTool('/bin/sh', ['-c', script], options).catch((error) => error.code));
    setTimeout(() => process.exit(), 2000);`;
  const started = Date.now();
  const { stdout } = await execa('node', ['--import', typescript, '--input-type=module', '-e', program]);
  expect([stdout, existsSync(file)]).toEqual(['E_INTERRUPTED', true]);
  expect(Date.now() - started).toBeLessThan(20_000);
  const pid = Number(readFileSync(join(folder, 'pid'), 'utf8'));
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
});

test('says of a program that somebody else has ended that it was', async () => {
  await expect(shell('kill -KILL $$')).rejects.toThrow(/^sh -c .* was ended by SIGKILL$/);
});
