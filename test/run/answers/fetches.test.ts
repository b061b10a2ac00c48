import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { checkFetches, logEnds } from '../../../src/run/answers/fetches.ts';
import { whenCached } from '../../../src/run/keys/stale.ts';
import type { Snapshot } from '../../../src/run/proof/prove.ts';
import type { Held, StepState } from '../../../src/run/steps/step-state.ts';
import type { FetchLogEntry, KeyServerHandle } from '../../../src/target/target.ts';
import { FakeTarget, fakeProxy } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';
import { applyAuthentication, run, scenarioSource, sendStep, stateOf } from '../support.ts';

const external = (by: string) =>
  scenarioSource(
    'fetching',
    `${sendStep('s')}    fetched: { from: outside, by: ${by} }\n`,
    'keyServers: { outside: { serves: sample } }',
  );
const inCluster = scenarioSource(
  'fetching',
  `${sendStep('s')}    fetched: { from: inside, by: istiod }\n`,
  'keyServers: { inside: { serves: sample, where: in-cluster, pods: { namespace: foo, app: keys } } }',
);

const entry = (by: FetchLogEntry['by'], more: Partial<FetchLogEntry> = {}): FetchLogEntry => ({
  // The clock of the server is of no account.
  at: 0,
  path: '/get_jwks',
  status: 200,
  by,
  userAgent: '',
  ...more,
});

/** A mesh in which these fetches happen while requests are sent. */
function fetching(...entries: (() => FetchLogEntry)[]): FakeTarget {
  const target = new FakeTarget();
  target.before = (method) => {
    if (method === 'send') target.servers[0]?.log.push(...entries.map((make) => make()));
  };
  return target;
}
async function fetchedBy(source: string, target: FakeTarget) {
  const outcome = await run([source], { target });
  const check = outcome.checks.find(({ kind }) => kind === 'fetched');
  return { ...outcome, check };
}

