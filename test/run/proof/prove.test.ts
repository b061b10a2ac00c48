/** Markers and how many of them, on a mesh that shows what a test says. */
import { beforeEach, describe, expect, test } from 'vitest';
import { HarnessError } from '../../../src/base/errors.ts';
import { Pending } from '../../../src/run/proof/pending.ts';
import { applyMarker, markersFor, type ProofRequest, prove } from '../../../src/run/proof/prove.ts';
import type { KubeObject, ProxyPolicies, ProxyRef } from '../../../src/target/target.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { FakeTarget, fakePod, fakeProxy } from '../../support/fake-target.ts';
import { unaborted } from '../../support/signals.ts';
import { denied, deny, nothing } from './denying.ts';

const signal = unaborted();
const clock = fakeClock();

/** Remembers the markers; each is shown at the next read, unless a test says otherwise. */
class Mesh extends FakeTarget {
  readonly markers: string[] = [];
  readonly marked: (readonly ProxyRef[])[] = [];
  show: (proxy: ProxyRef, marker: string) => ProxyPolicies = (_, marker) => ({
    ...nothing,
    markers: [marker],
  });
  override async mark(value: string, proxies: readonly ProxyRef[]): Promise<void> {
    this.markers.push(value);
    this.marked.push(proxies);
  }
  override async proxyPolicies(proxy: ProxyRef): Promise<ProxyPolicies> {
    return this.show(proxy, this.markers.at(-1) ?? '');
  }
}

let mesh: Mesh;
beforeEach(() => {
  mesh = new Mesh();
});

const sent: ProofRequest['sent'] = [
  {
    origin: { kind: 'pod', app: 'sleep', namespace: 'foo' },
    request: { url: 'http://httpbin.foo:8000/', headers: [] },
  },
];

function proof(more: Partial<ProofRequest> = {}) {
  const request: ProofRequest = {
    sent,
    inPlace: [],
    meantIdle: new Set(),
    markers: 1,
    fetch: 'istiod',
    timeoutMs: 5_000,
    clock,
    ...more,
  };
  return prove(mesh, request, signal);
}

describe('a marker', () => {
  test('must be in every place of a proxy', async () => {
    let reads = 0;
    mesh.show = (_, marker) => {
      reads += 1;
      return { ...nothing, markers: reads < 4 ? [marker, 'old'] : [marker, marker] };
    };
    expect(await proof()).toMatchObject({ kind: 'holds' });
    expect(reads).toBe(4);
  });

  test('that never comes in one place is no proof', async () => {
    mesh.show = (_, marker) => ({ ...nothing, markers: ['', marker] });
    expect(await proof()).toMatchObject({
      kind: 'unproven',
      message: 'foo/httpbin-1: no push of istiod has reached it since the change',
    });
  });

  test('cannot come where there is no place for it', async () => {
    mesh.show = () => nothing;
    expect(await proof()).toMatchObject({
      kind: 'unproven',
      message: 'foo/httpbin-1: it has no HTTP listener to which policies could be attached',
    });
  });

  test('is another one each time', async () => {
    await proof({ markers: 2 });
    await proof({ markers: 2 });
    expect(new Set(mesh.markers).size).toBe(4);
  });

  test('is applied only after the one before has come', async () => {
    const seen: string[] = [];
    mesh.show = (_, marker) => {
      seen.push(`${mesh.markers.length}`);
      return { ...nothing, markers: [seen.length < 3 ? '' : marker] };
    };
    expect(await proof({ markers: 2 })).toMatchObject({ kind: 'holds' });
    expect(seen).toEqual(['1', '1', '1', '2']);
  });

  test.each([
    [['AuthorizationPolicy', 'RequestAuthentication', 'ConfigMap', 'Namespace', 'ServiceAccount'], 1],
    [['VirtualService'], 2],
    [['AuthorizationPolicy', 'Deployment'], 2],
    [[], 1],
  ])('for %j there must be %i', (kinds, expected) => {
    expect(markersFor(kinds)).toBe(expected);
  });
});

