import { describe, expect, test } from 'vitest';
import { wayOf } from '../../../src/run/proof/way.ts';
import type { KubeObject, MeshPod, Origin, Survey } from '../../../src/target/target.ts';

const sleep: Origin = { kind: 'pod', app: 'sleep', namespace: 'foo' };
const ingress: Origin = { kind: 'ingress' };

const pod = (name: string, more: Partial<MeshPod> = {}): MeshPod => ({
  namespace: 'foo',
  name,
  labels: { app: name },
  isReady: true,
  proxy: 'sidecar',
  isApp: true,
  ...more,
});
const pods = [
  pod('sleep'),
  pod('httpbin', { ip: '10.0.0.9' }),
  pod('other'),
  pod('edge', { proxy: 'gateway', namespace: 'edge', labels: { istio: 'edge' }, isApp: false }),
  pod('gateway', {
    proxy: 'gateway',
    namespace: 'istio-system',
    labels: { istio: 'ingressgateway' },
    isApp: false,
  }),
];
const service = (name: string, spec: object, namespace = 'foo'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec,
});
const istio = (kind: string, name: string, spec: object, namespace = 'foo'): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name, namespace },
  spec,
});
const services = [
  service('httpbin', { selector: { app: 'httpbin' }, clusterIP: '10.96.0.7' }),
  service('other', { selector: { app: 'other' } }),
  service('edge', { selector: { istio: 'edge' } }, 'edge'),
];

function survey(objects: KubeObject[], more: Partial<Survey> = {}): Survey {
  return {
    rootNamespace: 'istio-system',
    ingress: { namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
    pods,
    objects: [...services, ...objects],
    hidden: [],
    ...more,
  };
}

function names(origin: Origin, url: string, objects: KubeObject[] = [], host?: string) {
  const headers: [string, string][] = host === undefined ? [] : [['Host', host]];
  const way = wayOf(origin, { url, headers }, survey(objects));
  const of = (list: readonly MeshPod[]) => list.map(({ name }) => name).sort();
  return { clients: of(way.clients), gateways: of(way.gateways), backends: of(way.backends) };
}

describe('from a pod', () => {
  test.each([
    'httpbin',
    'httpbin.foo',
    'HTTPBIN.foo.svc',
    'httpbin.foo.svc.cluster.local',
    'httpbin.foo.svc.cluster.local.',
    '10.96.0.7',
    '10.0.0.9',
  ])('a Service or pod is found by %s', (host) => {
    expect(names(sleep, `http://${host}:8000/x`)).toEqual({
      clients: ['sleep'],
      gateways: [],
      backends: ['httpbin'],
    });
  });

  test('what is not in the mesh has nobody behind it', () => {
    for (const host of ['keys.example.com', 'httpbin.bar', '10.9.9.9'])
      expect(names(sleep, `http://${host}/`).backends).toEqual([]);
  });

  test.each([
    ['names gateways only', { gateways: ['g'] }, []],
    ['names the mesh too', { gateways: ['g', 'mesh'] }, ['httpbin']],
    ['names no gateways', { gateways: [] }, ['httpbin']],
    ['leaves them out', {}, ['httpbin']],
  ])('a VirtualService for every host that %s', (_, gateways, backends) => {
    const everything = { hosts: ['*'], http: [{ route: [{ destination: { host: 'httpbin' } }] }] };
    const found = names(sleep, 'http://keys.example.com/', [
      istio('VirtualService', 'all', { ...everything, ...gateways }),
    ]);
    expect(found.backends).toEqual(backends);
  });

  test.each<[string, KubeObject[]]>([
    [
      'an ExternalName',
      [service('alias', { type: 'ExternalName', externalName: 'httpbin.foo.svc.cluster.local' })],
    ],
    [
      'a VirtualService for a ServiceEntry',
      [
        istio('ServiceEntry', 'alias', { hosts: ['alias.foo'] }),
        istio('VirtualService', 'alias', {
          hosts: ['alias.foo'],
          http: [{ route: [{ destination: { host: 'httpbin' } }] }],
        }),
      ],
    ],
    [
      'a ServiceEntry that selects',
      [
        istio('ServiceEntry', 'a', {
          hosts: ['alias.foo'],
          workloadSelector: { labels: { app: 'httpbin' } },
        }),
      ],
    ],
    [
      'a ServiceEntry with an address',
      [istio('ServiceEntry', 'a', { hosts: ['*.foo'], endpoints: [{ address: '10.0.0.9' }] })],
    ],
  ])('%s leads on', (_, objects) => {
    expect(names(sleep, 'http://alias.foo:8000', objects).backends).toEqual(['httpbin']);
  });

  test('a VirtualService may lead elsewhere: both count', () => {
    const to = istio('VirtualService', 'v', {
      hosts: ['httpbin'],
      http: [{ route: [{ destination: { host: 'other.foo.svc.cluster.local' } }] }],
    });
    expect(names(sleep, 'http://httpbin.foo:8000', [to]).backends).toEqual(['httpbin', 'other']);
  });

  test('a Host header counts as well as the address', () => {
    expect(names(sleep, 'http://other.foo:8000', [], 'httpbin.foo:8000').backends).toEqual([
      'httpbin',
      'other',
    ]);
  });

  test('through a gateway it goes on by its routes', () => {
    const objects = [
      istio('Gateway', 'g', { selector: { istio: 'edge' }, servers: [{ hosts: ['*'] }] }, 'edge'),
      istio('VirtualService', 'v', {
        hosts: ['my.example.com'],
        gateways: ['edge/g'],
        http: [{ route: [{ destination: { host: 'httpbin.foo.svc.cluster.local' } }] }],
      }),
    ];
    expect(names(sleep, 'http://edge.edge', objects, 'my.example.com')).toEqual({
      clients: ['sleep'],
      gateways: ['edge'],
      backends: ['httpbin'],
    });
    expect(names(sleep, 'http://edge.edge', objects, 'no.example.com').backends).toEqual([]);
  });
});

describe('through the ingress', () => {
  const gateway = istio('Gateway', 'g', { selector: { istio: 'ingressgateway' } });
  const route = (hosts: string[], gateways = ['g']) =>
    istio('VirtualService', 'v', {
      hosts,
      gateways,
      http: [{ route: [{ destination: { host: 'httpbin' } }] }],
    });

  test('the pods behind the routes of the gateway count too', () => {
    expect(names(ingress, '/x', [gateway, route(['*'])])).toEqual({
      clients: [],
      gateways: ['gateway'],
      backends: ['httpbin'],
    });
  });

  test.each<[string, KubeObject[], string | undefined, string[]]>([
    ['a host that fits', [gateway, route(['*.example.com'])], 'a.example.com', ['httpbin']],
    ['a host that does not', [gateway, route(['*.example.com'])], 'a.example.org', []],
    ['no host, and a route for one', [gateway, route(['a.example.com'])], undefined, []],
    ['a route of another gateway', [gateway, route(['*'], ['other'])], undefined, []],
    ['a route of the mesh', [gateway, route(['*'], ['mesh'])], undefined, []],
    ['a route that names it with its namespace', [gateway, route(['*'], ['foo/g'])], undefined, ['httpbin']],
  ])('%s', (_, objects, host, expected) => {
    expect(names(ingress, '/', objects, host).backends).toEqual(expected);
  });

  test('an HTTPRoute of the Gateway API is followed', () => {
    const objects: KubeObject[] = [
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'edge', namespace: 'foo' },
        spec: {},
      },
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'HTTPRoute',
        metadata: { name: 'r', namespace: 'foo' },
        spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'httpbin', port: 8000 }] }] },
      },
      service('edge-istio', { selector: { own: 'yes' } }),
    ];
    const own = pod('edge-istio', {
      proxy: 'gateway',
      labels: { own: 'yes', 'gateway.networking.k8s.io/gateway-name': 'edge' },
    });
    const way = wayOf(
      sleep,
      { url: 'http://edge-istio.foo', headers: [] },
      survey(objects, { pods: [...pods, own] }),
    );
    expect([way.gateways, way.backends].map((list) => list.map(({ name }) => name))).toEqual([
      ['edge-istio'],
      ['httpbin'],
    ]);
  });
});