describe('an external key server', () => {
  test.each([
    ['istiod', [() => entry('istiod')], 'passed', 'keys fetched by istiod (1 times)'],
    ['istiod', [() => entry('istiod'), () => entry('istiod')], 'passed', 'keys fetched by istiod (2 times)'],
    ['envoy', [() => entry('envoy')], 'passed', 'keys fetched by envoy (1 times)'],
    ['envoy', [() => entry('istiod')], 'failed', 'keys fetched by istiod (1 times)'],
    [
      'istiod',
      [() => entry('envoy'), () => entry('istiod')],
      'failed',
      'keys fetched by envoy and istiod (2 times)',
    ],
    ['istiod', [], 'failed', 'keys fetched by nobody'],
    ['nobody', [], 'passed', 'keys fetched by nobody'],
    ['nobody', [() => entry('envoy')], 'failed', 'keys fetched by envoy (1 times)'],
    // A check of this run that the keys are there is no fetch by the mesh, and neither is a probe of the kubelet.
    ['nobody', [() => entry('other', { userAgent: 'jwt-e2e/abc123-7' })], 'passed', 'keys fetched by nobody'],
    ['nobody', [() => entry('other', { userAgent: 'kube-probe/1.36' })], 'passed', 'keys fetched by nobody'],
    // Whoever else asks is somebody.
    ['nobody', [() => entry('other')], 'failed', 'keys fetched by somebody else (1 times)'],
    [
      'nobody',
      [() => entry('other', { userAgent: 'jwt-e2e/def456-7' })],
      'failed',
      'keys fetched by somebody else (1 times)',
    ],
    [
      'istiod',
      [() => entry('istiod'), () => entry('other', { userAgent: 'curl/8' })],
      'failed',
      'keys fetched by istiod and somebody else (2 times)',
    ],
    ['envoy', [() => entry('other')], 'failed', 'keys fetched by somebody else (1 times)'],
    // What is about something else does not count.
    ['nobody', [() => entry('istiod', { path: '/other' })], 'passed', 'keys fetched by nobody'],
  ] as const)('by %s (%#)', async (by, entries, state, actual) => {
    const { check, exitCode } = await fetchedBy(external(by), fetching(...entries));
    expect(check).toMatchObject({ state, actual, expected: `keys fetched by ${by}` });
    expect(exitCode).toBe(state === 'passed' ? 0 : 1);
  });

  test.each([-5000, 5000])(
    'what came before the step does not count, with a clock %i ms away',
    async (away) => {
      const source = scenarioSource(
        'fetching',
        `${sendStep('first')}${sendStep('second')}    fetched: { from: outside, by: istiod }\n`,
        'keyServers: { outside: { serves: sample } }',
      );
      const target = new FakeTarget();
      let by: FetchLogEntry['by'] = 'envoy';
      target.before = (method) => {
        if (method === 'send') target.servers[0]?.log.push(entry(by, { at: Date.now() + away }));
      };
      const { checks } = await run([source], {
        target,
        emit: (event) => {
          if (event.type === 'step-started' && event.step === 'second') by = 'istiod';
        },
      });
      expect(checks.at(-1)).toMatchObject({ kind: 'fetched', state: 'passed' });
      expect(target.servers[0]?.log.some((each) => each.by === 'envoy')).toBe(true);
    },
  );

  test('the message names who is not known, with its address', async () => {
    const target = fetching(
      () => entry('istiod'),
      () => entry('other', { userAgent: 'curl/8', remote: '192.0.2.1' }),
      () => entry('other', { userAgent: 'curl/8', remote: '192.0.2.1' }),
      () => entry('other'),
    );
    const { check } = await fetchedBy(external('istiod'), target);
    expect(check?.message).toContain(
      'neither istiod nor Envoy has asked with user agent curl/8, from 192.0.2.1, nor with no user agent, from an unknown address',
    );
  });

  test('a server of ours that does not work says nothing about the mesh', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      const [server] = target.servers;
      if (method === 'send' && server !== undefined) server.broken = 'it is cut off';
    };
    const { check, exitCode } = await fetchedBy(external('istiod'), target);
    expect(check).toMatchObject({ state: 'error', code: 'E_KEY_SERVER', message: 'it is cut off' });
    expect(exitCode).toBe(4);
  });

  test('one that no step uses was there to be asked', async () => {
    const source = scenarioSource(
      'fetching',
      `${sendStep('s')}    fetched: { from: outside, by: nobody }\n`,
      'keyServers: { outside: { serves: sample } }',
    );
    const { check } = await fetchedBy(
      source,
      fetching(() => entry('envoy')),
    );
    expect(check).toMatchObject({ state: 'failed', actual: 'keys fetched by envoy (1 times)' });
  });

  test('a log that cannot be read is no verdict about who fetched, and leaves the answers their own', async () => {
    const target = fetching();
    target.before = (_method, _signal, detail) => {
      if (detail === 'log') throw new HarnessError('E_KEY_SERVER', 'it is gone');
    };
    target.answer = ({ headers }) => (headers.length > 0 ? 401 : 200);
    const { checks, exitCode } = await fetchedBy(external('istiod'), target);
    expect(checks.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      'request passed',
      'request failed',
      'fetched error',
    ]);
    expect(checks.at(-1)).toMatchObject({ code: 'E_KEY_SERVER', message: 'it is gone' });
    expect(exitCode).toBe(1);
  });

  test('who is not said for this mode is skipped, once', async () => {
    const { checks } = await fetchedBy(external('{ envoy: envoy }'), fetching());
    expect(checks.filter(({ kind }) => kind === 'fetched')).toMatchObject([{ state: 'skipped' }]);
  });
});

describe('a key server in the cluster', () => {
  test.each([
    ['passed', [entry('istiod')]],
    ['failed', []],
    ['failed', [entry('istiod'), entry('envoy')]],
    ['failed', [entry('istiod', { path: '/other' })]],
  ])('%s by what its pods have logged since the change (%#)', async (state, entries) => {
    const target = new FakeTarget();
    target.podLog.push(entry('envoy'));
    target.before = (method) => {
      if (method === 'send' && target.podLog.length === 1) target.podLog.push(...entries);
    };
    const { check } = await fetchedBy(inCluster, target);
    expect(check).toMatchObject({ state });
    expect(target.calls.filter((call) => call.startsWith('podLogEnd'))).toEqual(['podLogEnd keys.foo']);
  });

  test.each(['podLogEnd', 'podFetches'] as const)('there is no verdict when %s fails', async (failing) => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === failing) throw new HarnessError('E_UNPROVEN', 'its log is gone');
    };
    const { checks } = await fetchedBy(inCluster, target);
    expect(checks.map(({ kind, state, message }) => [kind, state, message])).toEqual([
      ['request', 'passed', undefined],
      ['request', 'passed', undefined],
      ['fetched', 'error', 'its log is gone'],
    ]);
  });

  test('nor when istiod may have its keys from before, and cannot be restarted', async () => {
    const target = new FakeTarget();
    target.missing.set('fetch-mode', 'others use it');
    const policy = `    apply:
      - apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: jwt, namespace: foo }
        spec: { jwtRules: [{ issuer: me, jwksUri: http://keys.foo/get_jwks }] }
    from: sleep.foo`;
    const source = inCluster.replace('    from: sleep.foo', policy);
    target.before = (method) => {
      if (method === 'send' && target.podLog.length === 0) target.podLog.push(entry('istiod'));
    };
    const { checks, exitCode } = await run([source], { target, repeat: 2 });
    expect(checks.filter(({ kind }) => kind === 'fetched')).toMatchObject([
      { state: 'passed' },
      {
        state: 'error',
        code: 'E_UNPROVEN',
        message: expect.stringContaining('istiod may have the keys of http://keys.foo/get_jwks in its cache'),
      },
    ]);
    expect(exitCode).toBe(4);
  });
});

