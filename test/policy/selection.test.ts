import { describe, expect, test } from 'vitest';

import { declaredFor, holdsFor, isWide, nameOf, whyIdle } from '../../src/policy/selection.ts';
import type { KubeObject, MeshPod, Survey } from '../../src/target/target.ts';
import { meshPod as pod } from '../support/mesh-pod.ts';

const object = (
  kind: string,
  spec: object,
  namespace = 'foo',
  apiVersion = 'security.istio.io/v1',
): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'x', namespace },
  spec,
});
const edge = pod('edge-istio', {
  proxy: 'gateway',
  labels: { app: 'edge', 'gateway.networking.k8s.io/gateway-name': 'edge' },
});
const httpbin = pod('httpbin');
const isFor = (each: KubeObject, of: MeshPod) => holdsFor(each, of, 'istio-system');

describe('a policy holds for', () => {
  test.each([
    ['all of its namespace without a selector', {}, 'foo', true],
    ['pods with all labels of its selector', { selector: { matchLabels: { app: 'httpbin' } } }, 'foo', true],
    [
      'no pod with one label too few',
      { selector: { matchLabels: { app: 'httpbin', v: '2' } } },
      'foo',
      false,
    ],
    ['no pod with another value', { selector: { matchLabels: { app: 'htpbin' } } }, 'foo', false],
    ['no pod of another namespace', {}, 'bar', false],
    ['all of the mesh in the root namespace', {}, 'istio-system', true],
    [
      'pods with its labels in the root namespace',
      { selector: { matchLabels: { app: 'x' } } },
      'istio-system',
      false,
    ],
    ['no sidecar when it names a target', { targetRefs: [{ kind: 'Gateway', name: 'edge' }] }, 'foo', false],
    ['no sidecar when it names one target', { targetRef: { kind: 'Gateway', name: 'edge' } }, 'foo', false],
  ])('%s', (_, spec, namespace, expected) => {
    for (const kind of ['RequestAuthentication', 'AuthorizationPolicy', 'PeerAuthentication', 'Telemetry'])
      expect(isFor(object(kind, spec, namespace), httpbin)).toBe(expected);
  });

  test('the pods of the Gateway that it names, and of no other', () => {
    const named = (name: string, kind = 'Gateway', namespace = 'foo') =>
      isFor(object('AuthorizationPolicy', { targetRefs: [{ kind, name }] }, namespace), edge);
    expect([
      named('edge'),
      named('other'),
      named('edge', 'Service'),
      named('edge', 'Gateway', 'bar'),
    ]).toEqual([true, false, false, false]);
  });

  test('a waypoint when it names it, or waypoints in general in the root namespace', () => {
    const waypoint = pod('waypoint', {
      proxy: 'gateway',
      labels: { ...edge.labels, 'gateway.istio.io/managed': 'istio.io-mesh-controller' },
    });
    const all = { targetRefs: [{ kind: 'GatewayClass', name: 'istio-waypoint' }] };
    const named = { targetRefs: [{ kind: 'Gateway', name: 'edge' }] };
    const of = (...policy: Parameters<typeof object>) => isFor(object(...policy), waypoint);
    expect([
      of('AuthorizationPolicy', {}),
      of('AuthorizationPolicy', { selector: { matchLabels: { app: 'edge' } } }, 'istio-system'),
      of('AuthorizationPolicy', named),
      of('AuthorizationPolicy', all, 'istio-system'),
      of('AuthorizationPolicy', all),
      of('PeerAuthentication', {}),
    ]).toEqual([false, false, true, true, false, true]);
    expect(isFor(object('AuthorizationPolicy', all, 'istio-system'), edge)).toBe(false);
  });

  test('what it says, without what is null, as where YAML has nothing', () => {
    const nothing = { selector: null, targetRefs: null };
    expect(isFor(object('AuthorizationPolicy', nothing), httpbin)).toBe(true);
    expect(isFor(object('AuthorizationPolicy', { selector: { matchLabels: null } }), httpbin)).toBe(true);
    expect(isWide(object('AuthorizationPolicy', nothing))).toBe(true);
  });

  test('a gateway of the Gateway API by its labels, too', () => {
    expect(isFor(object('AuthorizationPolicy', { selector: { matchLabels: { app: 'edge' } } }), edge)).toBe(
      true,
    );
  });
});

test('selectors of other kinds', () => {
  const networking = 'networking.istio.io/v1';
  const workloadSelector = { labels: { app: 'httpbin' } };
  expect(isFor(object('EnvoyFilter', { workloadSelector }, 'foo', networking), httpbin)).toBe(true);
  expect(isFor(object('Sidecar', { workloadSelector }, 'bar', networking), httpbin)).toBe(false);
  expect(isFor(object('EnvoyFilter', {}, 'istio-system', networking), httpbin)).toBe(true);
  // Without a selector these are about no workload.
  expect(isFor(object('ServiceEntry', {}, 'foo', networking), httpbin)).toBe(false);
  expect(isFor(object('ServiceEntry', { workloadSelector }, 'foo', networking), httpbin)).toBe(true);
  expect(isFor(object('VirtualService', {}, 'foo', networking), httpbin)).toBe(false);
  // A Gateway selects pods of every namespace.
  expect(isFor(object('Gateway', { selector: { app: 'httpbin' } }, 'bar', networking), httpbin)).toBe(true);
  expect(
    isFor(
      {
        ...object('Gateway', {}, 'foo', 'gateway.networking.k8s.io/v1'),
        metadata: { name: 'edge', namespace: 'foo' },
      },
      edge,
    ),
  ).toBe(true);
});

