import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { waitForEnter } from '../../../src/cli/commands/run/run-command.ts';

const terminal = () => Object.assign(new PassThrough(), { isTTY: true });
const signal = () => new AbortController().signal;
/** Whether it has ended, once everything that can happen by itself has happened. */
const ended = async (waiting: Promise<void>) =>
  Promise.race([waiting.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 30))]);

test('goes on when Enter is pressed, and each time anew', async () => {
  const input = terminal();
  const wait = waitForEnter(input);
  for (let time = 0; time < 3; time += 1) {
    const waiting = wait(signal());
    expect(await ended(waiting)).toBe(false);
    input.write('\n');
    expect(await ended(waiting)).toBe(true);
  }
});

test('several that wait take a turn each', async () => {
  const input = terminal();
  const wait = waitForEnter(input);
  const [first, second] = [wait(signal()), wait(signal())];
  input.write('\n');
  expect(await ended(first)).toBe(true);
  expect(await ended(second)).toBe(false);
  input.write('\n');
  expect(await ended(second)).toBe(true);
});

test('goes on when the run is interrupted, or the terminal goes away', async () => {
  const controller = new AbortController();
  const interrupted = waitForEnter(terminal())(controller.signal);
  controller.abort('SIGINT');
  expect(await ended(interrupted)).toBe(true);
  const input = terminal();
  const closed = waitForEnter(input)(signal());
  input.end();
  expect(await ended(closed)).toBe(true);
  // And does not wait for a terminal that is gone already.
  expect(await ended(waitForEnter(input)(signal()))).toBe(true);
});

test('is refused where nobody can press a key', () => {
  expect(() => waitForEnter(new PassThrough())).toThrow(
    expect.objectContaining({ code: 'E_USAGE', message: expect.stringContaining('needs a terminal') }),
  );
});
