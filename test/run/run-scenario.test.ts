/** One scenario by itself: a result for each check whatever happens, and everything put back. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { Unstamped } from '../../src/base/events.ts';
import { Pending } from '../../src/run/proof/pending.ts';
import { type Prepared, runScenario, stopKeyServers } from '../../src/run/run-scenario.ts';
import type { RunOptions } from '../../src/run/steps/step-state.ts';
import type { KeyServerHandle } from '../../src/target/target.ts';
import { FakeTarget, fakePod } from '../support/fake-target.ts';
import { unaborted } from '../support/signals.ts';
import { applyAuthorization, scenarioSource, sendStep, stateOf } from './support.ts';

afterEach(() => {
  vi.useRealTimers();
});

interface Given {
  readonly target?: FakeTarget;
  readonly options?: Partial<RunOptions>;
  readonly prepared?: Partial<Prepared>;
  readonly pending?: Pending;
  readonly signal?: AbortSignal;
  readonly more?: string;
}

async function ran(steps: string, given: Given = {}) {
  const { target = new FakeTarget(), pending = new Pending(), signal = unaborted() } = given;
  const { state } = await stateOf(scenarioSource('one', steps, given.more), target, {
    options: given.options ?? {},
  });
  const { scenario, context, options } = state;
  const prepared = {
    issuers: Promise.resolve(context.issuers),
    keyServers: Promise.resolve(context.keyServers),
    ...given.prepared,
  };
  target.calls.length = 0;
  const events: Unstamped[] = [];
  const started = performance.now();
  await runScenario(scenario, prepared, target, options, pending, (event) => events.push(event), signal);
  const took = performance.now() - started;
  const checks = events.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
  const finished = events.at(-1) as Extract<Unstamped, { type: 'scenario-finished' }>;
  return { target, pending, events, checks, finished, took, scenario };
}
const callsOf = ({ calls }: FakeTarget, ...names: string[]) =>
  calls.filter((call) => names.includes(call.split(' ')[0] ?? ''));
const failing = (method: string, error: Error = new HarnessError('E_KUBE', `no ${method}`)) => {
  const target = new FakeTarget();
  target.before = (called, _signal, detail) => {
    if (`${called} ${detail}`.startsWith(method)) throw error;
  };
  return target;
};
const remove =
  '    delete: [{ apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, name: typo, namespace: foo }]\n';
const broken = `${sendStep('first')}${sendStep('second', '[200, 200]', remove)}${sendStep('third')}`;
const served = (by: string) => `${sendStep('s')}    fetched: { from: outside, by: ${by} }\n`;
const server = 'keyServers: { outside: { serves: sample } }';

test('tells its start, its checks with their mesh, and its end with the time it took', async () => {
  const { events, checks, finished, took, scenario, target } = await ran(sendStep('s'));
  const { mesh } = scenario.info;
  expect(events[0]).toEqual({ type: 'scenario-started', scenario: scenario.info });
  expect(checks.map(({ state }) => state)).toEqual(['passed', 'passed']);
  for (const event of events) if (event.type === 'check-finished') expect(event.mesh).toBe(mesh);
  expect(finished).toEqual({
    type: 'scenario-finished',
    scenario: 'one',
    mesh,
    durationMs: expect.any(Number),
    problem: undefined,
  });
  expect(finished.durationMs).toBeLessThanOrEqual(took + 1);
  expect(callsOf(target, 'prepare', 'undo')).toEqual(['prepare httpbin,sleep', 'undo one']);
});

describe('what keeps it from a verdict', () => {
  test('in a step is an error of that step, and those after it are skipped', async () => {
    const { checks, finished } = await ran(broken);
    expect(checks.map(({ step, state, code }) => [step, state, code])).toEqual([
      ...Array(2).fill(['first', 'passed', undefined]),
      ...Array(2).fill(['second', 'error', 'E_KUBE']),
      ...Array(2).fill(['third', 'skipped', undefined]),
    ]);
    expect(checks.at(-1)?.message).toBe('step "second" could not be carried out');
    expect(finished.problem).toMatchObject({ code: 'E_KUBE', place: { file: 'file-0.yaml' } });
  });

  test('before its first step is an error of all its checks', async () => {
    const { checks, finished, target } = await ran(broken, { target: failing('prepare') });
    expect(checks.map(({ state, message }) => [state, message])).toEqual(
      Array(6).fill(['error', 'no prepare']),
    );
    expect(finished.problem).toEqual({ code: 'E_KUBE', message: 'no prepare' });
    expect(callsOf(target, 'undo')).toEqual(['undo one']);
  });

  test('is that somebody has interrupted it: what has not run has no result', async () => {
    const interrupted = async (method: string) => {
      const controller = new AbortController();
      const target = new FakeTarget();
      target.before = (called) => {
        if (called === method) controller.abort('SIGINT');
      };
      const pause = vi.fn(async () => {});
      const { checks, finished } = await ran(broken, {
        target,
        signal: controller.signal,
        options: { pause },
      });
      expect(pause).not.toHaveBeenCalled();
      expect(finished.problem?.code).toBe('E_INTERRUPTED');
      expect(callsOf(target, 'undo')).toEqual(['undo one']);
      expect(target.calls.slice(target.calls.indexOf('undo one'))).toEqual(['undo one']);
      return checks.map(({ step, state }) => [step, state]);
    };
    expect(await interrupted('prepare')).toEqual([]);
    expect(await interrupted('send')).toEqual(Array(2).fill(['first', 'error']));
  });

  test('is that keys may be those of an earlier scenario', async () => {
    const withKeys = await ran(served('nobody'), {
      more: server,
      prepared: { cachedKeys: ['http://keys/jwks'] },
    });
    expect(withKeys.checks.at(-1)).toMatchObject({ state: 'error', code: 'E_UNPROVEN' });
    const without = await ran(served('nobody'), { more: server });
    expect(without.checks.at(-1)).toMatchObject({ state: 'passed' });
  });
});

test('tokens that somebody else makes are asked for where the user allows it', async () => {
  const target = new FakeTarget();
  const steps = sendStep('s', '[200]').replace('[no token, valid]', '[valid]');
  const { state } = await stateOf(
    scenarioSource('one', steps).replace('issuer: sample, claims: { sub: me }', 'raw: "${env.TOKEN}"'),
    target,
    { options: { tokenSources: { commands: false, env: [], variables: { TOKEN: 'opaque-token-of-mine' } } } },
  );
  const { scenario, context, options } = state;
  const prepared = {
    issuers: Promise.resolve(context.issuers),
    keyServers: Promise.resolve(context.keyServers),
  };
  await runScenario(scenario, prepared, target, options, new Pending(), () => {}, unaborted());
  expect(target.seen[0]?.headers).toEqual([['Authorization', 'Bearer opaque-token-of-mine']]);
});

describe('a pause', () => {
  const paused = async (steps: string, target: FakeTarget) => {
    const before: string[] = [];
    const pause = async () => void before.push(...target.calls);
    const { events, scenario } = await ran(steps, { target, options: { pause } });
    const of = { mesh: scenario.info.mesh, scenario: 'one' };
    const told = events.filter(({ type }) => type === 'paused' || type === 'resumed');
    return { before, told, of };
  };
  const answering = (answer: FakeTarget['answer']) => Object.assign(new FakeTarget(), { answer });

  test.each([
    ['a wrong answer', answering(() => 500)],
    ['no answer', answering(() => ({ status: 0 }))],
    ['one wrong answer among right ones', answering(({ headers }) => (headers.length > 0 ? 500 : 200))],
  ])(
    'comes after %s, before anything is undone, with what looks at the proxies that decide',
    async (_, target) => {
      target.pods = [...target.pods, { ...fakePod, name: 'sleep-1', labels: { app: 'sleep' } }];
      const { before, told, of } = await paused(sendStep('s', '[200, 200]', applyAuthorization), target);
      expect(before).not.toContain('undo one');
      expect(told).toEqual([
        { type: 'paused', ...of, look: ['look at foo/httpbin-1'], requests: expect.anything() },
        { type: 'resumed', ...of },
      ]);
    },
  );

  test('comes after what kept it from running, also on a target that has nothing to look at', async () => {
    const { told } = await paused(sendStep('s'), failing('prepare'));
    expect(told[0]).toMatchObject({ look: [] });
    const target = Object.assign(failing('prepare'), { look: undefined });
    expect((await paused(sendStep('s'), target as unknown as FakeTarget)).told[0]).toMatchObject({
      look: [],
    });
  });

  test('does not come when all is well, or for checks that were skipped', async () => {
    const cells = '[[{ when: { istio: "<1.0" }, code: 200 }], 200]';
    expect((await paused(sendStep('s', cells), new FakeTarget())).told).toEqual([]);
  });

  test('comes after a step that could not be carried out, though it has no check', async () => {
    const { told } = await paused(
      `  - name: prepares\n${applyAuthorization}${sendStep('s')}`,
      failing('apply'),
    );
    expect(told.map(({ type }) => type)).toEqual(['paused', 'resumed']);
  });

  test('does not come where nobody waits for it', async () => {
    const { events } = await ran(sendStep('s'), { target: answering(() => 500) });
    expect(events.map(({ type }) => type)).not.toContain('paused');
  });

  test('that goes wrong does not keep it from being undone', async () => {
    const pause = () => Promise.reject(new Error('the terminal is gone'));
    const { target, events } = await ran(sendStep('s'), { target: answering(() => 500), options: { pause } });
    expect(callsOf(target, 'undo')).toEqual(['undo one']);
    expect(events.map(({ type }) => type)).not.toContain('resumed');
  });
});

describe('what is put back', () => {
  const entry = (what: string) =>
    `    ${what}: [{ apiVersion: networking.istio.io/v1, kind: ServiceEntry, ${
      what === 'apply'
        ? 'metadata: { name: keys, namespace: foo }, spec: { hosts: [keys.test] }'
        : 'name: keys, namespace: foo'
    } }]\n`;

  test('must arrive before the next scenario is judged: a marker is on its way already, where one is not enough', async () => {
    const policy = await ran(sendStep('s', '[200, 200]', applyAuthorization));
    expect(policy.pending.markers).toBe(1);
    expect(policy.target.calls.at(-1)).toBe('undo one');
    const applied = await ran(sendStep('s', '[200, 200]', entry('apply')));
    expect(applied.pending.markers).toBe(2);
    expect(applied.target.calls.slice(-2)).toEqual(['undo one', 'mark']);
    const target = new FakeTarget();
    target.objects.set('ServiceEntry foo/keys', {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'keys', namespace: 'foo' },
    });
    expect((await ran(sendStep('s', '[200, 200]', entry('delete')), { target })).pending.markers).toBe(2);
  });

  test('is not waited for: the next scenario sees what is wrong with the marker', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'mark' && target.calls.includes('undo one')) throw new HarnessError('E_KUBE', 'no mark');
    };
    const { finished } = await ran(sendStep('s', '[200, 200]', entry('apply')), { target });
    expect(finished.problem).toBeUndefined();
  });

  test('also when the routes of the applications are others than before', async () => {
    const pending = new Pending();
    pending.uses(['bookinfo']);
    pending.clear();
    const target = failing('survey');
    await ran(sendStep('s'), { target, pending });
    expect(pending.markers).toBe(2);
  });

  test('and is not: a problem of the scenario, and no marker', async () => {
    const { finished, target, events } = await ran(sendStep('s', '[200, 200]', entry('apply')), {
      target: failing('undo'),
    });
    expect(finished.problem).toEqual({ code: 'E_KUBE', message: 'no undo' });
    expect(target.calls.at(-1)).toBe('undo one');
    expect(events.map(({ type }) => type)).not.toContain('warning');
  });

  test('and is not after something else went wrong: a warning', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'prepare' || method === 'undo') throw new HarnessError('E_KUBE', `no ${method}`);
    };
    const { finished, events } = await ran(sendStep('s'), { target });
    expect(finished.problem).toMatchObject({ message: 'no prepare' });
    expect(events).toContainEqual({ type: 'warning', message: 'scenario one could not be undone: no undo' });
  });

  test('has a time limit of its own, which ends with it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const target = new FakeTarget();
    const { undo } = target;
    await ran(sendStep('s'), { target });
    expect(vi.getTimerCount()).toBe(0);
    target.undo = (scope, signal) => {
      void undo.call(target, scope, signal);
      queueMicrotask(() => vi.runAllTimers());
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const { finished } = await ran(sendStep('s'), { target });
    expect(finished.problem).toMatchObject({
      code: 'E_TIMEOUT',
      message: expect.stringMatching(/^undoing the scenario /),
    });
  });
});

test('key servers are stopped, whatever comes of it', async () => {
  const { target } = await ran(served('nobody'), { more: server, target: failing('undo') });
  await expect.poll(() => target.servers.map(({ stops }) => stops)).toEqual([1]);
  const stop = vi.fn(() => Promise.reject(new Error('it is gone')));
  const handle = { stop } as unknown as KeyServerHandle;
  const issuers = Promise.resolve(new Map());
  const keyServers = Promise.resolve(
    new Map([
      ['a', handle],
      ['b', handle],
    ]),
  );
  await expect(stopKeyServers({ issuers, keyServers })).resolves.toBeUndefined();
  expect(stop).toHaveBeenCalledTimes(2);
  const none = Promise.reject(new Error('it did not start'));
  await expect(stopKeyServers({ issuers, keyServers: none })).resolves.toBeUndefined();
});
