import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Guardian } from '../../../../src/target/local/processes/guardian.ts';
import { Part } from '../../../../src/target/local/processes/part.ts';
import { ends } from '../processes.ts';

let folder: string;
let guardian: Guardian;
const ended: Part[] = [];
/** What the guardian was told. */
const guarded: string[] = [];
class TestGuardian extends Guardian {
  override add(pid: number): void {
    guarded.push(`+ ${pid}`);
    super.add(pid);
  }
  override remove(pid: number): void {
    guarded.push(`- ${pid}`);
    super.remove(pid);
  }
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'part-'));
  guardian = new TestGuardian(folder);
  ended.length = 0;
  guarded.length = 0;
});
afterEach(async () => {
  await guardian.end();
  rmSync(folder, { recursive: true, force: true });
});

/** A part that runs these lines of shell. */
function start(script: string, more: Partial<Parameters<typeof Part.start>[0]> = {}): Promise<Part> {
  const logFile = join(folder, 'part.log');
  const base = { name: 'istiod', program: '/bin/sh', args: ['-c', script], folder, logFile };
  return Part.start({ ...base, ...more }, guardian, (part) => ended.push(part));
}
const says = (part: Part, text: string) => expect.poll(() => part.log()).toContain(text);

describe('a part that ends by itself', () => {
  test('is told of, with its name, how it ended, and its last lines', async () => {
    const part = await start('for i in $(seq 1 30); do echo line $i; done; echo at last >&2; exit 3');
    expect(await part.ended).toBe('ended with exit code 3');
    expect(ended).toEqual([part]);
    expect(part.running).toBe(false);
    const error = part.failure();
    expect(error).toMatchObject({
      code: 'E_CLUSTER',
      message: 'istiod of the local mesh ended with exit code 3',
      hint: expect.stringContaining('last lines'),
    });
    const lines = error.details!.split('\n');
    expect(lines).toHaveLength(20);
    expect([lines[0], lines[18], lines[19]]).toEqual(['line 12', 'line 30', 'at last']);
    expect(part.tail(2)).toBe('line 30\nat last');
  });

  test('and has written nothing: no lines are promised', async () => {
    const part = await start('exit 2');
    await part.ended;
    expect(part.failure()).toMatchObject({
      hint: expect.stringContaining('it has written nothing'),
      details: undefined,
    });
  });

  test('by a signal, as when it is killed from outside', async () => {
    const part = await start('sleep 60');
    process.kill(part.pid, 'SIGKILL');
    expect(await part.ended).toBe('was ended by SIGKILL');
    expect(part.failure().message).toBe('istiod of the local mesh was ended by SIGKILL');
    expect(ended).toEqual([part]);
  });

  test('at once is told of just the same', async () => {
    const part = await start('', { program: 'true', args: [] });
    expect(await part.ended).toBe('ended with exit code 0');
    expect(ended).toEqual([part]);
  });

  test('is none of the guardian any more: its number may soon be that of somebody else', async () => {
    const part = await start('exit 0');
    await part.ended;
    expect(guarded).toEqual([`+ ${part.pid}`, `- ${part.pid}`]);
  });
});

describe('a part that nobody has told the guardian of', () => {
  class Unheard extends Guardian {
    override add(): void {}
  }

  test('tells it itself, so that it ends whatever becomes of who has started it', async () => {
    const own = new Unheard(mkdtempSync(join(tmpdir(), 'part-')));
    const logFile = join(folder, 'unheard.log');
    const args = ['-c', 'echo "$0: PIPE $(trap)"; exec sleep 60'];
    const part = await Part.start(
      { name: 'istiod', program: '/bin/sh', args, folder, logFile },
      own,
      () => {},
    );
    await says(part, 'PIPE');
    expect(part.log()).toBe('/bin/sh: PIPE \n');
    await own.end();
    await ends(part.pid);
  });

  test('starts all the same where there is no guardian that could hear it', async () => {
    const deaf = new Unheard({ script: 'exit', args: [] });
    await deaf.end();
    const logFile = join(folder, 'deaf.log');
    const args = ['-c', 'echo here; exec sleep 60'];
    const part = await Part.start(
      { name: 'istiod', program: '/bin/sh', args, folder, logFile },
      deaf,
      () => {},
    );
    await says(part, 'here');
    await part.stop(true);
  });
});

describe('a part that is stopped', () => {
  test('ends by SIGTERM, and is not told of', async () => {
    const part = await start('trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.01; done');
    await says(part, 'ready');
    await part.stop();
    expect(part.running).toBe(false);
    expect(part.log()).toBe('ready\nbye\n');
    expect(ended).toEqual([]);
    await part.stop();
  });

  test('is killed when that does not help', async () => {
    const part = await start('trap "" TERM; echo ready; while :; do sleep 0.01; done');
    await says(part, 'ready');
    await Promise.all([part.stop(), part.stop()]);
    expect(await part.ended).toBe('was ended by SIGKILL');
    expect(ended).toEqual([]);
  });

  test('is killed at once when nothing of it is worth an orderly end', async () => {
    const part = await start('trap "echo bye; exit 0" TERM; echo ready; while :; do sleep 0.01; done');
    await says(part, 'ready');
    await part.stop(true);
    expect(part.log()).toBe('ready\n');
  });
});

describe('a part that cannot be started', () => {
  test('names itself and the reason', async () => {
    await expect(start('', { program: join(folder, 'missing') })).rejects.toMatchObject({
      code: 'E_PROGRAM',
      message: expect.stringMatching(/^istiod could not be started: .*ENOENT/),
      hint: expect.stringContaining('jwt-e2e doctor'),
    });
    const program = join(folder, 'not-executable');
    writeFileSync(program, '', { mode: 0o600 });
    await expect(start('', { program })).rejects.toMatchObject({
      message: expect.stringContaining('EACCES'),
    });
    expect(ended).toEqual([]);
  });

  test('has no folder any more', async () => {
    const logFile = join(folder, 'gone', 'part.log');
    await expect(start('', { logFile })).rejects.toMatchObject({ code: 'E_PROGRAM' });
  });
});

test('it sees its own variables, PATH and a HOME of its own, and nothing else', async () => {
  const part = await start('env', { env: { POD_NAME: 'istiod' } });
  await part.ended;
  const names = part
    .log()
    .trim()
    .split('\n')
    .filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line));
  expect(names.sort()).toEqual([`HOME=${folder}`, `PATH=${process.env.PATH}`, 'POD_NAME=istiod']);
});

test('the guardian ends it when nobody else does', async () => {
  const part = await start('exec sleep 60');
  await guardian.end();
  await ends(part.pid);
  expect(existsSync(folder)).toBe(false);
  // Whose log is gone, too.
  expect(part.tail()).toBe('');
});
