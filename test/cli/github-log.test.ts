/** On GitHub Actions no command may write a line that the runner takes for an order of its own. */
import { rmSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { diffCommand } from '../../src/cli/commands/diff.ts';
import { reportCommand } from '../../src/cli/commands/report-command.ts';
import { main } from '../../src/cli/main.ts';
import { resultOf, withChecks } from '../report/results.ts';
import * as runs from '../report/runs.ts';
import { recorder } from '../scenario/support.ts';
import { workspace } from './reporting.ts';

const { cwd, write } = workspace();
afterAll(() => rmSync(cwd, { recursive: true, force: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const planted = '##[error]planted';
const passed = resultOf(runs.passed);
const red = withChecks(passed, (check) =>
  check.scenario === 'require-jwt'
    ? { ...check, state: 'failed', actual: planted, message: planted }
    : { ...check, finding: planted },
);
write('old.json', passed);
write('new.json', red);
write('stopped.json', {
  ...passed,
  scenarios: [],
  run: { ...passed.run, problem: { code: 'E_ISTIO', message: planted } },
});

async function call(command: typeof diffCommand, files: string[], values = {}, env: NodeJS.ProcessEnv = {}) {
  const { io, stdout, stderr } = recorder({ isGitHub: env.GITHUB_ACTIONS !== undefined });
  await command(files, values, { ...io, env, cwd });
  return stdout() + stderr();
}
const github = { GITHUB_ACTIONS: 'true', NO_COLOR: '1' };

describe.each([
  ['diff', diffCommand, ['old.json', 'new.json']],
  ['diff without a verdict', diffCommand, ['old.json', 'stopped.json']],
  ['report', reportCommand, ['new.json']],
] as const)('%s', (_, command, files) => {
  test('writes no command there, and what was said elsewhere', async () => {
    const told = await call(command, [...files], {}, github);
    expect(told).toContain('## [error]planted');
    expect(told).not.toContain(planted);
    expect(await call(command, [...files])).toContain(planted);
  });
});

test('diff --json has the values as they are, in other words', async () => {
  const json = await call(diffCommand, ['old.json', 'new.json'], { json: true }, github);
  expect(json).not.toContain('##');
  const [change] = JSON.parse(json).changes;
  expect(change.new.reason).toContain(planted);
});

test.each(['x\r::error::planted', 'x\n::error::planted', 'x##[error]planted'])(
  'errors of the command line: %j',
  async (file) => {
    let told = '';
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      told += String(chunk);
      return true;
    });
    vi.stubEnv('GITHUB_ACTIONS', 'true');
    expect(await main(['report', file])).toBe(2);
    expect(told).toContain('planted');
    expect(told).not.toMatch(/^::|[\r\n]::|##\[/);
  },
);
