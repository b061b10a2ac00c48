/** The groups of a plan on one mesh: in which order and mode they run, and what is begun early and ended. */
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { Event, FetchMode } from '../../src/base/events.ts';
import { skippedForFailFast } from '../../src/base/skipped.ts';
import { type GroupRequest, runGroups, tellPlan, withOwnKey } from '../../src/run/groups.ts';
import { intentOf } from '../../src/run/intent.ts';
import { KeyRing } from '../../src/run/keys/key-ring.ts';
import { Mesh } from '../../src/run/run-mesh.ts';
import { Tally } from '../../src/run/tally.ts';
import type { Intent } from '../../src/target/target.ts';
import type { IssuerKey } from '../../src/token/issuer-keys.ts';
import { readOwnKey } from '../../src/token/own-key.ts';
import { facts as planFacts, planOf, scenario, step } from '../plan/support.ts';
import { scenarioOf } from '../scenario/support.ts';
import { FakeTarget } from '../support/fake-target.ts';
import { unaborted } from '../support/signals.ts';
import { fileOf, rsaJwk } from '../token/own-key-file.ts';
import { applyAuthentication, outline, scenarioSource, sendStep, stateOf } from './support.ts';

const plain = (name: string, cells = '[200, 200]', more = '') =>
  scenarioSource(name, sendStep('s', cells), more);
const inMode = (name: string, mode: FetchMode) => plain(name, undefined, `mesh: { fetch: [${mode}] }`);
const fetching = (name: string, uri = 'http://keys/jwks') =>
  scenarioSource(
    name,
    sendStep(
      's',
      '[200, 200]',
      applyAuthentication.replace('jwks: "${issuers.sample.jwks}"', `jwksUri: "${uri}"`),
    ),
  );
const unmet = 'when: { istio: "<1.0" }';
const served = (name: string, more = '') =>
  plain(name, '[200, 200]', `keyServers: { outside: { serves: sample } }\n${more}`).replace(
    'http://httpbin.foo:8000',
    'http://${keyServers.outside.host}',
  );

interface Given extends Partial<Pick<GroupRequest, 'failFast' | 'stop' | 'keys'>> {
  readonly target?: FakeTarget;
  readonly mesh?: Mesh;
  /** In which mode the mesh came up. */
  readonly fetch?: FetchMode;
  /** Of the user. */
  readonly own?: { readonly url: string; readonly key: IssuerKey };
}

async function ran(sources: readonly string[], given: Given = {}) {
  const { target = new FakeTarget(), fetch = 'istiod', own } = given;
  const facts = { fetch, ownKeyServer: own?.url };
  const { mesh = new Mesh(target, undefined) } = given;
  const { groups } = planOf(
    sources.map((source) => scenarioOf(source)),
    {},
    facts,
  );
  const { state } = await stateOf(plain('any'), target);
  target.calls.length = 0;
  const events: Event[] = [];
  const signal = unaborted();
  const request = {
    mesh,
    options: { ...state.options, ownKey: own?.key },
    keys: new KeyRing('abc123'),
    failFast: false,
    signal,
    stop: signal,
  };
  const tally = new Tally((event) => events.push(event));
  const all: GroupRequest = { ...request, ...given, mesh };
  const ownFacts = { ...planFacts, ...facts };
  const thrown = await Promise.resolve()
    .then(() => tellPlan(groups, ownFacts, tally))
    .then(() => runGroups(groups, ownFacts, all, tally))
    .catch((error: unknown) => error);
  const checks = events.flatMap((event) => (event.type === 'check-finished' ? [event.check] : []));
  return { target, mesh, events, checks, groups, thrown };
}
const callsOf = ({ calls }: FakeTarget, ...names: string[]) =>
  calls.filter((call) => names.includes(call.split(' ')[0] ?? ''));
const started = (events: readonly Event[]) =>
  outline(events).flatMap((line) => /^scenario-started (.*)/.exec(line)?.[1] ?? []);

