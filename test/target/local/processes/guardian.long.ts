import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Guardian } from '../../../../src/target/local/processes/guardian.ts';
import { typescript } from '../../../support/typescript.ts';
import { ends, isRunning, processesWith } from '../processes.ts';

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "guardian's folder-"));
  writeFileSync(join(folder, 'file'), '');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function sleeper(): number {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  children.push(child);
  return child.pid!;
}

describe('at the end', () => {
  test('it kills what is left, and deletes the folder', async () => {
    const guardian = new Guardian(folder);
    const [left, removed] = [sleeper(), sleeper()];
    guardian.add(left);
    guardian.add(removed);
    guardian.remove(removed);
    await guardian.end();
    await ends(left);
    expect(isRunning(removed)).toBe(true);
    expect(existsSync(folder)).toBe(false);
  });

  test('it can be told twice, and about what has ended or never was there', async () => {
    const guardian = new Guardian(folder);
    const gone = sleeper();
    guardian.add(gone);
    process.kill(gone, 'SIGKILL');
    await ends(gone);
    guardian.remove(4_000_000);
    await Promise.all([guardian.end(), guardian.end()]);
    await guardian.end();
    guardian.add(gone);
    expect(existsSync(folder)).toBe(false);
  });
});

describe('when somebody has stopped the shell', () => {
  test('the end does not wait for ever', async () => {
    const guardian = new Guardian(folder);
    const left = sleeper();
    guardian.add(left);
    const [shell] = processesWith(folder);
    process.kill(shell!, 'SIGSTOP');
    await guardian.end();
    await ends(left);
    expect(existsSync(folder)).toBe(false);
  });

  test('let go, it does not stay', async () => {
    const guardian = new Guardian(folder);
    const [shell] = processesWith(folder);
    process.kill(shell!, 'SIGSTOP');
    guardian.letGo();
    await ends(shell!);
    expect(existsSync(folder)).toBe(true);
  });
});

test('let go, it ends nothing and deletes nothing', async () => {
  const guardian = new Guardian(folder);
  const sleeping = sleeper();
  guardian.add(sleeping);
  const [shell] = processesWith(folder);
  guardian.letGo();
  await ends(shell!);
  expect(isRunning(sleeping)).toBe(true);
  expect(existsSync(folder)).toBe(true);
});

test('it kills whole groups, and does what it is to do once they are gone', async () => {
  const file = join(folder, 'sleeps');
  // The kernel takes a while to end a process that has much memory: it is still there when kill has returned.
  const big =
    'const memory = Buffer.alloc(6e8, 1); console.log(process.pid); setTimeout(() => memory.length, 60_000)';
  const args = ['-c', '"$1" -e "$2" > "$3" & wait', 'sh', process.execPath, big, file];
  const child = spawn('sh', args, { detached: true, stdio: 'ignore' });
  children.push(child);
  const written = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await expect.poll(written, { timeout: 10_000 }).toMatch(/\d+\n/);
  const sleeping = Number(readFileSync(file, 'utf8'));
  const zombie = "stat=') Z '; read -r stat < /proc/$1/stat; case $stat in *') Z '*) ;; *) exit ;; esac";
  const script = `if kill -0 "$1"; then ${zombie}; fi; touch "$2"`;
  const done = join(folder, 'done');
  const guardian = new Guardian({ script, args: [String(sleeping), done] });
  guardian.add(-child.pid!);
  await guardian.end();
  await ends(sleeping);
  expect(existsSync(done)).toBe(true);
});

describe('when the shell itself is killed', () => {
  test('another one takes over with all that there is, and that is said', async () => {
    const said: string[] = [];
    const guardian = new Guardian(folder, (message) => said.push(message));
    const [before, removed, after] = [sleeper(), sleeper(), sleeper()];
    guardian.add(before);
    guardian.add(removed);
    guardian.remove(removed);
    const [first] = processesWith(folder);
    process.kill(first!, 'SIGKILL');
    await expect.poll(() => said).toHaveLength(1);
    expect(said[0]).toMatch(/has ended itself \(SIGKILL\); another one has taken its place$/);
    guardian.add(after);
    await expect.poll(() => processesWith(folder)).not.toContain(first);
    expect(processesWith(folder)).toHaveLength(1);
    await guardian.end();
    await Promise.all([ends(before), ends(after)]);
    expect(isRunning(removed)).toBe(true);
    expect(existsSync(folder)).toBe(false);
    expect(said).toHaveLength(1);
  });

  test('again and again, it is said that there is none any more', async () => {
    const said: string[] = [];
    const guardian = new Guardian(folder, (message) => said.push(message));
    for (let killed = 1; killed <= 10; killed++) {
      await expect.poll(() => processesWith(folder)).toHaveLength(1);
      process.kill(processesWith(folder)[0]!, 'SIGKILL');
      await expect.poll(() => said).toHaveLength(killed);
    }
    expect(said.at(-1)).toMatch(/there is none now: .* would leave processes of the mesh$/);
    await guardian.end();
    expect(processesWith(folder)).toEqual([]);
  });
});

describe('when the process that has it is killed', () => {
  /** A process that has a guardian and starts one that sleeps; both say who they are. */
  async function owner(): Promise<{ child: ChildProcess; sleeping: number }> {
    const module = new URL('../../../../src/target/local/processes/guardian.ts', import.meta.url);
    const code = `
      import { spawn } from 'node:child_process';
      const { Guardian } = await import(${JSON.stringify(module.href)});
      const guardian = new Guardian(${JSON.stringify(folder)});
      const sleeping = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
      guardian.add(sleeping.pid);
      console.log(sleeping.pid);
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ['--import', typescript, '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    children.push(child);
    const [line] = await once(createInterface(child.stdout!), 'line');
    return { child, sleeping: Number(line) };
  }

  test('what it has started ends as well, and the folder goes', async () => {
    const { child, sleeping } = await owner();
    expect(isRunning(sleeping)).toBe(true);
    child.kill('SIGKILL');
    await ends(sleeping);
    await expect.poll(() => existsSync(folder)).toBe(false);
  });

  test('with its whole group, as by Ctrl-C at a terminal', async () => {
    const { child, sleeping } = await owner();
    process.kill(-child.pid!, 'SIGINT');
    await ends(sleeping);
    await expect.poll(() => existsSync(folder)).toBe(false);
  });

  test('after a signal that was for every process of the machine', async () => {
    const { child, sleeping } = await owner();
    const shell = processesWith(folder).find((pid) => pid !== child.pid)!;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(shell, signal);
    child.kill('SIGKILL');
    await ends(sleeping);
    await expect.poll(() => existsSync(folder)).toBe(false);
  });
});
