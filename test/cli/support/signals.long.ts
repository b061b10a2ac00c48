import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { withSignals } from '../../../src/cli/support/signals.ts';
import { typescript } from '../../support/typescript.ts';

const signals = pathToFileURL(resolve('src/cli/support/signals.ts')).href;

/** A process whose work ends `cleanUpMs` after its signal was aborted, and that itself ends `afterMs` later. */
function start(cleanUpMs: number, afterMs = 0) {
  const program = `
    import { withSignals } from ${JSON.stringify(signals)};
    process.exitCode = await withSignals((signal) => new Promise((resolve) => {
      const alive = setInterval(() => {}, 1000);
      signal.addEventListener('abort', () => {
        process.stdout.write('aborted by ' + signal.reason + '\\n');
        setTimeout(() => { clearInterval(alive); resolve(42); }, ${cleanUpMs});
      });
      process.stdout.write('ready\\n');
    }), 'Look for what is left.');
    process.stdout.write('cleaned up\\n');
    setTimeout(() => {}, ${afterMs});
  `;
  return execa(process.execPath, ['--import', typescript, '--input-type=module', '--eval', program], {
    reject: false,
    timeout: 30_000,
  });
}

async function untilSaid(running: ReturnType<typeof start>, text: string): Promise<void> {
  let said = '';
  await new Promise<void>((resolve) => {
    running.stdout.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes(text)) resolve();
    });
  });
}

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s', (name, code) => {
  test('once: the work is told, ends in its own time and with its own result', async () => {
    const running = start(300);
    await untilSaid(running, 'ready');
    running.kill(name);
    const { exitCode, stdout, stderr } = await running;
    expect(stdout).toContain(`aborted by ${name}`);
    expect(stderr).toContain(`${name}: cleaning up; once more ends at once.`);
    expect(exitCode).toBe(42);
  });

  // SIGHUP has a test of its own below.
  if (name === 'SIGHUP') return;
  test('twice: it ends at once, and says what may be left', async () => {
    const running = start(20_000);
    await untilSaid(running, 'ready');
    running.kill(name);
    await untilSaid(running, 'aborted by');
    const second = Date.now();
    running.kill(name);
    const { exitCode, stderr } = await running;
    expect(Date.now() - second).toBeLessThan(5000);
    expect(exitCode).toBe(code);
    expect(stderr).toContain(`${name} again: ending without cleaning up. Look for what is left.`);
  });
});

test('SIGHUP, which a terminal that closes sends twice, cuts no cleaning up short, nor what comes after it', async () => {
  const running = start(500, 500);
  await untilSaid(running, 'ready');
  running.kill('SIGHUP');
  await untilSaid(running, 'aborted by');
  running.kill('SIGHUP');
  await untilSaid(running, 'cleaned up');
  running.kill('SIGHUP');
  const { exitCode, stderr } = await running;
  expect(exitCode).toBe(42);
  expect(stderr.match(/SIGHUP/g)).toHaveLength(1);
});

test('SIGHUP after another signal does not end at once, as when a session ends; another one after it does', async () => {
  for (const [names, code] of [
    [['SIGTERM', 'SIGHUP'], 42],
    [['SIGHUP', 'SIGTERM'], 143],
  ] as const) {
    const running = start(1000);
    await untilSaid(running, 'ready');
    running.kill(names[0]);
    await untilSaid(running, 'aborted by');
    running.kill(names[1]);
    expect((await running).exitCode, names.join()).toBe(code);
  }
});

test('leaves no handler behind, whatever becomes of the work', async () => {
  const count = () => (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((name) => process.listenerCount(name));
  const before = count();
  expect(await withSignals(async () => 7, '')).toBe(7);
  await expect(
    withSignals(async () => {
      throw new Error('broken');
    }, ''),
  ).rejects.toThrow('broken');
  expect(count()).toEqual(before);
});
