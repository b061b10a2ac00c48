/** What the plugin does where there can be no mesh, with a real Vitest and the real process that holds the mesh. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
let temporary: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-plugin-'));
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  mkdirSync(join(folder, 'mine [1]', 'node_modules'), { recursive: true });
  cpSync('scenarios/documented/require-jwt.yaml', join(folder, 'mine [1]', 'one.yaml'));
  writeFileSync(join(folder, 'mine [1]', 'node_modules', 'other.yaml'), 'not: a scenario\n');
  writeFileSync(join(folder, 'other.yaml'), 'not: a scenario\n');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  configure(
    `{ files: 'mine [1]', target: 'local', programs: '/nowhere', 'no-download': true, 'no-build': true }`,
  );
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function configure(options: string): void {
  writeFileSync(
    join(folder, 'vitest.config.ts'),
    `import { scenarios } from ${JSON.stringify(resolve('src/vitest-plugin/plugin.ts'))};
    export default { plugins: [scenarios(${options})] };\n`,
  );
}

async function vitest(...args: string[]) {
  const own = Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^(JWT_E2E_|VITEST|TEST$|NODE_ENV|GITHUB_)/.test(name))
      .map((name) => [name, undefined]),
  );
  return execa(process.execPath, [resolve('node_modules/vitest/vitest.mjs'), ...args], {
    cwd: folder,
    env: { ...own, NO_COLOR: '1', TMPDIR: temporary, XDG_CACHE_HOME: temporary },
    reject: false,
    all: true,
    timeout: 60_000,
  });
}

/** What the plugin has left in the folder for temporary files. */
const left = () => readdirSync(temporary).filter((name) => name.startsWith('jwt-e2e'));

test('tests are listed without a mesh, with their places in the scenario file', async () => {
  const { stdout, exitCode } = await vitest('list', '--json', '--includeTaskLocation');
  expect(exitCode).toBe(0);
  const listed = JSON.parse(stdout) as { name: string; file: string; location: object }[];
  expect(listed.map(({ name }) => name)).toEqual([
    'a token is required > no token, /headers',
    'a token is required > valid, /headers',
    'a token is required > not a JWT, /headers',
    'a token is required > expired, /headers',
    'a token is required > signed by another key, /headers',
    'a token is required > unknown issuer, /headers',
  ]);
  expect(listed[0]).toMatchObject({ file: join(folder, 'mine [1]', 'one.yaml'), location: { line: 43 } });
  expect(left()).toEqual([]);
});

test('a run fails with the reason, once for each file, and leaves nothing', async () => {
  cpSync('scenarios/documented/require-jwt.yaml', join(folder, 'mine [1]', 'two.yaml'));
  const { all, exitCode } = await vitest('run');
  expect(exitCode).toBe(1);
  expect(all.match(/^E_PROGRAM: .*/gm), all).toHaveLength(1);
  expect(all).toMatch(/FAIL {2}mine \[1\]\/one\.yaml/);
  expect(all).toMatch(/FAIL {2}mine \[1\]\/two\.yaml/);
  expect(all).toMatch(/Test Files {2}2 failed \(2\)/);
  expect(left()).toEqual([]);
});

test('a mistake in a scenario file is shown with the lines around it', async () => {
  const text = readFileSync('scenarios/documented/require-jwt.yaml', 'utf8').replace('apps:', 'aps:');
  writeFileSync(join(folder, 'mine [1]', 'one.yaml'), text);
  const { all, exitCode } = await vitest('run');
  expect(exitCode).toBe(1);
  expect(all).toContain('E_SCENARIO: unknown key "aps"\n  Did you mean "apps"?');
  expect(all).toMatch(/❯ scenario mine \[1\]\/one\.yaml:8:1\n[\s\S]*\n +8\| aps: \[.*\n +\| \^\n/);
});

test('a setting that means nothing keeps Vitest from starting', async () => {
  configure(`{ files: 'mine [1]', target: 'docker' }`);
  const { all, exitCode } = await vitest('run');
  expect(exitCode).toBe(1);
  expect(all).toContain('--target cannot be "docker"');
  expect(left()).toEqual([]);
});

test('what is only found out when there is something to run is told, too', async () => {
  configure(`{ files: 'mine [1]', target: 'local', baseline: 'no-such-file.yaml' }`);
  const { all, exitCode } = await vitest('run');
  expect(exitCode).toBe(1);
  expect(all).toMatch(/^E_(SETTINGS|USAGE): .*no-such-file\.yaml/m);
  expect(left()).toEqual([]);
});
