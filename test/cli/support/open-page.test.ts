import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { openerOf, openPage, opensByItself } from '../../../src/cli/support/open-page.ts';

const desktop = { DISPLAY: ':0' };

async function opened(env: NodeJS.ProcessEnv, file = 'reports/report.html', fails = false) {
  const said: string[] = [];
  const started: (readonly [string, readonly string[]])[] = [];
  await openPage(
    file,
    env,
    (line) => said.push(line),
    async (program, args) => {
      started.push([program, args]);
      if (fails) throw new Error('spawn xdg-open ENOENT');
    },
  );
  return { said, started };
}

test('opens the page by its whole path, with the program of the desktop', async () => {
  const { said, started } = await opened(desktop);
  expect(started).toEqual([[openerOf(process.platform, desktop), [`${process.cwd()}/reports/report.html`]]]);
  expect(said).toEqual([]);
});

test.each(['--new-window', '$(touch x).html', '"; touch x #.html'])(
  'takes a file called %s for a file',
  async (file) => {
    const { started } = await opened(desktop, file);
    expect(started.map(([, args]) => args)).toEqual([[`${process.cwd()}/${file}`]]);
  },
);

test('says so where there is no desktop, and when there is no program for it', async () => {
  const line = ['There is no browser to open reports/report.html with here: copy it to where there is one.'];
  if (process.platform === 'linux') expect(await opened({})).toEqual({ said: line, started: [] });
  expect((await opened(desktop, undefined, true)).said).toEqual(line);
});

test.runIf(process.platform === 'linux')('no shell reads the name of the file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-open-'));
  const seen = join(folder, 'seen');
  writeFileSync(
    join(folder, 'xdg-open'),
    `#!/bin/sh\nprintf '%s\\n' "$@" > ${seen}.new; mv ${seen}.new ${seen}\n`,
    {
      mode: 0o755,
    },
  );
  const path = process.env.PATH;
  try {
    process.env.PATH = `${folder}${delimiter}${path}`;
    await openPage(join(folder, '$(touch x) ;.html'), desktop, () => expect.unreachable());
    await expect.poll(() => readFileSync(seen, 'utf8')).toBe(`${folder}/$(touch x) ;.html\n`);
    process.env.PATH = join(folder, 'nothing');
    const said: string[] = [];
    await openPage('report.html', desktop, (line) => said.push(line));
    expect(said).toHaveLength(1);
  } finally {
    process.env.PATH = path;
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each([
  ['darwin', {}, 'open'],
  ['linux', desktop, 'xdg-open'],
  ['linux', { WSL_DISTRO_NAME: 'Ubuntu' }, 'wslview'],
  ['win32', {}, 'explorer.exe'],
] as const)('on %s opens with %j: %s', (platform, env, program) => {
  expect(openerOf(platform, env)).toBe(program);
});

test.each([
  ['a check failed', 1, true, desktop, true],
  ['all passed', 0, true, desktop, false],
  ['there is no verdict', 4, true, desktop, false],
  ['it was interrupted', 130, true, desktop, false],
  ['nobody sits at a terminal', 1, false, desktop, false],
  ['the terminal is far away', 1, true, { ...desktop, SSH_CONNECTION: 'a' }, false],
] as const)('by itself when %s', (_, exitCode, isTerminal, env, opens) => {
  expect(opensByItself(exitCode, isTerminal, env)).toBe(opens);
});

test.runIf(process.platform === 'linux')('never by itself without a desktop', () => {
  expect(opensByItself(1, true, {})).toBe(false);
});
