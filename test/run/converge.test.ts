import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { converge, type Probe } from '../../src/run/converge.ts';
import type { HttpResponse, Target } from '../../src/target/target.ts';

const origin = { kind: 'ingress' } as const;
const signal = new AbortController().signal;

/** A clock that moves with every answer, and a target that gives the answers of a script; the last one goes on. */
function scripted(scripts: Readonly<Record<string, readonly number[]>>, msPerAnswer = 10) {
  let time = 1000;
  const sent: string[][] = [];
  const positions = new Map<string, number>();
  const send: Target['send'] = async (_origin, requests, rounds) => {
    sent.push(requests.map(({ id }) => id));
    return Array.from({ length: rounds }, () =>
      requests.map(({ id }): HttpResponse => {
        const script = scripts[id] ?? [];
        const position = positions.get(id) ?? 0;
        positions.set(id, position + 1);
        time += msPerAnswer;
        const status = script[Math.min(position, script.length - 1)] ?? 0;
        return { status, headers: {}, body: '', at: time, durationMs: 1 };
      }),
    );
  };
  return { target: { send }, sent, now: () => time };
}

function probe(id: string, expected = 200): Probe {
  return {
    request: { id, method: 'GET', url: '/', headers: [] },
    judge: ({ status }) => (status === expected ? undefined : `${status} instead of ${expected}`),
  };
}

const options = { consecutive: 3, deadlineMs: 10_000, intervalMs: 0, since: 1000 };

describe('one request', () => {
  const go = async (answers: readonly number[], more: Partial<typeof options> = {}) => {
    const { target, now, sent } = scripted({ a: answers });
    const [outcome] = await converge(target, origin, [probe('a')], { ...options, now, ...more }, signal);
    return { outcome: outcome ?? expect.fail('no outcome'), sent };
  };

  test('that is right at once holds after one go', async () => {
    const { outcome, sent } = await go([200]);
    expect(outcome).toMatchObject({ held: true, difference: undefined, response: { status: 200 } });
    expect(outcome.convergence).toMatchObject({ firstRightMs: 10, lastWrongMs: undefined, stale: 0 });
    expect(sent).toHaveLength(1);
  });

  test('tells when the first right and the last wrong answer came, and how many were wrong', async () => {
    const { outcome } = await go([401, 401, 200, 401, 200]);
    expect(outcome.held).toBe(true);
    expect(outcome.convergence).toMatchObject({ firstRightMs: 30, lastWrongMs: 40, stale: 3 });
  });

  test('a wrong answer starts the count again', async () => {
    // Right twice, wrong, right twice, wrong: never three in a row until the end.
    const { outcome } = await go([200, 200, 401, 200, 200, 401, 200, 200, 401, 200]);
    expect(outcome.held).toBe(true);
    expect(outcome.convergence.attempts).toBeGreaterThanOrEqual(12);
    expect(outcome.convergence.stale).toBe(3);
  });

  test('that flaps for ever does not hold, and says what was wrong last', async () => {
    const { outcome } = await go(
      Array.from({ length: 5000 }, (_, index) => (index % 2 === 0 ? 200 : 401)),
      {
        deadlineMs: 400,
      },
    );
    expect(outcome.held).toBe(false);
    expect(outcome.difference).toMatch(/^401 instead of 200$|^the right answer did not come often enough/);
    expect(outcome.convergence.attempts).toBeLessThan(60);
  });

  test('that is wrong for ever ends with the deadline', async () => {
    const { outcome } = await go([503], { deadlineMs: 300 });
    expect(outcome).toMatchObject({
      held: false,
      difference: '503 instead of 200',
      response: { status: 503 },
    });
    expect(outcome.convergence.firstRightMs).toBeUndefined();
    expect(outcome.convergence.attempts).toBeGreaterThanOrEqual(30);
    expect(outcome.convergence.attempts).toBeLessThan(45);
  });

  test('is sent at least once, also when there is no time', async () => {
    expect((await go([401], { deadlineMs: 0 })).sent).toHaveLength(1);
    expect((await go([200], { deadlineMs: 0 })).outcome.held).toBe(true);
  });

  test('answers of before the change are at time 0', async () => {
    const { outcome } = await go([200], { since: 5000 });
    expect(outcome.convergence.firstRightMs).toBe(0);
  });
});

describe('several requests', () => {
  test('are sent together; those that hold are not sent again; outcomes keep the order', async () => {
    const { target, now, sent } = scripted({ slow: [...Array(7).fill(401), 200], fast: [200], other: [403] });
    const outcomes = await converge(
      target,
      origin,
      [probe('slow'), probe('fast'), probe('other', 403)],
      { ...options, now },
      signal,
    );
    expect(sent[0]).toEqual(['slow', 'fast', 'other']);
    expect(sent.slice(1).every((each) => each.join() === 'slow')).toBe(true);
    expect(outcomes.map(({ held, response }) => [held, response.status])).toEqual([
      [true, 200],
      [true, 200],
      [true, 403],
    ]);
  });

  test('one that never holds does not spoil the others', async () => {
    const { target, now } = scripted({ good: [200], bad: [500] });
    const outcomes = await converge(
      target,
      origin,
      [probe('bad'), probe('good')],
      { ...options, now, deadlineMs: 200 },
      signal,
    );
    expect(outcomes.map(({ held }) => held)).toEqual([false, true]);
  });

  test('no requests, nothing sent', async () => {
    const { target, now, sent } = scripted({});
    expect(await converge(target, origin, [], { ...options, now }, signal)).toEqual([]);
    expect(sent).toEqual([]);
  });
});

test('an interruption ends it, and so does what the target throws', async () => {
  const controller = new AbortController();
  const { target, now } = scripted({ a: [401] }, 0);
  const going = converge(
    target,
    origin,
    [probe('a')],
    { ...options, now, intervalMs: 10 },
    controller.signal,
  );
  setTimeout(() => controller.abort('SIGINT'), 30);
  await expect(going).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  const send = vi.fn().mockRejectedValue(new Error('no pod'));
  await expect(converge({ send }, origin, [probe('a')], options, signal)).rejects.toThrow('no pod');
});

test('holds exactly when the last answers are right, as many in a row as asked for, within the time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 0, max: 500 }),
      async (rights, consecutive, deadlineMs) => {
        const { target, now, sent } = scripted({ a: [...rights.map((right) => (right ? 200 : 401)), 401] });
        const answers: number[] = [];
        const judge = ({ status }: HttpResponse) => {
          answers.push(status);
          return status === 200 ? undefined : 'wrong';
        };
        const [outcome] = await converge(
          target,
          origin,
          [{ ...probe('a'), judge }],
          { consecutive, deadlineMs, intervalMs: 0, since: 1000, now },
          signal,
        );
        const last = answers.slice(-consecutive);
        const streak = last.length === consecutive && last.every((status) => status === 200);
        expect(outcome?.held).toBe(streak);
        expect(outcome?.convergence.attempts).toBe(answers.length);
        expect(outcome?.convergence.stale).toBe(answers.filter((status) => status !== 200).length);
        expect(outcome?.difference === undefined).toBe(streak);
        // It stops as soon as it holds, or with the first go that ends after the deadline.
        if (!streak) expect(now() - 1000).toBeGreaterThanOrEqual(deadlineMs);
        const perGo = answers.length / sent.length;
        expect(answers.length - perGo).toBeLessThanOrEqual(Math.ceil(deadlineMs / 10) + perGo);
      },
    ),
    { numRuns: 60 },
  );
});