describe("a key server of the user's own", () => {
  const ownKeys = () => ({
    url: 'http://keys.example.com/get_jwks',
    key: readOwnKey(fileOf(rsaJwk()), '--external-jwks-key'),
  });
  const fetchingFrom = (path: string) =>
    fetching('one', `http://\${keyServers.keys.host}${path}`)
      .replace('steps:', `keyServers: { keys: { serves: sample, path: ${path} } }\nsteps:`)
      .replace('ES256', 'RS256');
  const warnings = (events: readonly Event[]) =>
    events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

  test('is asked for from the target, and serves the key that tokens are signed with', async () => {
    const own = ownKeys();
    const { target, events } = await ran([fetchingFrom('/get_jwks')], { own });
    expect(target.servers.map(({ start }) => [start.isOwn, start.jwks])).toEqual([
      [true, { keys: [own.key.publicJwk] }],
    ]);
    expect(warnings(events)).toEqual([]);
  });

  test('that no scenario asks for is told', async () => {
    const { target, events } = await ran([fetchingFrom('/other')], { own: ownKeys() });
    expect(target.servers.map(({ start }) => start.isOwn)).toEqual([undefined]);
    expect(warnings(events)).toEqual([
      expect.stringMatching(/^no scenario takes its keys from http:..keys.example.com/),
    ]);
  });
});

describe('before anything runs', () => {
  test('the plan is told, with the number of checks of each scenario', async () => {
    const { events, groups } = await ran([
      plain('one'),
      scenarioSource('two', sendStep('s') + sendStep('t')),
      plain('old', undefined, unmet),
    ]);
    const infos = groups.flatMap(({ scenarios }) => scenarios.map(({ info }) => info));
    expect(events[0]).toEqual({
      type: 'planned',
      at: expect.any(Number),
      mesh: planFacts.id,
      scenarios: [
        { info: infos[0], checks: 2 },
        { info: infos[1], checks: 4 },
        { info: infos[2], checks: 2 },
      ],
    });
  });

  test('the target learns once what will be done', async () => {
    const target = new FakeTarget();
    const mesh = new Mesh(target, undefined);
    const intents: Intent[] = [];
    target.begin = async (intent) => void intents.push(intent);
    const { groups } = await ran([fetching('one')], { target, mesh });
    expect(intentOf(groups).apply).toHaveLength(1);
    await ran([plain('two')], { target, mesh });
    expect(intents).toEqual([intentOf(groups)]);
    expect(mesh.begun).toBe(true);
  });

  test('a target need not want to know it', async () => {
    const target = new FakeTarget();
    Object.assign(target, { begin: undefined });
    const { checks } = await ran([plain('one')], { target });
    expect(checks.map(({ state }) => state)).toEqual(['passed', 'passed']);
  });

  test('nothing is begun for nothing', async () => {
    const { thrown, events, target } = await ran([]);
    expect(thrown).toMatchObject({ code: 'E_USAGE' });
    expect(events).toEqual([]);
    expect(target.calls).toEqual([]);
  });

  test('key servers are started for all that will run, and for nothing else', async () => {
    const { target } = await ran([served('one'), served('old', unmet), served('two')]);
    expect(callsOf(target, 'startKeyServer')).toEqual([
      'startKeyServer outside-one',
      'startKeyServer outside-two',
    ]);
    // No scenario waits for the key server of another one.
    const [first] = callsOf(target, 'startKeyServer', 'undo');
    expect(first).toBe('startKeyServer outside-one');
  });
});