describe('with a marker, but not all that is declared,', () => {
  const request = { inPlace: [deny] };
  const has = (from: number) => {
    mesh.objects.set('deny', deny);
    mesh.show = (_, marker) => ({
      ...nothing,
      markers: [marker],
      rbac: mesh.markers.length >= from ? [denied] : [],
    });
  };

  test('more markers are waited for', async () => {
    has(3);
    expect(await proof(request)).toMatchObject({ kind: 'holds' });
    expect(mesh.markers).toHaveLength(3);
  });

  test('it is unproven after six', async () => {
    has(7);
    expect(await proof(request)).toMatchObject({
      kind: 'unproven',
      message: expect.stringContaining('foo/httpbin-1: '),
    });
    expect(mesh.markers).toHaveLength(6);
  });

  test('the sixth may bring it', async () => {
    has(6);
    expect(await proof(request)).toMatchObject({ kind: 'holds' });
  });

  test('it is unproven when the time is over', async () => {
    has(7);
    const { kind } = await proof({ ...request, timeoutMs: 60 });
    expect(kind).toBe('unproven');
    expect(mesh.markers.length).toBeLessThan(4);
  });
});

describe('an update that is refused', () => {
  test('counts when it has the marker', async () => {
    mesh.show = (_, marker) => ({ ...nothing, markers: ['old'], rejected: [{ reason: 'no', marker }] });
    expect(await proof()).toMatchObject({ kind: 'rejected', message: 'foo/httpbin-1: no' });
  });

  test('does not when it is one of before', async () => {
    mesh.show = (_, marker) => ({
      ...nothing,
      markers: [marker],
      rejected: [{ reason: 'no', marker: 'old' }],
    });
    expect(await proof()).toMatchObject({ kind: 'holds' });
  });
});

describe('a proxy that cannot be read', () => {
  const gone = () => {
    throw new HarnessError('E_EXEC', 'gone');
  };

  test('is looked for again', async () => {
    let reads = 0;
    mesh.show = (_, marker) => {
      reads += 1;
      return reads < 10 ? gone() : { ...nothing, markers: [marker] };
    };
    expect(await proof()).toMatchObject({ kind: 'holds' });
    expect(reads).toBe(10);
  });

  test('ten times in a row is given another chance, and no more', async () => {
    let reads = 0;
    mesh.show = () => {
      reads += 1;
      return gone();
    };
    await expect(proof()).rejects.toMatchObject({ code: 'E_EXEC' });
    expect(reads).toBe(11);
  });

  test('for another reason is an error at once', async () => {
    let reads = 0;
    mesh.show = () => {
      reads += 1;
      throw new HarnessError('E_KUBE', 'no');
    };
    await expect(proof()).rejects.toMatchObject({ code: 'E_KUBE' });
    expect(reads).toBe(1);
  });
});

describe('a marker from before the step', () => {
  const marked = { value: 'early', proxies: [fakeProxy] };
  const early = (markers: string[]) => {
    mesh.show = (_, marker) => ({ ...nothing, markers: marker === '' ? markers : [marker] });
  };

  test('that has come everywhere leaves but one to wait for', async () => {
    early(['early', 'early']);
    expect(await proof({ markers: 2, marked })).toMatchObject({ kind: 'holds' });
    expect(mesh.markers).toHaveLength(1);
  });

  test.each([
    ['has not come', ['older']],
    ['has not come in every place', ['early', 'older']],
    ['is nowhere', []],
  ])('that %s counts for nothing', async (_, markers) => {
    early(markers);
    expect(await proof({ markers: 2, marked })).toMatchObject({ kind: 'holds' });
    expect(mesh.markers).toHaveLength(2);
  });

  test('of some of those that count does not either', async () => {
    const second = { ...fakePod, name: 'httpbin-2' };
    mesh.pods = [fakePod, second];
    early(['early']);
    await proof({ markers: 2, marked });
    expect(mesh.markers).toHaveLength(2);
    mesh.markers.length = 0;
    await proof({
      markers: 2,
      marked: { ...marked, proxies: [fakeProxy, { ...fakeProxy, pod: 'httpbin-2' }] },
    });
    expect(mesh.markers).toHaveLength(1);
  });

  test('of other proxies than those that count does not either', async () => {
    early(['early']);
    await proof({ markers: 2, marked: { ...marked, proxies: [{ ...fakeProxy, pod: 'other' }] } });
    expect(mesh.markers).toHaveLength(2);
  });

  test('of a proxy that is gone does not either', async () => {
    mesh.show = (_, marker) => {
      if (marker === '') throw new HarnessError('E_EXEC', 'gone');
      return { ...nothing, markers: [marker] };
    };
    expect(await proof({ markers: 2, marked })).toMatchObject({ kind: 'holds' });
    expect(mesh.markers).toHaveLength(2);
  });
});

