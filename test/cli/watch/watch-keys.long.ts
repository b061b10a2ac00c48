/** Keys while `run --watch` waits. */
import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { Keyboard } from '../../../src/cli/watch/watch-keys.ts';
import { scenarioSource, sendStep } from '../../run/support.ts';
import { typescript } from '../../support/typescript.ts';
import { roundsOf, startWatching, type Watching } from '../watching.ts';

const scenario = (name: string, cells = '[200, 200]') => scenarioSource(name, sendStep('only', cells));
const keysLine = 'Keys: a all, f failed, p filter, q quit.';

/** A terminal; what it was told about the way of reading is kept. */
class Terminal extends EventEmitter implements Keyboard {
  readonly isTTY = true;
  readonly raw: boolean[] = [];
  setRawMode = (isRaw: boolean) => this.raw.push(isRaw);
  setEncoding = () => {};
  resume = () => {};
  pause = () => {};
  press = (text: string) => this.emit('data', text);
}

let running: Watching | undefined;
afterEach(async () => {
  await running?.end();
  running = undefined;
});

/** With a, which is right, and b, which is wrong. */
async function start(): Promise<{ watch: Watching; terminal: Terminal }> {
  const terminal = new Terminal();
  const files = { 'scenarios/a.yaml': scenario('a'), 'scenarios/b.yaml': scenario('b', '[401, 200]') };
  running = startWatching({ files, keyboard: terminal });
  await running.said(keysLine);
  return { watch: running, terminal };
}

test('a runs all, f what failed when it ran last, q ends with the code of the last round', async () => {
  const { watch, terminal } = await start();
  terminal.press('f');
  await watch.said(keysLine, 2);
  terminal.press('a');
  await watch.said(keysLine, 3);
  terminal.press('q');
  expect(await watch.ended).toBe(1);
  expect(roundsOf(watch.events)).toEqual(['a b → 1', 'b → 1', 'a b → 1']);
});

test('f has nothing to run once all is well', async () => {
  const { watch, terminal } = await start();
  watch.write('scenarios/b.yaml', scenario('b'));
  await watch.said(keysLine, 2);
  terminal.press('f');
  await watch.said('Nothing has failed.');
  expect(roundsOf(watch.events)).toEqual(['a b → 1', 'b → 0']);
});

test('p asks for a text, which holds until the next one; an empty one is none', async () => {
  const { watch, terminal } = await start();
  terminal.press('p');
  await watch.said('Only what has this in its name or title');
  expect(terminal.raw.at(-1)).toBe(false);
  terminal.press('title of A\n');
  await watch.said(keysLine, 2);
  expect(terminal.raw.at(-1)).toBe(true);
  terminal.press('p');
  terminal.press('nothing\n');
  await watch.said('Nothing to run: "nothing" leaves it out.');
  await watch.said(keysLine, 3);
  terminal.press('p');
  terminal.press('\n');
  await watch.said(keysLine, 4);
  expect(roundsOf(watch.events)).toEqual(['a b → 1', 'a → 0', 'a b → 1']);
});

test('q ends a round at once; of what never came to its end nothing has passed', async () => {
  const terminal = new Terminal();
  running = startWatching({
    files: { 'scenarios/a.yaml': scenario('a', '[401, 401]') },
    keyboard: terminal,
    answersMs: 15_000,
  });
  const { ended, events } = running;
  const begun = Date.now();
  while (!events.some(({ type }) => type === 'step-started')) await new Promise((go) => setTimeout(go, 10));
  terminal.press('q');
  expect(await ended).toBe(130);
  expect(Date.now() - begun).toBeLessThan(10_000);
});

test('the terminal gets its own way of reading back', async () => {
  const { watch, terminal } = await start();
  expect(terminal.raw).toEqual([true]);
  await watch.end();
  expect(terminal.raw.at(-1)).toBe(false);
  expect(terminal.listenerCount('data')).toBe(0);
});

const hasScript = spawnSync('script', ['--version']).status === 0;

describe.skipIf(!hasScript || process.platform !== 'linux')('on a pseudo-terminal', () => {
  const module = pathToFileURL(join(import.meta.dirname, '../../../src/cli/watch/watch-keys.ts')).href;

  /** What stty says of the terminal after a program that listens to keys has ended in this way. */
  async function modeAfter(ending: string, typed = ''): Promise<string> {
    const program = `
      const { WatchKeys } = await import('${module}');
      new WatchKeys(process.stdin, () => {}, () => {});
      console.log('listening');
      ${ending}
      setTimeout(() => {}, 20000);`;
    const line = `'${process.execPath}' --import '${typescript}' --input-type=module -e "$PROGRAM"; stty -a`;
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      env: { ...process.env, PROGRAM: program },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const wasListening = output.includes('listening');
      output += text;
      if (!wasListening && output.includes('listening')) child.stdin.write(typed);
    });
    await new Promise((resolve) => child.once('close', resolve));
    return output;
  }

  test.each([
    ['it exits', 'process.exit(3);', ''],
    ['it throws', "setTimeout(() => { throw new Error('x'); }, 10);", ''],
    ['somebody presses Ctrl-C', "process.on('SIGINT', () => process.exit(130));", '\u0003'],
    ['somebody presses Ctrl-\\', '', '\u001c'],
  ])('it reads lines again when %s', async (_, ending, typed) => {
    const output = await modeAfter(ending, typed);
    expect(output).toContain('listening');
    expect(output).toMatch(/[ \n]icanon/);
    expect(output).toMatch(/[ \n]echo[ ;]/);
  });
});