test('every kind for workloads holds for all of its namespace without a selector', () => {
  for (const kind of [
    'EnvoyFilter',
    'WasmPlugin',
    'Sidecar',
    'ProxyConfig',
    'Telemetry',
    'PeerAuthentication',
  ])
    expect([isFor(object(kind, {}), httpbin), isFor(object(kind, {}, 'bar'), httpbin)]).toEqual([
      true,
      false,
    ]);
});

test('selectors are read in every form that there is', () => {
  const holds = (kind: string, spec: object) => isFor(object(kind, spec), httpbin);
  const labels = { app: 'httpbin' };
  expect(holds('ProxyConfig', { selector: { matchLabels: { app: 'x' } } })).toBe(false);
  expect(holds('EnvoyFilter', { workloadSelector: { labels: { app: 'x' } } })).toBe(false);
  expect(holds('EnvoyFilter', { workloadSelector: { matchLabels: { app: 'x' } } })).toBe(false);
  expect(holds('EnvoyFilter', { workloadSelector: { matchLabels: labels } })).toBe(true);
  // Whoever cannot say which labels these are takes all pods.
  expect(holds('WasmPlugin', { selector: { matchExpressions: [] } })).toBe(true);
  expect(holds('Gateway', { selector: { matchLabels: 'httpbin' } })).toBe(false);
});

test('what has no namespace is in "default"', () => {
  const here = pod('httpbin', { namespace: 'default' });
  const { namespace: _, ...metadata } = object('Sidecar', {}).metadata;
  expect(isFor({ ...object('Sidecar', {}), metadata }, here)).toBe(true);
  const policy = { ...object('AuthorizationPolicy', {}), metadata };
  expect(whyIdle(policy, survey([]))).toBe('no pod runs in namespace default');
  const named = pod('g', { namespace: 'default', labels: { 'gateway.networking.k8s.io/gateway-name': 'x' } });
  const gateway = { ...object('Gateway', {}, 'foo', 'gateway.networking.k8s.io/v1'), metadata };
  expect([isFor(gateway, named), isFor(gateway, { ...named, namespace: 'foo' })]).toEqual([true, false]);
  expect(isFor({ ...gateway, metadata: { name: 'other' } }, named)).toBe(false);
});

test('a policy without a spec holds for all of its namespace', () => {
  const { spec: _, ...bare } = object('AuthorizationPolicy', {});
  expect(isFor(bare, httpbin)).toBe(true);
  expect(whyIdle(bare, survey([]))).toBe('no pod runs in namespace foo');
});

test('names are those that people know', () => {
  expect(nameOf(object('Sidecar', {}))).toBe('Sidecar foo/x');
});

const survey = (pods: MeshPod[], objects: KubeObject[] = []): Survey => ({
  rootNamespace: 'istio-system',
  ingress: { namespace: 'istio-system', labels: {} },
  pods,
  objects,
  hidden: [],
});

test('declared for a proxy are policies of the two kinds that hold for it', () => {
  const own = object('RequestAuthentication', {});
  const other = object('RequestAuthentication', {}, 'bar');
  expect(
    declaredFor({ namespace: 'foo', labels: {} }, survey([], [own, other, object('Sidecar', {})])),
  ).toEqual([own]);
});

describe('why a policy holds for nobody', () => {
  const why = (spec: object, pods: MeshPod[], namespace = 'foo') =>
    whyIdle(object('AuthorizationPolicy', spec, namespace), survey(pods));
  const typo = { selector: { matchLabels: { app: 'htpbin', v: '1' } } };

  test.each([
    ['a misspelt label', typo, [httpbin], 'foo', 'no pod of namespace foo has app=htpbin and v=1'],
    ['a forgotten namespace', {}, [httpbin], 'default', 'no pod runs in namespace default'],
    [
      'no injection',
      {},
      [pod('a', { proxy: undefined })],
      'foo',
      'pod foo/a, which it selects, has no sidecar: is injection on for namespace foo?',
    ],
    [
      'ambient mode',
      {},
      [pod('a', { proxy: undefined, isAmbient: true })],
      'foo',
      'pod foo/a is in ambient mode, in which this tool cannot look into proxies',
    ],
    [
      'a pod that is not ready',
      {},
      [pod('a', { isReady: false })],
      'foo',
      'pod foo/a, which it selects, is not ready',
    ],
    [
      'a target that is not there',
      { targetRefs: [{ kind: 'Gateway', name: 'no' }] },
      [httpbin],
      'foo',
      'no gateway of Gateway no runs in namespace foo; targetRefs hold for Gateways of the Gateway API and for waypoints only',
    ],
  ])('%s', (_, spec, pods, namespace, expected) => {
    expect(why(spec, pods, namespace)).toBe(expected);
  });

  test('is that several targets are not there', () => {
    const refs = { targetRefs: [{ kind: 'Service', name: 'a' }], targetRef: { kind: 'Gateway', name: 'b' } };
    expect(why(refs, [httpbin])).toMatch(/^no gateway of Gateway b and Service a runs in namespace foo;/);
  });

  test('is nothing when it does for one', () => {
    expect(why({}, [pod('a', { proxy: undefined }), httpbin])).toBeUndefined();
  });
});