describe('what was changed', () => {
  const snapshot = new Map([
    [
      'foo/httpbin-1',
      { proxy: fakeProxy, role: 'decides' as const, declared: [], policies: { ...nothing, markers: [''] } },
    ],
  ]);

  test('needs two markers at first, and after a route', () => {
    const pending = new Pending();
    expect(pending.markers).toBe(2);
    pending.clear();
    expect(pending.markers).toBe(1);
    pending.add(['AuthorizationPolicy']);
    expect(pending.markers).toBe(1);
    pending.add(['VirtualService']);
    expect(pending.markers).toBe(2);
  });

  test('are no routes when no applications are used, as at first', () => {
    const pending = new Pending();
    pending.clear();
    pending.uses([]);
    expect(pending.markers).toBe(1);
  });

  test('are routes when other applications are used, and not when the same are', () => {
    const pending = new Pending();
    pending.uses(['a', 'b']);
    pending.clear();
    pending.uses(['b', 'a']);
    expect(pending.markers).toBe(1);
    pending.uses(['a']);
    expect(pending.markers).toBe(2);
  });

  test('before a marker needs but one more after it', async () => {
    const pending = new Pending();
    await pending.mark(mesh, snapshot, signal);
    expect(pending.marked).toEqual({ value: mesh.markers[0], proxies: [fakeProxy] });
    expect(pending.markers).toBe(2);
    pending.add(['RequestAuthentication']);
    expect(pending.marked).toBeDefined();
    pending.add(['VirtualService']);
    expect(pending.marked).toBeUndefined();
  });

  test('needs no marker ahead where one is enough, or where nobody would show it', async () => {
    const pending = new Pending();
    await pending.mark(mesh, new Map(), signal);
    pending.clear();
    await pending.mark(mesh, snapshot, signal);
    expect(mesh.markers).toEqual([]);
  });

  test('is forgotten once it has come', async () => {
    const pending = new Pending();
    await pending.mark(mesh, snapshot, signal);
    pending.clear();
    expect(pending.marked).toBeUndefined();
    expect(pending.markers).toBe(1);
  });
});

test('a marker goes where the proxies are that count', async () => {
  const asked: (readonly ProxyRef[])[] = [];
  const value = await applyMarker(
    {
      ...mesh,
      mark: async (_value: string, proxies: readonly ProxyRef[]) => void asked.push(proxies),
    } as never,
    [fakeProxy],
    signal,
  );
  expect(value).toMatch(/^m[0-9a-f]{16}$/);
  expect(asked).toEqual([[fakeProxy]]);
});

