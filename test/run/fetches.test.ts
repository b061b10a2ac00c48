import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/errors.ts';
import type { FetchLogEntry } from '../../src/target/target.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { run, scenarioSource, sendStep } from './support.ts';

const use = (text: string) => text.replace('http://httpbin.foo:8000', 'http://${keyServers.outside.host}');
const external = (by: string) =>
  scenarioSource(
    'fetching',
    `${use(sendStep('s'))}    fetched: { from: outside, by: ${by} }\n`,
    'keyServers: { outside: { serves: sample } }',
  );
const inCluster = scenarioSource(
  'fetching',
  `${sendStep('s')}    fetched: { from: inside, by: istiod }\n`,
  'keyServers: { inside: { serves: sample, where: in-cluster, pods: { namespace: foo, app: keys } } }',
);

const entry = (by: FetchLogEntry['by'], more: Partial<FetchLogEntry> = {}): FetchLogEntry => ({
  at: Date.now(),
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
    // A check with curl that the keys are there is no fetch by the mesh.
    ['nobody', [() => entry('other')], 'passed', 'keys fetched by nobody'],
    // Neither is what came before the step, or is about something else.
    ['nobody', [() => entry('istiod', { at: Date.now() - 60_000 })], 'passed', 'keys fetched by nobody'],
    ['nobody', [() => entry('istiod', { path: '/other' })], 'passed', 'keys fetched by nobody'],
  ] as const)('by %s (%#)', async (by, entries, state, actual) => {
    const { check, exitCode } = await fetchedBy(external(by), fetching(...entries));
    expect(check).toMatchObject({ state, actual, expected: `keys fetched by ${by}` });
    expect(exitCode).toBe(state === 'passed' ? 0 : 1);
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
  test('its log may be late', async () => {
    const target = new FakeTarget();
    let asked = 0;
    const log: FetchLogEntry[] = [];
    target.podFetches = async () => {
      asked += 1;
      if (asked === 3) log.push(entry('istiod'));
      return log;
    };
    const { check } = await fetchedBy(inCluster, target);
    expect(check).toMatchObject({ state: 'passed' });
    expect(asked).toBe(3);
  });
});
