import { describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { pause, throwIfAborted, together, until, within } from '../../src/base/wait.ts';

const signal = new AbortController().signal;
const aborted = (reason: unknown) => AbortSignal.abort(reason);

test('an aborted signal throws the error that it was aborted with, or else says interrupted', () => {
  throwIfAborted(signal);
  const reason = new HarnessError('E_TIMEOUT', 'too long');
  expect(() => throwIfAborted(aborted(reason))).toThrow(reason);
  expect(() => throwIfAborted(aborted('SIGINT'))).toThrow(expect.objectContaining({ code: 'E_INTERRUPTED' }));
});

test('a pause ends with the signal', async () => {
  const controller = new AbortController();
  const pausing = pause(60_000, controller.signal);
  controller.abort('SIGINT');
  await expect(pausing).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
});

describe('until', () => {
  test('asks until there is something', async () => {
    const answers = ['not yet', 'almost', 7];
    const value = await until('it', async () => answers.shift() as string | number, {
      timeoutMs: 1000,
      intervalMs: 1,
      signal,
    });
    expect(value).toBe(7);
  });

  test('says at the end of the time what was missing last', async () => {
    const waiting = until('the rollout', async () => 'two of three', {
      timeoutMs: 20,
      intervalMs: 5,
      signal,
      code: 'E_NOT_READY',
      hint: 'Look.',
    });
    await expect(waiting).rejects.toMatchObject({
      code: 'E_NOT_READY',
      message: 'the rollout did not happen within 0 s: two of three',
      hint: 'Look.',
    });
  });

  test('throws what the probe throws, and stops with the signal', async () => {
    const failing = async () => {
      throw new Error('broken');
    };
    await expect(until('it', failing, { timeoutMs: 1000, signal })).rejects.toThrow('broken');
    const controller = new AbortController();
    const probe = vi.fn(async () => 'no');
    const waiting = until('it', probe, { timeoutMs: 60_000, intervalMs: 1, signal: controller.signal });
    setTimeout(() => controller.abort('SIGINT'), 20);
    await expect(waiting).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    const calls = probe.mock.calls.length;
    await pause(20, signal);
    expect(probe.mock.calls.length).toBe(calls);
  });
});

describe('within', () => {
  test('ends after its time with an error that says what took too long', async () => {
    const limit = within(10, signal, 'the request');
    await new Promise((resolve) => limit.signal.addEventListener('abort', resolve));
    expect(() => throwIfAborted(limit.signal)).toThrow('the request took longer than 0 s');
    limit.done();
  });

  test('ends with the signal it was given, also one that has ended', () => {
    const controller = new AbortController();
    const limit = within(60_000, controller.signal, 'it');
    controller.abort('SIGTERM');
    expect(limit.signal.reason).toBe('SIGTERM');
    limit.done();
    const late = within(60_000, controller.signal, 'it');
    expect(late.signal.aborted).toBe(true);
    late.done();
  });

  test('leaves nothing behind: no timer, no listener', () => {
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, 'addEventListener');
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    vi.useFakeTimers();
    const limit = within(60_000, controller.signal, 'it');
    expect(vi.getTimerCount()).toBe(1);
    limit.done();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
    expect(removed.mock.calls[0]?.slice(0, 2)).toEqual(added.mock.calls[0]?.slice(0, 2));
  });
});

describe('together', () => {
  test('gives results in the order of the items, whatever their time', async () => {
    const slow = async (ms: number) => {
      await pause(ms, signal);
      return ms;
    };
    expect(await together([30, 1, 15], slow, signal)).toEqual([30, 1, 15]);
    expect(await together([], slow, signal)).toEqual([]);
  });

  test('works on no more at a time than asked for', async () => {
    let now = 0;
    let most = 0;
    await together(
      [1, 2, 3, 4, 5, 6, 7],
      async () => {
        now += 1;
        most = Math.max(most, now);
        await pause(5, signal);
        now -= 1;
      },
      signal,
      3,
    );
    expect(most).toBe(3);
  });

  test('ends the others when one fails, has awaited them, starts no more, and throws the first error', async () => {
    const events: string[] = [];
    const work = async (name: string, own: AbortSignal) => {
      events.push(`${name} starts`);
      if (name === 'b') throw new Error('b broke');
      await pause(60_000, own).catch(async (thrown) => {
        // As something that cannot be ended at once.
        await pause(20, signal);
        events.push(`${name} ended`);
        throw thrown;
      });
    };
    await expect(together(['a', 'b', 'c'], work, signal, 2)).rejects.toThrow('b broke');
    expect(events).toEqual(['a starts', 'b starts', 'a ended']);
  });

  test('ends with its signal and leaves no listener on it', async () => {
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, 'addEventListener');
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    const working = together([1, 2], (_, own) => pause(60_000, own), controller.signal);
    controller.abort('SIGINT');
    await expect(working).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
    await expect(together([1], (_, own) => pause(1, own), controller.signal)).rejects.toThrow('interrupted');
  });
});
