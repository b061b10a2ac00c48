/** On a real pseudo-terminal, which script(1) of util-linux gives. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { typescript } from '../support/typescript.ts';
import { Screen } from './screen.ts';

const program = fileURLToPath(new URL('tty-program.ts', import.meta.url));
const script = 'script';
const hasScript = spawnSync(script, ['--version']).status === 0;

interface Session {
  readonly child: ChildProcess;
  /** Everything that came out so far. */
  readonly output: () => string;
  /** Resolves with the match once it has come out. */
  readonly seen: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
}

function start(mode: string, env: NodeJS.ProcessEnv = {}): Session {
  const line = `stty rows 12 cols 70; exec '${process.execPath}' --import '${typescript}' '${program}' ${mode}`;
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(CI|NO_COLOR|FORCE_COLOR|GITHUB_.*)$/.test(name)),
  );
  const child = spawn(script, ['-qec', line, '/dev/null'], {
    env: { ...clean, TERM: 'xterm-256color', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let output = '';
  let look = () => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    look();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const seen = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      look = () => {
        const match = pattern.exec(output);
        if (match !== null) resolve(match);
      };
      look();
      void ended.then(() => reject(new Error(`there is no ${pattern} in:\n${output}`)));
    });
  return { child, output: () => output, seen, ended };
}

function screenOf(output: string): Screen {
  const screen = new Screen(70, 12);
  screen.write(output);
  return screen;
}

/** The state of a process, as Linux has it: `T` when it is stopped. */
const stateOf = (pid: number) => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

describe.skipIf(!hasScript || process.platform !== 'linux')('on a pseudo-terminal', () => {
  it('a whole run leaves the lines of its log', async () => {
    const { output, ended } = start('run');
    expect(await ended).toBe(0);
    expect(output()).toMatch(/⠋|⠙|⠹|⠸|⠼|⠴|⠦|⠧|⠇|⠏/);
    expect(output()).toContain('\u001b[31m');
    const screen = screenOf(output());
    expect(screen.state()).toMatchObject({ atStart: true, wraps: true });
    const text = screen.text();
    expect(text).not.toMatch(/⠋|⠙|⠹|⠸|⠼|⠴|⠦|⠧|⠇|⠏|\d\/\d+ scenarios/);
    expect(text).toMatch(/^ ✓ create kind cluster jwt-e2e-7f3a \(34\.2s\)\n ✓ install Istio/);
    expect(text).toMatch(/\n12 checks in 4 scenarios: .*\n {2}JUnit {2}reports\/junit\.xml\n$/s);
  });

  it.each([
    ['NO_COLOR', { NO_COLOR: '1' }, true],
    ['TERM=dumb', { TERM: 'dumb' }, false],
    ['CI', { CI: 'true' }, false],
  ])('%s has no colours', async (_, env, isLive) => {
    const { output, ended } = start('run', env);
    expect(await ended).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what colours are
    expect(output()).not.toMatch(/\u001b\[\d+m/);
    if (!isLive) expect(output()).not.toContain('\u001b');
  });

  it('a window that is made smaller in the middle loses nothing, and keeps nothing', async () => {
    const { output, ended } = start('resize');
    expect(await ended).toBe(0);
    const screen = new Screen(70, 12);
    const [before, after] = output().split(/(?=the window became narrow)/) as [string, string];
    screen.write(before);
    screen.resize(50, 9);
    screen.write(after);
    const text = screen.text();
    expect(text).not.toMatch(/⠋|⠙|⠹|⠸|⠼|⠴|⠦|⠧|⠇|⠏|\d\/\d+ scenarios/);
    expect(text.split('the window became narrow\n')).toHaveLength(2);
    expect(text).toMatch(/^ ✓ create kind cluster/);
    expect(text).toMatch(/ {2}JUnit {2}reports\/junit\.xml\n$/);
  });

  it('an interrupt is answered above the live table, and the end is as clean as ever', async () => {
    const { child, output, seen, ended } = start('interrupt');
    await seen(/pid \d+/);
    // As a person does it.
    child.stdin?.write('\u0003');
    expect(await ended).toBe(0);
    const screen = screenOf(output());
    expect(screen.state().atStart).toBe(true);
    expect(screen.text()).toMatch(/\nSIGINT: cleaning up; once more ends at once\.\n/);
    expect(screen.text()).toMatch(/\nInterrupted: this is not the result of a whole run\.\n/);
    expect(screen.text()).not.toMatch(/\d\/\d+ scenarios/);
  });

  it('a second interrupt ends at once, and the live table goes with it', async () => {
    const { child, output, seen, ended } = start('twice');
    await seen(/pid \d+/);
    child.stdin?.write('\u0003');
    await seen(/SIGINT: cleaning up/);
    child.stdin?.write('\u0003');
    expect(await ended).toBe(130);
    const screen = screenOf(output());
    expect(screen.state().atStart).toBe(true);
    expect(screen.text()).toMatch(/\nSIGINT again: ending without cleaning up\. Nothing is left\.\n$/);
  });

  it('is given back when the program ends without another word', async () => {
    const { output, ended } = start('exit');
    expect(await ended).toBe(4);
    expect(output()).toMatch(/\d\/\d+ scenarios/);
    const screen = screenOf(output());
    expect(screen.state().atStart).toBe(true);
    expect(screen.text()).not.toMatch(/\d\/\d+ scenarios/);
  });

  it('is given back while the program is stopped with Ctrl-Z', async () => {
    const { child, output, seen, ended } = start('interrupt');
    const pid = Number((await seen(/pid (\d+)/))[1]);
    process.kill(pid, 'SIGTSTP');
    await expect.poll(() => stateOf(pid), { timeout: 10_000 }).toBe('T');
    const whileStopped = screenOf(output());
    expect(whileStopped.state().atStart).toBe(true);
    expect(whileStopped.text()).toMatch(/pid \d+\n$/);
    const { length } = output();
    // script stops itself once it has seen that what it runs is stopped. Woken up before that, it would sleep for good.
    await expect.poll(() => stateOf(child.pid as number), { timeout: 10_000 }).toBe('T');
    child.kill('SIGCONT');
    process.kill(pid, 'SIGCONT');
    await expect.poll(() => output().slice(length), { timeout: 10_000 }).toContain('scenarios');
    child.stdin?.write('\u0003');
    expect(await ended).toBe(0);
    expect(screenOf(output()).state().atStart).toBe(true);
  });
});
