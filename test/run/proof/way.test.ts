import { describe, expect, test } from 'vitest';
import { wayOf } from '../../../src/run/proof/way.ts';
import type { KubeObject, MeshPod, Origin, Survey } from '../../../src/target/target.ts';
import { meshPod } from '../../support/mesh-pod.ts';

const sleep: Origin = { kind: 'pod', app: 'sleep', namespace: 'foo' };
const ingress: Origin = { kind: 'ingress' };

const pod = (name: string, more: Partial<MeshPod> = {}) => meshPod(name, { isApp: true, ...more });
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
const servers = [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }];
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

  test.each<[string, KubeObject[], string[]]>([
    [
      'more addresses of a Service',
      [service('a', { selector: { app: 'other' }, clusterIPs: ['10.9.9.9'] })],
      ['other'],
    ],
    ['a Service without a selector', [service('a', { clusterIP: '10.9.9.9' })], []],
    ['a Service with an empty selector', [service('a', { clusterIP: '10.9.9.9', selector: {} })], []],
    [
      'a Service of another namespace, which has no such pods',
      [service('a', { clusterIP: '10.9.9.9', selector: { app: 'other' } }, 'bar')],
      [],
    ],
    [
      'the address of a ServiceEntry',
      [
        istio('ServiceEntry', 'a', {
          hosts: ['x.example.com'],
          addresses: ['10.9.9.9/32'],
          workloadSelector: { labels: { app: 'other' } },
        }),
      ],
      ['other'],
    ],
    [
      'a net of a ServiceEntry, which is more than an address',
      [
        istio('ServiceEntry', 'a', {
          hosts: ['x.example.com'],
          addresses: ['10.9.9.9/24'],
          endpoints: [{ address: '10.0.0.9' }],
        }),
      ],
      [],
    ],
    [
      'a ServiceEntry of another namespace, which selects its own pods',
      [
        istio(
          'ServiceEntry',
          'a',
          { hosts: ['*'], addresses: [], workloadSelector: { labels: { app: 'other' } } },
          'bar',
        ),
      ],
      [],
    ],
    [
      'a ServiceEntry with an endpoint that has no address',
      [istio('ServiceEntry', 'a', { hosts: ['*'], endpoints: [{}] })],
      [],
    ],
    [
      'a ServiceEntry for other hosts and addresses',
      [
        istio('ServiceEntry', 'a', {
          hosts: ['x.example.com'],
          addresses: ['10.9.9.8', '10.9.9.7/32'],
          endpoints: [{ address: '10.0.0.9' }],
        }),
      ],
      [],
    ],
    [
      'a ServiceEntry with another host and address as well',
      [
        istio('ServiceEntry', 'a', {
          hosts: ['x.example.com', '10.9.9.9'],
          endpoints: [{ address: '10.0.0.9' }],
        }),
        istio('ServiceEntry', 'b', {
          hosts: ['x.example.com'],
          addresses: ['10.9.9.8', '10.9.9.9'],
          workloadSelector: { labels: { app: 'other' } },
        }),
      ],
      ['httpbin', 'other'],
    ],
    [
      'a VirtualService without a host, and one of several hosts',
      [
        istio('VirtualService', 'a', { http: [{ route: [{ destination: { host: 'other' } }] }] }),
        istio('VirtualService', 'b', {
          hosts: ['x.example.com', '10.9.9.9'],
          http: [{ route: [{ destination: { host: 'httpbin' } }] }],
        }),
      ],
      ['httpbin'],
    ],
    [
      'objects of which nothing is known',
      [service('a', undefined as never), istio('ServiceEntry', 'a', undefined as never)],
      [],
    ],
  ])('%s', (_, objects, backends) => {
    expect(names(sleep, 'http://10.9.9.9/', objects).backends).toEqual(backends);
  });

  test.each(['http', 'tcp', 'tls'])('routes of %s are followed', (protocol) => {
    const route = [{ route: [{ destination: { host: 'other' } }, { weight: 1 }] }, {}];
    const service = istio('VirtualService', 'v', { hosts: ['keys.example.com'], [protocol]: route });
    expect(names(sleep, 'http://keys.example.com', [service]).backends).toEqual(['other']);
  });

  test('a name is short for one in the namespace of who says it', () => {
    const away = istio(
      'VirtualService',
      'v',
      { hosts: ['httpbin'], http: [{ route: [{ destination: { host: 'other' } }] }] },
      'bar',
    );
    expect(names(sleep, 'http://httpbin.foo', [away]).backends).toEqual(['httpbin']);
    const { metadata, ...rest } = away;
    const bare = { ...rest, metadata: { name: metadata.name } };
    expect(names(sleep, 'http://httpbin.foo', [bare]).backends).toEqual(['httpbin']);
    const there = pods.map((each) => (each.name === 'other' ? { ...each, namespace: 'default' } : each));
    const own = { ...service('other', { selector: { app: 'other' } }), metadata: { name: 'other' } };
    const way = wayOf(
      sleep,
      { url: 'http://httpbin.default', headers: [] },
      survey([bare, own], { pods: there }),
    );
    expect(way.backends.map(({ name }) => name)).toEqual(['other']);
  });

  test('a ServiceEntry without a namespace is one of default', () => {
    const there = pods.map((each) => (each.name === 'other' ? { ...each, namespace: 'default' } : each));
    const { metadata, ...rest } = istio('ServiceEntry', 'a', {
      hosts: ['keys'],
      workloadSelector: { labels: { app: 'other' } },
    });
    const found = (host: string) =>
      wayOf(
        sleep,
        { url: `http://${host}`, headers: [] },
        survey([{ ...rest, metadata: { name: metadata.name } }], { pods: there }),
      ).backends.map(({ name }) => name);
    expect(found('keys.default')).toEqual(['other']);
    expect(found('keys.foo')).toEqual([]);
  });

  test('names that lead to each other lead nowhere', () => {
    const alias = (name: string, to: string) =>
      service(name, { externalName: `${to}.foo.svc.cluster.local` });
    expect(names(sleep, 'http://a.foo', [alias('a', 'b'), alias('b', 'a')]).backends).toEqual([]);
  });

  test('clients are the pods of its application in its namespace', () => {
    const more = [
      pod('sleep-2', { labels: { app: 'sleep' } }),
      pod('sleep-3', { labels: { app: 'sleep' }, namespace: 'bar' }),
    ];
    const way = wayOf(
      sleep,
      { url: 'http://httpbin', headers: [] },
      survey([], { pods: [...pods, ...more] }),
    );
    expect(way.clients.map(({ name }) => name)).toEqual(['sleep', 'sleep-2']);
  });

  test('an address that is none, and headers of other names, lead nowhere', () => {
    expect(names(sleep, '/x').backends).toEqual([]);
    const way = wayOf(
      sleep,
      {
        url: '/x',
        headers: [
          ['x-host', 'httpbin.foo'],
          ['HOST', 'other.foo'],
        ],
      },
      survey([]),
    );
    expect(way.backends.map(({ name }) => name)).toEqual(['other']);
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
      istio('Gateway', 'g', { selector: { istio: 'edge' }, servers }, 'edge'),
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
  const gateway = istio('Gateway', 'g', { selector: { istio: 'ingressgateway' }, servers });
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
    [
      'a route that names another gateway as well',
      [gateway, route(['*'], ['other', 'g'])],
      undefined,
      ['httpbin'],
    ],
    ['a route of a gateway of this name elsewhere', [gateway, route(['*'], ['bar/g'])], undefined, []],
    [
      'a route of one of two gateways',
      [istio('Gateway', 'more', { selector: { istio: 'ingressgateway' }, servers }), gateway, route(['*'])],
      undefined,
      ['httpbin'],
    ],
    [
      'a gateway of other pods',
      [istio('Gateway', 'g', { selector: { istio: 'other' }, servers }), route(['*'])],
      undefined,
      [],
    ],
    ['a route that names it with its namespace', [gateway, route(['*'], ['foo/g'])], undefined, ['httpbin']],
  ])('%s', (_, objects, host, expected) => {
    expect(names(ingress, '/', objects, host).backends).toEqual(expected);
  });

  test('a Gateway and a route without a namespace are those of default', () => {
    const bare = ({ metadata, ...rest }: KubeObject): KubeObject => ({
      ...rest,
      metadata: { name: metadata.name },
    });
    const to = { hosts: ['*'], http: [{ route: [{ destination: { host: 'httpbin.foo' } }] }] };
    const of = (gateways: string[], namespace = 'foo') =>
      istio('VirtualService', 'v', { ...to, gateways }, namespace);
    const backends = (...objects: KubeObject[]) => names(ingress, '/', objects).backends;
    expect(backends(bare(gateway), of(['default/g']))).toEqual(['httpbin']);
    expect(backends(bare(gateway), of(['g']))).toEqual([]);
    expect(backends(bare(gateway), bare(of(['g'])))).toEqual(['httpbin']);
    expect(backends(gateway, bare(of(['g'])))).toEqual([]);
  });

  test('all its pods count, of its namespace and with its labels', () => {
    const labels = { istio: 'ingressgateway' };
    const more = [
      pod('second', { proxy: 'gateway', namespace: 'istio-system', labels: { ...labels, own: 'yes' } }),
      pod('elsewhere', { proxy: 'gateway', namespace: 'bar', labels }),
      pod('egress', { proxy: 'gateway', namespace: 'istio-system', labels: { istio: 'egressgateway' } }),
    ];
    // One of them has this Gateway.
    const own = istio('Gateway', 'g', { selector: { own: 'yes' }, servers });
    const way = wayOf(
      ingress,
      { url: '/', headers: [] },
      survey([own, route(['*'])], { pods: [...pods, ...more] }),
    );
    expect(way.gateways.map(({ name }) => name)).toEqual(['gateway', 'second']);
    expect(way.backends.map(({ name }) => name)).toEqual(['httpbin']);
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

describe('through a Gateway that is named', () => {
  const own = pod('edge-istio', {
    proxy: 'gateway',
    labels: { 'gateway.networking.k8s.io/gateway-name': 'edge' },
  });
  const through = (namespace: string, name: string): Origin => ({
    kind: 'ingress',
    gateway: { namespace, name },
  });
  const gatewaysOf = (origin: Origin, objects: KubeObject[]) =>
    wayOf(origin, { url: '/', headers: [] }, survey(objects, { pods: [...pods, own] })).gateways.map(
      ({ name }) => name,
    );
  const ofGatewayApi = {
    ...istio('Gateway', 'edge', {}),
    apiVersion: 'gateway.networking.k8s.io/v1',
  };

  test('requests begin at its pods: by name for the Gateway API, by labels in any namespace for Istio', () => {
    expect(gatewaysOf(through('foo', 'edge'), [ofGatewayApi])).toEqual(['edge-istio']);
    const ofIstio = istio('Gateway', 'mine', { selector: { istio: 'edge' }, servers });
    expect(gatewaysOf(through('foo', 'mine'), [ofIstio, ofGatewayApi])).toEqual(['edge']);
  });

  test('no pod is taken for one that is not there, in this namespace or at all', () => {
    expect(gatewaysOf(through('bar', 'edge'), [ofGatewayApi])).toEqual([]);
    expect(gatewaysOf(through('foo', 'edge'), [])).toEqual([]);
    expect(gatewaysOf(through('foo', 'edge'), [{ ...ofGatewayApi, kind: 'HTTPRoute' }])).toEqual([]);
  });
});

describe('an HTTPRoute', () => {
  const own = pod('edge-istio', {
    proxy: 'gateway',
    labels: { own: 'yes', 'gateway.networking.k8s.io/gateway-name': 'edge' },
  });
  const found = (spec: object | undefined, namespace = 'foo', host?: string) => {
    const route: KubeObject = {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'r', namespace },
      ...(spec === undefined
        ? {}
        : { spec: { parentRefs: [{ name: 'edge' }], rules: [to('httpbin')], ...spec } }),
    };
    const objects = [route, service('edge-istio', { selector: { own: 'yes' } })];
    const headers: [string, string][] = host === undefined ? [] : [['Host', host]];
    const way = wayOf(
      sleep,
      { url: 'http://edge-istio.foo', headers },
      survey(objects, { pods: [...pods, own] }),
    );
    return [way.backends.map(({ name }) => name).join(), way.varies];
  };
  const to = (...services: string[]) => ({ backendRefs: services.map((name) => ({ name, port: 8000 })) });
  const unknown = ['', 'it is not known who answers'];

  test.each<[string, Parameters<typeof found>, (string | undefined)[]]>([
    ['leads to its backend', [{}], ['httpbin', undefined]],
    ['of another gateway does not count', [{ parentRefs: [{ name: 'other' }] }], unknown],
    [
      'of a gateway of this name elsewhere neither',
      [{ parentRefs: [{ name: 'edge', namespace: 'bar' }] }],
      unknown,
    ],
    ['may be elsewhere itself', [{ parentRefs: [{ name: 'edge', namespace: 'foo' }] }, 'bar'], unknown],
    [
      'and name the namespace of its backend',
      [
        {
          parentRefs: [{ name: 'edge', namespace: 'foo' }],
          rules: [{ backendRefs: [{ name: 'httpbin', namespace: 'foo' }] }],
        },
        'bar',
      ],
      ['httpbin', undefined],
    ],
    ['for the host', [{ hostnames: ['a.example.com'] }, 'foo', 'a.example.com'], ['httpbin', undefined]],
    [
      'for several hosts',
      [{ hostnames: ['b.example.com', 'a.example.com'] }, 'foo', 'a.example.com'],
      ['httpbin', undefined],
    ],
    ['for another host', [{ hostnames: ['b.example.com'] }, 'foo', 'a.example.com'], unknown],
    ['of several rules', [{ rules: [{}, to('httpbin')] }], ['httpbin', undefined]],
    ['without rules', [{ rules: undefined }], unknown],
    ['without parents', [{ parentRefs: undefined }], unknown],
    ['without a spec', [undefined], unknown],
    [
      'with several backends leaves it to chance',
      [{ rules: [to('httpbin', 'other')] }],
      ['httpbin,other', 'HTTPRoute foo/r has several backends'],
    ],
  ])('%s', (_, input, expected) => {
    expect(found(...input)).toEqual(expected);
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
    expect(
      why([route({ ...to, fault: { abort: { httpStatus: 418, percentage: { value: 0 } } } })]),
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
    [
      'VirtualService foo/v divides requests among several destinations',
      [route(to, { route: [...to.route, ...to.route] })],
      {},
    ],
    ['EnvoyFilter foo/f changes a proxy on the way', [istio('EnvoyFilter', 'f', {})], {}],
    ['WasmPlugin foo/f changes a proxy on the way', [istio('WasmPlugin', 'f', {})], {}],
    [
      'EnvoyFilter foo/f changes a proxy on the way',
      [istio('EnvoyFilter', 'f', { workloadSelector: { labels: { app: 'sleep' } } })],
      {},
    ],
    ['this user may not see whether there is a WasmPlugin', [], { hidden: ['Secret', 'WasmPlugin'] }],
    ['this user may not see whether there is a VirtualService', [], { hidden: ['VirtualService'] }],
    ['this user may not see whether there is a EnvoyFilter', [], { hidden: ['EnvoyFilter'] }],
  ])('%s', (expected, objects, more) => {
    expect(why(objects, more)).toBe(expected);
  });

  test('with two gateways, and by filters of these', () => {
    const gateway = istio('Gateway', 'g', { selector: { istio: 'ingressgateway' }, servers });
    const to = { hosts: ['*'], gateways: ['g'], http: [{ route: [{ destination: { host: 'httpbin' } }] }] };
    const through = (objects: KubeObject[], more: Partial<Survey> = {}) =>
      wayOf(
        ingress,
        { url: '/', headers: [] },
        survey([gateway, istio('VirtualService', 'v', to), ...objects], more),
      ).varies;
    expect(through([])).toBeUndefined();
    const second = pod('gateway-2', { ...pods[4], name: 'gateway-2' });
    expect(through([], { pods: [...pods, second] })).toBe('2 gateways pass requests on');
    const filter = istio(
      'EnvoyFilter',
      'f',
      { workloadSelector: { labels: { istio: 'ingressgateway' } } },
      'istio-system',
    );
    expect(through([filter])).toBe('EnvoyFilter istio-system/f changes a proxy on the way');
    expect(through([], { hidden: ['Secret'] })).toBeUndefined();
  });

  test('a workload of the scenario itself is told from an application of ours', () => {
    const own = pods.map((each) => (each.name === 'httpbin' ? { ...each, isApp: false } : each));
    const of = (more: Partial<Survey>) =>
      wayOf(sleep, { url: 'http://httpbin.foo:8000', headers: [] }, survey([], more)).isOwn;
    expect([of({}), of({ pods: own })]).toEqual([false, true]);
    const beside = pod('httpbin-2', { labels: { app: 'httpbin' }, isApp: true });
    expect(of({ pods: [beside, ...own] })).toBe(true);
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
