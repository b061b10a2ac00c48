/** What a run says before it has done anything: also when it cannot do anything. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../../src/cli/commands/run/run-command.ts';
import type { Values } from '../../src/settings/settings.ts';
import { temporaryFolder } from '../programs/downloads.ts';
import { recorder } from '../scenario/support.ts';

const documented = new URL('../../scenarios/documented', import.meta.url).pathname;

async function run(values: Values): Promise<{ readonly lines: string[]; readonly exitCode: number }> {
  const { io, stdout } = recorder();
  const cwd = temporaryFolder();
  const file = (name: string) => join(cwd, name);
  const files = {
    html: file('r.html'),
    junit: file('j.xml'),
    json: file('r.json'),
    conformance: file('c.yaml'),
  };
  const offline = { 'no-download': true, 'no-build': true, ...files };
  const exitCode = await runCommand([documented], { ...offline, ...values }, { ...io, env: {}, cwd });
  return { lines: stdout().split('\n'), exitCode };
}

test('which target and why, what is to be done, and about how long that takes', async () => {
  const programs = join(temporaryFolder(), 'none');
  const { lines, exitCode } = await run({ target: 'local', programs });
  expect(exitCode).toBe(4);
  expect(lines.slice(0, 2)).toEqual([
    'Target local (asked for with --target local)',
    expect.stringMatching(
      /^ {2}\d+ checks in 9 scenarios; about 6 s until the mesh is there, \d+ s in all, when /,
    ),
  ]);
  expect(lines.join('\n')).toContain(
    `E_PROGRAM: the folder for programs that was set, ${programs}, is no folder`,
  );
});

test('with the version, where it is known', async () => {
  const { lines } = await run({
    target: 'kind',
    kind: '/nowhere',
    reuse: true,
    repeat: '2',
    grep: 'require-jwt/',
  });
  expect(lines.slice(0, 2)).toEqual([
    expect.stringMatching(/^Target kind, Istio 1\.\d+\.\d+ \(asked for with --target kind\)$/),
    '  12 checks in 2 scenarios; about 3 s until the mesh is there, 9 s in all, when nothing has to be fetched',
  ]);
});