describe('a proof', () => {
  const authentication = (...issuers: string[]): KubeObject => ({
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'tokens', namespace: 'foo' },
    spec: { selector: { matchLabels: { app: 'httpbin' } }, jwtRules: issuers.map((issuer) => ({ issuer })) },
  });
  const provider = (issuer: string) => ({ issuer, keys: [] });
  const second = { ...fakePod, name: 'httpbin-2' };

  test('tells which policies the proxies have', async () => {
    mesh.objects.set('deny', deny).set('tokens', authentication('a', 'b'));
    mesh.show = (_, marker) => ({
      ...nothing,
      markers: [marker],
      providers: [provider('a'), provider('b')],
      rbac: [denied],
    });
    expect(await proof()).toMatchObject({
      kind: 'holds',
      proof: '1 proxy has what was applied: issuer a, issuer b, ns[foo]-policy[deny]-rule[0]',
    });
  });

  test('tells that they have none', async () => {
    mesh.pods = [fakePod, second];
    expect(await proof()).toMatchObject({
      kind: 'holds',
      proof: '2 proxies have what was applied: no policy',
    });
  });

  test('is at once where no proxy is concerned', async () => {
    mesh.pods = [];
    expect(await proof()).toMatchObject({ kind: 'holds', proof: 'no proxy is concerned' });
    expect(mesh.markers).toHaveLength(1);
  });

  test('has what was seen, and how long it took', async () => {
    const before = clock.now();
    const { snapshot, survey, ms } = await proof();
    expect([...snapshot]).toEqual([
      [
        'foo/httpbin-1',
        {
          proxy: fakeProxy,
          role: 'decides',
          declared: [],
          policies: { ...nothing, markers: [mesh.markers[0]] },
        },
      ],
    ]);
    expect(survey.pods).toEqual(mesh.pods);
    expect(ms).toBe(clock.now() - before);
    expect(ms).toBe(20);
  });

  test('reads a proxy that has the marker no more, while others have not', async () => {
    mesh.pods = [fakePod, second];
    const reads: string[] = [];
    mesh.show = ({ pod }, marker) => {
      reads.push(pod);
      return { ...nothing, markers: [pod === 'httpbin-2' && reads.length < 5 ? 'old' : marker] };
    };
    const { kind, snapshot } = await proof();
    expect(kind).toBe('holds');
    expect(reads).toEqual(['httpbin-1', 'httpbin-2', 'httpbin-2', 'httpbin-2', 'httpbin-2']);
    expect([...snapshot.keys()]).toEqual(['foo/httpbin-1', 'foo/httpbin-2']);
  });

  test('marks every proxy that counts', async () => {
    await proof();
    expect(mesh.marked).toEqual([[fakeProxy]]);
  });

  test('where one marker is for all, applies it while it looks around', async () => {
    Object.assign(mesh, { marksAll: true });
    expect(await proof({ markers: 2 })).toMatchObject({ kind: 'holds' });
    // The second is for those that are known by then.
    expect(mesh.marked).toEqual([[], [fakeProxy]]);
    expect(await proof({ markers: 1 })).toMatchObject({ kind: 'holds' });
    expect(mesh.marked.slice(2)).toEqual([[]]);
  });

  test('of two proxies is all that each of them lacks', async () => {
    mesh.pods = [fakePod, second];
    mesh.objects.set('deny', deny);
    mesh.show = (_, marker) => ({ ...nothing, markers: [marker] });
    const lacks = 'it has no RBAC policy ns[foo]-policy[deny]-rule[0]';
    expect(await proof()).toMatchObject({
      kind: 'unproven',
      message: `foo/httpbin-1: ${lacks}; foo/httpbin-2: ${lacks}`,
    });
    mesh.show = ({ pod }) => (pod === 'httpbin-1' ? { ...nothing, markers: ['old'] } : nothing);
    expect(await proof()).toMatchObject({
      kind: 'unproven',
      message: `foo/httpbin-1: no push of istiod has reached it since the change, ${lacks}; foo/httpbin-2: it has no HTTP listener to which policies could be attached`,
    });
    mesh.show = ({ pod }, marker) => ({
      ...nothing,
      markers: [pod === 'httpbin-2' ? marker : 'old'],
      rejected: [{ reason: 'too old', marker: 'old' }],
    });
    expect(await proof()).toMatchObject({
      kind: 'unproven',
      message: 'foo/httpbin-1: it rejected an update: too old',
    });
    mesh.show = (_, marker) => ({
      ...nothing,
      rejected: [
        { reason: 'bad', marker },
        { reason: 'worse', marker },
      ],
    });
    expect(await proof()).toMatchObject({
      kind: 'rejected',
      message: 'foo/httpbin-1: bad; foo/httpbin-1: worse; foo/httpbin-2: bad; foo/httpbin-2: worse',
    });
  });

  test('waits longer before each marker for what does not come', async () => {
    mesh.objects.set('deny', deny);
    mesh.show = (_, marker) => ({ ...nothing, markers: [marker] });
    const before = clock.now();
    await proof();
    // Each of six markers is looked for after 20 ms, and after the first five there is a pause.
    expect(clock.now() - before).toBe(6 * 20 + 50 + 100 + 150 + 200 + 250);
  });

  test('does not wait between markers that have come', async () => {
    const before = clock.now();
    await proof({ markers: 2 });
    expect(clock.now() - before).toBe(40);
  });

  test('needs its second marker also when the time is over, and what it lacks is not waited for', async () => {
    expect(await proof({ markers: 2, timeoutMs: 20 })).toMatchObject({ kind: 'holds', ms: 40 });
    mesh.objects.set('deny', deny);
    mesh.show = (_, marker) => ({ ...nothing, markers: [marker] });
    expect(await proof({ timeoutMs: 20 })).toMatchObject({ kind: 'unproven', ms: 20 });
  });

  test('is not waited for when the time is over', async () => {
    mesh.show = () => ({ ...nothing, markers: ['old'] });
    const before = clock.now();
    // Looked for after 20, 60 and 140 ms.
    expect(await proof({ timeoutMs: 140 })).toMatchObject({ kind: 'unproven', ms: 140 });
    expect(clock.now() - before).toBe(140);
  });

  test('of a proxy that is gone is not waited for when the time is over', async () => {
    mesh.show = () => {
      throw new HarnessError('E_EXEC', 'gone');
    };
    const before = clock.now();
    await expect(proof({ timeoutMs: 160 })).rejects.toMatchObject({ code: 'E_EXEC' });
    expect(clock.now() - before).toBe(160);
  });
});