describe('a check by itself', () => {
  const holds: Held = { kind: 'holds', proof: 'it was seen' };
  const alone = (by: string) =>
    `  - name: s\n${applyAuthentication}    fetched: { from: outside, by: ${by} }\n`;
  const asking = (by: string, cells = '[200, 200]') =>
    `${sendStep('s', cells)}    fetched: { from: outside, by: ${by} }\n`;
  const callsOf = ({ calls }: FakeTarget, name: string) =>
    calls.filter((call) => call.split(' ')[0] === name);
  const since = Date.now();

  /** What comes of the fetches of a step after these entries, with what was found about its proof. */
  async function checked(
    step: string,
    entries: readonly FetchLogEntry[],
    more: Parameters<typeof stateOf>[2] & {
      readonly change?: (state: StepState) => void;
      readonly from?: number;
    } = {},
  ) {
    const { change, from = since, ...rest } = more;
    const source = scenarioSource('fetching', step, 'keyServers: { outside: { serves: sample } }');
    const made = await stateOf(source, new FakeTarget(), { held: holds, ...rest });
    const { target, state } = made;
    state.survey ??= await target.survey(unaborted());
    const of = made.stepOf('s');
    const ends = await logEnds(of, state, unaborted());
    target.servers[0]?.log.push(...entries);
    change?.(state);
    target.calls.length = 0;
    const [check] = await checkFetches(of, state, state.held ?? holds, ends, from, unaborted());
    return { ...made, check };
  }

  test('looks again whether the proof still holds, unless that was done after the answers to requests', async () => {
    const skipped = '[[{ when: { istio: "<1.0" }, code: 200 }], [{ when: { istio: "<1.0" }, code: 200 }]]';
    const mixed = '[[{ when: { istio: "<1.0" }, code: 200 }], 200]';
    const looks = async (step: string) =>
      callsOf((await checked(step, [entry('istiod')])).target, 'survey').length;
    expect(await looks(alone('istiod'))).toBe(1);
    expect(await looks(asking('istiod', skipped))).toBe(1);
    expect(await looks(asking('istiod', mixed))).toBe(0);
    expect(await looks(asking('istiod'))).toBe(0);
    expect(await looks(alone('{ envoy: envoy }'))).toBe(0);
  });

  test('looks closely when it is not as expected', async () => {
    const closely = async (by: string) =>
      callsOf((await checked(alone(by), [entry('istiod')])).target, 'altered').length;
    expect(await closely('istiod')).toBe(0);
    expect(await closely('envoy')).toBe(1);
  });

  const actual = 'keys fetched by istiod (1 times)';

  test.each<[Held, string]>([
    [
      { kind: 'unproven', message: 'it has not come', hint: 'Wait.' },
      'what the access log shows may come from an older policy: it has not come',
    ],
    [
      { kind: 'undone', message: 'it has gone', hint: 'Wait.' },
      'what the access log shows proves nothing: it has gone',
    ],
  ])('is no verdict without proof, whatever the log says (%#)', async (held, message) => {
    for (const by of ['istiod', 'nobody']) {
      const { check } = await checked(asking(by), [entry('istiod')], { held });
      expect(check).toMatchObject({ state: 'error', code: 'E_UNPROVEN', actual, message, hint: 'Wait.' });
    }
  });

  test('is a verdict where a proxy has rejected something: who fetches is for istiod to say', async () => {
    const held: Held = { kind: 'rejected', message: 'invalid jwks' };
    expect((await checked(asking('istiod'), [entry('istiod')], { held })).check?.state).toBe('passed');
    expect((await checked(asking('nobody'), [entry('istiod')], { held })).check?.state).toBe('failed');
  });

  test('that has failed says who has fetched instead, what istiod says of it, and has the log', async () => {
    const declared = [
      { kind: 'RequestAuthentication', spec: { jwtRules: [{ issuer: 'me', jwksUri: 'http://keys/jwks' }] } },
    ];
    const gateway = { ...fakeProxy, pod: 'gateway-1' };
    const snapshot = new Map([
      ['foo/gateway-1', { proxy: gateway, role: 'passes', declared }],
      ['foo/httpbin-1', { proxy: fakeProxy, role: 'decides', declared: [] }],
    ]) as unknown as Snapshot;
    const queries: unknown[] = [];
    const at = Date.UTC(2026, 10, 25);
    const remote = '192.0.2.1';
    const entries = [
      entry('istiod', { at, status: 503 }),
      entry('envoy', { at, userAgent: 'Go-browser', remote }),
    ];
    const { check } = await checked(asking('istiod'), entries, {
      snapshot,
      // Then nobody looks at these proxies, of which the mesh knows nothing.
      held: { kind: 'rejected', message: 'invalid jwks' },
      change: ({ target }) => {
        target.evidence = async (query) => {
          queries.push(query);
          const content = 'error Failed to fetch public key from "http://keys/jwks": connection refused';
          return [{ name: 'istiod-jwks.txt', content }];
        };
      },
    });
    expect(check).toMatchObject({
      state: 'failed',
      actual: 'keys fetched by envoy and istiod (2 times)',
      message:
        'the access log of the key server says otherwise; istiod cannot fetch the keys of http://keys/jwks: connection refused',
      evidence: expect.stringMatching(/^fetching-s-/),
    });
    expect(check?.evidenceFiles).toMatchObject([
      {
        name: 'key-server-log.txt',
        text: [
          '2026-11-25T00:00:00.000Z 503 /get_jwks by istiod, no user agent, from an unknown address',
          '2026-11-25T00:00:00.000Z 200 /get_jwks by envoy, user agent Go-browser, from 192.0.2.1',
        ].join('\n'),
      },
      { name: 'istiod-jwks.txt' },
    ]);
    expect(queries).toEqual([{ proxies: [fakeProxy], requestId: '', since }]);
  });

  test('that has failed says who is neither, apart from what else there is to say', async () => {
    const { check } = await checked(asking('nobody'), [entry('other', { userAgent: 'curl/8' })]);
    expect(check?.message).toBe(
      'the access log of the key server says otherwise; neither istiod nor Envoy has asked with user agent curl/8, from an unknown address',
    );
  });

  test('that has failed says in its log that nobody has asked', async () => {
    const { check } = await checked(asking('istiod'), []);
    expect(check?.message).toBe('the access log of the key server says otherwise');
    expect(check?.evidenceFiles?.[0]?.text).toBe('nobody has asked for keys in this time');
  });

  test('has taken the time since the change, as far as the clock goes forward', async () => {
    const took = async (from: number) =>
      (await checked(asking('istiod'), [entry('istiod')], { from })).check?.durationMs;
    const long = await took(Date.now() - 5000);
    expect(long).toBeGreaterThanOrEqual(5000);
    expect(long).toBeLessThan(65_000);
    expect(await took(Date.now() + 60_000)).toBe(0);
  });

  test('says what to do where istiod has keys in its cache', async () => {
    const { check } = await checked(asking('istiod'), [entry('istiod')], {
      cachedKeys: ['http://keys/jwks'],
    });
    expect(check).toMatchObject({ state: 'error', code: 'E_UNPROVEN', hint: whenCached });
  });

  test('of a server of which nobody knows where it runs has no verdict', async () => {
    const made = await stateOf(inCluster);
    const { place } = made.state.scenario.info;
    const hint = 'Add pods: { namespace: …, app: … }.';
    const message = 'key server "inside" does not say which pods it runs in';
    const { inside } = made.state.scenario.keyServers;
    for (const keyServers of [{ inside: { ...inside!, pods: undefined } }, {}]) {
      const state = { ...made.state, scenario: { ...made.state.scenario, keyServers } } as StepState;
      const ends = await logEnds(made.stepOf('s'), state, unaborted());
      expect(ends.get('inside')).toMatchObject({ code: 'E_SCENARIO', message, hint, place });
      const [check] = await checkFetches(made.stepOf('s'), state, holds, ends, since, unaborted());
      expect(check).toMatchObject({ state: 'error', code: 'E_SCENARIO', message, hint });
    }
  });

  test.each(['logEnd', 'log'] as const)('is not there when the run is interrupted at %s', async (method) => {
    const source = scenarioSource(
      'fetching',
      asking('istiod'),
      'keyServers: { outside: { serves: sample } }',
    );
    const made = await stateOf(source);
    const controller = new AbortController();
    const server = made.state.context.keyServers.get('outside') as KeyServerHandle;
    server[method] = async () => {
      controller.abort('SIGINT');
      throw new HarnessError('E_KEY_SERVER', 'it was cut off');
    };
    const step = made.stepOf('s');
    const all = async () => {
      const ends = await logEnds(step, made.state, controller.signal);
      return checkFetches(step, made.state, holds, ends, since, controller.signal);
    };
    await expect(all()).rejects.toMatchObject({ message: 'it was cut off' });
  });
});
