/** The programs in docs/api.md are those in test/docs/api, which are type-checked with everything else, and run. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import { typescript } from '../support/typescript.ts';
import { pages, read, root, where } from './markdown.ts';

/** What the package calls its entries. */
const entries = {
  'istio-jwt-e2e/vitest': '../../../src/vitest-plugin/plugin.ts',
  'istio-jwt-e2e': '../../../src/api/index.ts',
};
const files = readdirSync(join(root, 'test/docs/api'));
const fences = pages().flatMap((page) => page.fences.filter(({ info }) => /^ts\b/.test(info)));
const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-docs-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every program in the pages is one of the files, and each file is shown', () => {
  expect(fences.map(({ info }) => info).sort()).toEqual(files.map((file) => `ts file=${file}`).sort());
  for (const fence of fences) {
    const source = read(`test/docs/api/${fence.info.replace('ts file=', '')}`);
    const shown = Object.entries(entries).reduce(
      (text, [name, path]) => text.replaceAll(`'${path}'`, `'${name}'`),
      source,
    );
    expect(fence.text, where(fence)).toBe(shown);
  }
});

test('the programs run: without a mesh to be had they say so, and end with 4 where they pass it on', async () => {
  const guide = pages().find(({ file }) => file === 'docs/writing-scenarios.md');
  const scenario = guide?.fences.find(({ info }) => info.startsWith('yaml scenario file='));
  mkdirSync(join(folder, 'my-scenarios'));
  writeFileSync(join(folder, 'my-scenarios/ip-needs-a-token.yaml'), scenario?.text ?? '');
  const nothing = Object.keys(process.env).filter((name) => name.startsWith('JWT_E2E_'));
  const env = {
    ...Object.fromEntries(nothing.map((name) => [name, undefined])),
    JWT_E2E_TARGET: 'local',
    JWT_E2E_NO_DOWNLOAD: 'true',
    JWT_E2E_NO_BUILD: 'true',
    XDG_CACHE_HOME: join(folder, 'cache'),
  };
  const programs = fileURLToPath(new URL('./api-programs.ts', import.meta.url));
  const ran = await execa(process.execPath, ['--import', typescript, programs], {
    cwd: folder,
    env,
    reject: false,
  });
  const expected = { exitCode: 4, stdout: '0 passed, 0 failed, exit code 4', stderr: '' };
  expect(ran).toMatchObject(expected);
});

test('the configuration of Vitest has the plugin in a project of its own', async () => {
  const { default: config } = (await import('./api/vitest.config.ts')) as {
    default: { test?: { projects?: readonly { plugins?: readonly { name: string }[] }[] } };
  };
  expect(config.test?.projects?.map(({ plugins }) => plugins?.map(({ name }) => name))).toEqual([
    undefined,
    ['istio-jwt-e2e:scenarios'],
  ]);
});