describe('there is no proof', () => {
  const lost = {
    ...deny,
    metadata: { name: 'lost', namespace: 'foo' },
    spec: { selector: { matchLabels: { app: 'htpbin' } } },
  };

  test('of a policy that holds for nobody, unless that is meant', async () => {
    mesh.objects.set('lost', lost);
    const request = { inPlace: [lost] };
    expect(await proof(request)).toMatchObject({
      kind: 'unproven',
      policy: lost,
      message:
        'AuthorizationPolicy foo/lost holds for no proxy, so nothing that it says is tested: no pod of namespace foo has app=htpbin',
      snapshot: new Map(),
      survey: { pods: mesh.pods },
    });
    expect(mesh.markers).toEqual([]);
    const meantIdle = new Set(['AuthorizationPolicy foo/lost']);
    expect(await proof({ ...request, meantIdle })).toMatchObject({ kind: 'holds' });
  });

  test('where nobody knows which proxies decide', async () => {
    mesh.pods = [fakePod];
    const outside = [{ origin: { kind: 'ingress' as const }, request: { url: '/', headers: [] } }];
    expect(await proof({ sent: outside })).toMatchObject({
      kind: 'unproven',
      message: expect.stringContaining('the proxies of the ingress gateway cannot be asked'),
      hint: expect.stringContaining('--gateway'),
      survey: { pods: mesh.pods },
    });
    expect(mesh.markers).toEqual([]);
  });

  test.each<[string, Partial<KubeObject>]>([
    ['rules', { spec: { rules: 7 } }],
    ['routes', { kind: 'VirtualService', spec: undefined }],
  ])('from what the API server says of %s and nobody understands', async (_, odd) => {
    mesh.objects.set('odd', { ...deny, ...odd } as KubeObject);
    await expect(proof()).rejects.toMatchObject({
      code: 'E_KUBE',
      message: expect.stringMatching(/^the API server answers what cannot be understood/),
    });
  });
});