describe('the mesh is put into the mode of a group', () => {
  const all = [inMode('e', 'envoy'), plain('any'), inMode('h', 'hybrid'), inMode('i', 'istiod')];

  test('once for each, and first the one that it is in', async () => {
    const { target, events } = await ran(all);
    expect(callsOf(target, 'setIstiod')).toEqual(
      ['istiod', 'envoy', 'hybrid'].map((mode) => `setIstiod ${mode}`),
    );
    expect(started(events)).toEqual(['any', 'i', 'e', 'h']);
  });

  test('which a round before may have left it in', async () => {
    const target = new FakeTarget();
    target.mode = 'hybrid';
    const { events } = await ran(all, { target });
    expect(callsOf(target, 'setIstiod')).toEqual(
      ['hybrid', 'istiod', 'envoy'].map((mode) => `setIstiod ${mode}`),
    );
    expect(started(events)).toEqual(['h', 'any', 'i', 'e']);
  });

  test('which is the one that it came up in where any would do', async () => {
    const target = new FakeTarget();
    target.mode = 'hybrid';
    await ran([plain('any')], { target, fetch: 'envoy' });
    expect(callsOf(target, 'setIstiod')).toEqual(['setIstiod envoy']);
    const same = new FakeTarget();
    same.mode = 'envoy';
    await ran([plain('any')], { target: same, fetch: 'envoy' });
    expect(callsOf(same, 'setIstiod')).toEqual([]);
  });

  test('anew where istiod may have keys of a round before, whichever scenario needs them', async () => {
    const { target } = await ran([plain('any'), fetching('keys')]);
    expect(callsOf(target, 'setIstiod', 'prepare')).toEqual([
      'setIstiod istiod',
      ...Array(2).fill('prepare httpbin,sleep'),
    ]);
  });

  test('not for scenarios that are skipped', async () => {
    const { target } = await ran([inMode('old', 'istiod').replace('steps:', `${unmet}\nsteps:`)]);
    expect(callsOf(target, 'setIstiod')).toEqual([]);
    const other = new FakeTarget();
    other.mode = 'envoy';
    await ran([plain('old', undefined, unmet)], { target: other });
    expect(callsOf(other, 'setIstiod')).toEqual([]);
  });

  test('or the whole group does not run, and what was begun for it is ended', async () => {
    const target = new FakeTarget();
    target.before = (method) => {
      if (method === 'setIstiod') throw new HarnessError('E_ISTIO', 'it does not come up');
    };
    const { thrown, checks } = await ran([served('one', 'mesh: { fetch: [istiod] }')], { target });
    expect(thrown).toMatchObject({ code: 'E_ISTIO' });
    expect(checks).toEqual([]);
    expect(target.servers.map(({ stops }) => stops)).toEqual([1]);
  });
});

describe('keys that istiod may have from an earlier scenario', () => {
  /** A scenario whose last step also says who has fetched keys. */
  const asks = (source: string) =>
    `${source}    fetched: { from: outside, by: nobody }\n`.replace(
      'steps:',
      'keyServers: { outside: { serves: sample } }\nsteps:',
    );
  const asked = (name: string, uri?: string) => asks(fetching(name, uri));
  const hidden = (target = new FakeTarget()) => {
    target.missing.set('fetch-mode', 'others use it');
    return target;
  };

  test('are forgotten before the next that has the same address', async () => {
    const { target } = await ran([fetching('one'), fetching('two')]);
    expect(callsOf(target, 'setIstiod', 'undo')).toEqual([
      'setIstiod istiod',
      'undo one',
      'setIstiod istiod',
      'undo two',
    ]);
  });

  test('are told to the scenario where that cannot be', async () => {
    const { checks } = await ran([asked('one'), asked('two')], { target: hidden() });
    const [first, second] = checks.filter(({ kind }) => kind === 'fetched');
    expect(first).toMatchObject({ state: 'passed' });
    expect(second).toMatchObject({ state: 'error', message: expect.stringContaining('http://keys/jwks') });
  });

  test('are of no account to a scenario that has no addresses', async () => {
    const { checks } = await ran([asked('one'), asks(plain('two'))], { target: hidden() });
    expect(checks.filter(({ kind }) => kind === 'fetched').map(({ state }) => state)).toEqual([
      'passed',
      'passed',
    ]);
  });

  test('are those of addresses with the names filled in', async () => {
    const sources = ['one', 'two'].map((name) => asked(name, 'http://${keyServers.outside.host}/get_jwks'));
    const { checks } = await ran(sources, { target: hidden() });
    expect(checks.filter(({ kind }) => kind === 'fetched').map(({ state }) => state)).toEqual([
      'passed',
      'passed',
    ]);
  });

  test('are none of a scenario without addresses, which is not kept waiting for names', async () => {
    const target = new FakeTarget();
    let asks = 0;
    target.caCertificate = async () => {
      asks += 1;
      return 'the CA';
    };
    await ran([plain('one')], { target });
    const once = asks;
    await ran([fetching('two')], { target });
    expect(asks - once).toBe(once + 1);
  });

  test('do not matter where the scenario cannot be prepared, which it says itself', async () => {
    const keys = new KeyRing('abc123', () => Promise.reject(new HarnessError('E_TOKEN', 'no key')));
    const { checks, thrown } = await ran([fetching('one')], { keys });
    expect(thrown).toBeUndefined();
    expect(checks.map(({ state, message }) => [state, message])).toEqual(Array(2).fill(['error', 'no key']));
  });
});

