import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { openPage } from '../../../src/cli/support/open-page.ts';

const desktop = { DISPLAY: ':0' };

async function opened(env: NodeJS.ProcessEnv, start?: (file: string) => Promise<EventEmitter>) {
  const said: string[] = [];
  const files: string[] = [];
  const child = new EventEmitter();
  await openPage(
    'reports/report.html',
    env,
    (line) => said.push(line),
    async (file) => {
      files.push(file);
      return start === undefined ? child : start(file);
    },
  );
  return { said, files, child };
}

test('opens the page by its whole path', async () => {
  const { said, files } = await opened(desktop);
  expect(files).toEqual([`${process.cwd()}/reports/report.html`]);
  expect(said).toEqual([]);
});

test('says so where there is no desktop, and when there is no program for it', async () => {
  const line = ['There is no browser to open reports/report.html with here: copy it to where there is one.'];
  if (process.platform === 'linux') expect(await opened({})).toMatchObject({ said: line, files: [] });
  const failing = await opened(desktop, async () => {
    throw new Error('no xdg-open');
  });
  expect(failing.said).toEqual(line);
  const { said, child } = await opened(desktop);
  child.emit('error', new Error('spawn xdg-open ENOENT'));
  expect(said).toEqual(line);
});