describe('answers may vary', () => {
  const why = (objects: KubeObject[] = [], more: Partial<Survey> = {}, url = 'http://httpbin.foo:8000') =>
    wayOf(sleep, { url, headers: [] }, survey(objects, more)).varies;
  const route = (...http: object[]) => istio('VirtualService', 'v', { hosts: ['httpbin'], http });
  const to = { route: [{ destination: { host: 'httpbin' } }] };

  test('not with one pod of ours and nothing in between', () => {
    expect(why()).toBeUndefined();
    expect(why([route(to)])).toBeUndefined();
    expect(
      why([route({ ...to, fault: { abort: { httpStatus: 418, percentage: { value: 100 } } } })]),
    ).toBeUndefined();
  });

  test.each<[string, KubeObject[], Partial<Survey>]>([
    ['2 pods answer', [], { pods: [...pods, pod('more', { labels: { app: 'httpbin' } })] }],
    ['2 clients send', [], { pods: [...pods, pod('sleep-2', { labels: { app: 'sleep' } })] }],
    [
      'VirtualService foo/v divides requests among several destinations',
      [
        route({
          route: [
            { destination: { host: 'httpbin' }, weight: 90 },
            { destination: { host: 'httpbin' }, weight: 10 },
          ],
        }),
      ],
      {},
    ],
    [
      'VirtualService foo/v has a fault for a share of the requests',
      [route({ ...to, fault: { abort: { httpStatus: 418, percentage: { value: 0.5 } } } })],
      {},
    ],
    [
      'VirtualService foo/v has a fault for a share of the requests',
      [route({ ...to, fault: { delay: { fixedDelay: '1s', percent: 50 } } })],
      {},
    ],
    ['EnvoyFilter foo/f changes a proxy on the way', [istio('EnvoyFilter', 'f', {})], {}],
    ['this user may not see whether there is a EnvoyFilter', [], { hidden: ['EnvoyFilter'] }],
  ])('%s', (expected, objects, more) => {
    expect(why(objects, more)).toBe(expected);
  });

  test('a workload of the scenario itself is told from an application of ours', () => {
    const own = pods.map((each) => (each.name === 'httpbin' ? { ...each, isApp: false } : each));
    const of = (more: Partial<Survey>) =>
      wayOf(sleep, { url: 'http://httpbin.foo:8000', headers: [] }, survey([], more)).isOwn;
    expect([of({}), of({ pods: own })]).toEqual([false, true]);
  });

  test('when nobody is known who answers', () => {
    expect(why([], {}, 'http://keys.example.com')).toBe('it is not known who answers');
  });

  test('not by what this tool has made itself, nor by filters of others', () => {
    const own = istio('EnvoyFilter', 'f', {});
    expect(
      why([{ ...own, metadata: { ...own.metadata, labels: { 'jwt-e2e/made-by': 'local' } } }]),
    ).toBeUndefined();
    expect(why([istio('EnvoyFilter', 'f', {}, 'bar')])).toBeUndefined();
  });
});
