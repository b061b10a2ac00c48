/** Time that passes only when a test lets it. */
import type { Clock } from '../../src/base/wait.ts';
import { throwIfAborted } from '../../src/base/wait.ts';

export interface FakeClock extends Clock {
  pass(ms: number): void;
}

export function fakeClock(): FakeClock {
  let time = 0;
  return {
    now: () => time,
    pass: (ms) => {
      time += ms;
    },
    pause: async (ms, signal) => {
      throwIfAborted(signal);
      time += ms;
    },
  };
}
