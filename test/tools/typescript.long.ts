/** What runs is what is in the clone: nothing of a folder in which others can put files. */
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { typescript } from '../support/typescript.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const nobody = 65_534;
let folder: string;
let cache: string;
let marker: string;

const run = (...args: string[]) =>
  execa(process.execPath, args, { cwd: root, env: { TMPDIR: folder }, reject: false, stdin: 'ignore' });

/** Somebody else has made the folder in which tsx keeps what it has compiled, with code of their own in it. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shared-'));
  cache = join(folder, `tsx-${process.geteuid?.()}`);
  marker = join(folder, 'ran');
  const sources = ['src/cli/main.ts', 'src/target/local/host/host.ts', 'test/compare/explained.ts'];
  const loads = sources.map((file) => `await import(${JSON.stringify(join(root, file))});`);
  const fill = `(await import('tsx/esm/api')).register(); ${loads.join(' ')}`;
  const { stderr } = await run('--input-type=module', '-e', `${fill} setTimeout(() => process.exit(), 500);`);
  expect(stderr).toBe('');
  const poison = `process.getBuiltinModule('node:fs').writeFileSync(${JSON.stringify(marker)}, '');`;
  for (const name of readdirSync(cache)) {
    const file = join(cache, name);
    const entry = JSON.parse(readFileSync(file, 'utf8')) as { code: string };
    writeFileSync(file, JSON.stringify({ ...entry, code: `${poison}${entry.code}` }));
    if (process.geteuid?.() === 0) chownSync(file, nobody, nobody);
  }
  if (process.geteuid?.() === 0) chownSync(cache, nobody, nobody);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['the command line', ['src/cli/bin.mjs', 'list'], /\d+ checks/],
  ['the process that keeps a local mesh', ['src/target/local/host/host.mjs'], /TypeError/],
  ['a tool', ['--import', typescript, 'test/compare/compare.ts'], /usage: node/],
])('%s runs nothing from a folder that others can own', async (_, args, says) => {
  rmSync(marker, { force: true });
  const before = readdirSync(cache);
  const { stdout, stderr } = await run(...args);
  expect(`${stdout}${stderr}`).toMatch(says);
  expect(existsSync(marker)).toBe(false);
  expect(readdirSync(cache)).toEqual(before);
});

test('nothing of the product and none of its scripts uses tsx, which keeps such a folder', async () => {
  const { stdout } = await execa(
    'git',
    ['grep', '-lE', 'tsx/|--import[ =]tsx', '--', 'src', 'tools', '.github', 'package.json'],
    {
      cwd: root,
      reject: false,
    },
  );
  expect(stdout).toBe('');
});

test.skipIf('typescript' in process.features)(
  'what is loaded after an interrupt from the terminal is loaded, though the process of esbuild has ended',
  async () => {
    const program = `
      import { execFileSync } from 'node:child_process';
      await import('${join(root, 'src/base/glob.ts')}');
      const found = () => execFileSync('ps', ['-o', 'pid=,comm=', '--ppid', String(process.pid)], { encoding: 'utf8' });
      const [, pid] = /(\\d+) esbuild/.exec(found()) ?? [];
      process.kill(Number(pid), 'SIGINT');
      while (found().includes('esbuild')) await new Promise((go) => setTimeout(go, 10));
      const { plural } = await import('${join(root, 'src/report/text.ts')}');
      console.log(plural(2, 'check'));`;
    const { stdout, stderr } = await run('--import', typescript, '--input-type=module', '-e', program);
    expect([stdout, stderr]).toEqual(['2 checks', '']);
  },
);