describe('what does not run', () => {
  test('because it is not for this mesh has its results all the same', async () => {
    const { events, groups } = await ran([plain('old', undefined, unmet)]);
    const [scenario] = groups[0]?.scenarios ?? [];
    const { info } = scenario!;
    expect(events.slice(1)).toMatchObject([
      { type: 'scenario-started', scenario: info },
      ...Array(2).fill({
        type: 'check-finished',
        mesh: info.mesh,
        check: { state: 'skipped', message: scenario?.skip },
      }),
      { type: 'scenario-finished', scenario: 'old', mesh: info.mesh, durationMs: 0 },
    ]);
  });

  test('because an earlier one failed is skipped when that is wanted, and its key servers are stopped', async () => {
    const sources = [plain('one', '[401, 200]'), served('two')];
    const { checks, target } = await ran(sources, { failFast: true });
    expect(checks.map(({ state }) => state)).toEqual(['failed', 'passed', 'skipped', 'skipped']);
    expect(checks.at(-1)?.message).toBe(skippedForFailFast);
    expect(target.servers.map(({ stops }) => stops)).toEqual([1]);
    const all = await ran(sources);
    expect(all.checks.map(({ state }) => state)).toEqual(['failed', 'passed', 'passed', 'passed']);
  });

  test('because the run was stopped has no results', async () => {
    const target = new FakeTarget();
    const controller = new AbortController();
    target.before = (method) => {
      if (method === 'undo') controller.abort('SIGINT');
    };
    const sources = [plain('one'), plain('two'), inMode('three', 'envoy')];
    const { events } = await ran(sources, { target, stop: controller.signal });
    expect(started(events)).toEqual(['one']);
    expect(callsOf(target, 'setIstiod')).toEqual([]);
  });
});

test('issuers whose keys the server serves sign with it, and no others', async () => {
  const [planned] = planOf([
    scenario('one', step('one', ['/: [200, 200]']), 'keyServers: { keys: { serves: sample } }'),
  ]).scenarios;
  if (planned === undefined) return expect.fail('it is planned');
  const issuers = new Map([
    ...(await new KeyRing('abc123').get(planned)),
    ...(await new KeyRing('abc124').get({ ...planned, issuers: { other: { issuer: 'them' } } })),
  ]);
  const key = readOwnKey(fileOf(rsaJwk()), '--external-jwks-key');
  expect(withOwnKey(issuers, planned, key)).toBe(issuers);
  const served = withOwnKey(issuers, { ...planned, ownServers: ['keys'] }, key);
  expect(served.get('sample')).toMatchObject({ name: 'sample', issuer: 'me' });
  expect(served.get('sample')?.jwks()).toEqual({ keys: [key.publicJwk] });
  expect(served.get('other')).toBe(issuers.get('other'));
});
