import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import type { FetchLogEntry } from '../../../src/target/target.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { run, scenarioSource, sendStep } from '../support.ts';

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
