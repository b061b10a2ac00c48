/** What an answer comes to, by whether it holds, whether the policy has arrived, and whether our own instruments work. */
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import type { Outcome } from '../../../src/run/answers/converge.ts';
import { verdict } from '../../../src/run/answers/verdict.ts';
import type { Held } from '../../../src/run/steps/step-state.ts';

const response = { status: 200, headers: {}, body: '', at: 1, durationMs: 1 };
const convergence = { attempts: 3, answers: 3, right: 3, firstRightMs: 1, stale: 0 };
const outcome = (more: Partial<Outcome>): Outcome => ({
  held: false,
  difference: undefined,
  unanswered: 0,
  response,
  convergence,
  ...more,
});
const right = outcome({ held: true });
const wrong = outcome({ difference: 'status 200 instead of 403' });
const silent = outcome({ unanswered: 2, response: { ...response, status: 0, error: 'it hangs' } });
const holds: Held = { kind: 'holds', proof: 'p' };
const place = { file: 'a.yaml', line: 1, column: 1 };
const broken = new HarnessError('E_KEY_SERVER', 'it is cut off', { hint: 'Look at it.' });
const unseen = () => {
  throw new Error('nobody needs to know why');
};

describe('where the policy has arrived', () => {
  test('a right answer passes, whatever else is broken, and nobody asks why', () => {
    expect(verdict(right, holds, unseen, broken)).toEqual({ state: 'passed' });
  });

  test('a wrong one fails, with its cause and what to do, when these are known', () => {
    expect(verdict(wrong, holds, () => ({ cause: 'no policy', remedy: 'Apply one.' }))).toEqual({
      state: 'failed',
      message: 'status 200 instead of 403; no policy',
      hint: 'Apply one.',
    });
    for (const why of [undefined, () => undefined])
      expect(verdict(wrong, holds, why)).toEqual({ state: 'failed', message: 'status 200 instead of 403' });
  });

  test('a wrong one, or none, says nothing while an instrument of ours is broken', () => {
    for (const each of [wrong, silent])
      expect(verdict(each, holds, unseen, broken)).toEqual({
        state: 'error',
        code: 'E_KEY_SERVER',
        message: 'it is cut off',
        hint: 'Look at it.',
      });
  });

  test.each([
    [silent, 'no answer: it hangs'],
    [outcome({ unanswered: 2, response: { ...response, status: 0 } }), 'no answer: unknown reason'],
    [outcome({ unanswered: 2 }), 'the answers are right, but too few came: 2 requests were not answered'],
  ])('no verdict without enough answers (%#)', (each, message) => {
    expect(verdict(each, holds, unseen)).toEqual({
      state: 'error',
      code: 'E_SEND',
      message,
      hint: expect.stringContaining('--answer-timeout'),
    });
  });
});

test.each([right, wrong, silent])(
  'where a proxy has rejected its configuration, every answer fails (%#)',
  (each) => {
    const held: Held = { kind: 'rejected', message: 'invalid jwks' };
    expect(verdict(each, held, unseen, broken)).toEqual({
      state: 'failed',
      code: 'E_NACK',
      message: 'a proxy rejected its configuration, so an older one goes on: invalid jwks',
      hint: expect.stringContaining('keys that Envoy does not accept'),
    });
  },
);

describe('where the policy may not have arrived', () => {
  const held: Held = { kind: 'unproven', message: 'no push', hint: 'Wait.' };

  test.each([
    [right, 'the answer may come from an older policy: no push'],
    [wrong, 'status 200 instead of 403, but that may come from an older policy: no push'],
  ])('no answer is a verdict (%#)', (each, message) => {
    const seen = verdict(each, held, unseen, broken);
    expect(seen).toStrictEqual({ state: 'error', code: 'E_UNPROVEN', message, hint: 'Wait.' });
  });

  test('what is said of a certain policy is said at its place, and as it is', () => {
    expect(verdict(right, { ...held, place }, unseen)).toEqual({
      state: 'error',
      code: 'E_UNPROVEN',
      message: 'no push',
      hint: 'Wait.',
      place,
    });
  });
});
