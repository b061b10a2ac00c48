/** Which proxies a request passes: routes by their matches, and who has an identity. */
import { describe, expect, test } from 'vitest';
import { worldOf } from '../../../src/explain/world.ts';
import { type Hop, hopsOf, type Sent } from '../../../src/run/explain/hops.ts';
import type { KubeObject } from '../../../src/target/target.ts';

const object = (group: string, kind: string, name: string, spec: object, namespace = 'foo'): KubeObject => ({
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name, namespace },
  spec,
});
const workload = (name: string, port: object = {}): KubeObject[] => [
  object('apps', 'Deployment', name, {
    template: { metadata: { labels: { app: name, 'sidecar.istio.io/inject': 'true' } } },
  }),
  object('', 'Service', name, { selector: { app: name }, ports: [{ name: 'http', port: 80, ...port }] }),
];
const base = [...workload('a'), ...workload('b'), ...workload('client')];
const servers = [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }];
const gateway = object('networking.istio.io', 'Gateway', 'gw', {
  selector: { istio: 'ingressgateway' },
  servers,
});
const routes = (http: object[], more: object = {}) =>
  object('networking.istio.io', 'VirtualService', 'vs', {
    hosts: ['shop.example.com'],
    gateways: ['foo/gw'],
    http,
    ...more,
  });
const to = (host: string) => ({ route: [{ destination: { host } }] });

const allow = (...rules: object[]) =>
  object('security.istio.io', 'AuthorizationPolicy', 'own', {
    selector: { matchLabels: { app: 'a' } },
    rules,
  });

/** A request from the client. */
const sentTo = (url: string, objects: readonly KubeObject[]): Sent => ({
  origin: { kind: 'pod', app: 'client', namespace: 'foo' },
  request: { id: '', method: 'GET', url, headers: [] },
  survey: worldOf([...base, ...objects]),
  ingressUrl: undefined,
});

interface Way {
  /** What is called by a pod; empty: it goes through the gateway. */
  readonly pod?: string;
  readonly method?: string;
  readonly headers?: [string, string][];
  readonly sent?: Partial<Sent>;
}

function walk(objects: readonly KubeObject[], path: string, way: Way = {}): Hop[] {
  const { pod = '', method = 'GET', headers = [], sent = {} } = way;
  return hopsOf(
    {
      origin: pod === '' ? { kind: 'ingress' } : { kind: 'pod', app: 'client', namespace: 'foo' },
      request: {
        id: '',
        method,
        url: pod === '' ? path : `http://${pod}.foo${path}`,
        headers: [...(pod === '' ? [['Host', 'shop.example.com'] as [string, string]] : []), ...headers],
      },
      survey: worldOf([...base, ...objects]),
      ingressUrl: undefined,
      hasFilters: true,
      ...sent,
    },
    () => 'Ok',
  );
}

/** Names of the pods but for the gateway outside, and what the last of them says. */
function passed(objects: readonly KubeObject[], path: string, way: Way = {}) {
  const hops = walk(objects, path, way);
  const last = hops.at(-1)?.answer;
  return [
    hops.map((hop) => hop.pod.name).slice(way.pod === undefined ? 1 : 0),
    last?.status,
    ...(last?.unknown ?? []),
  ];
}

describe('routes', () => {
  const list = [
    { match: [{ uri: { prefix: '/b/' }, method: { exact: 'GET' } }], rewrite: { uri: '/' }, ...to('b') },
    { match: [{ uri: { regex: '/[0-9]+' } }], ...to('b.foo.svc.cluster.local') },
    { match: [{ uri: { exact: '/CASE' }, ignoreUriCase: true }], ...to('b') },
    { match: [{ headers: { 'x-b': { exact: '1' } } }], ...to('b') },
    { match: [{ uri: { exact: '/moved' } }], redirect: { uri: '/' } },
    { match: [{ uri: { exact: '/odd' }, queryParams: { a: { exact: '1' } } }], ...to('a') },
    { match: [{ uri: { regex: '/R[0-9]' }, ignoreUriCase: true }], ...to('b') },
    { match: [{ ignoreUriCase: true, method: { exact: 'PUT' } }], ...to('b') },
    { match: [{ headers: { 'x-any': {} } }], ...to('b') },
    {
      match: [{ uri: { exact: '/claim' }, headers: { '@request.auth.claims.a': { exact: '1' } } }],
      ...to('b'),
    },
    { match: [{ uri: { regex: '(?i)/only-re2' }, method: { exact: 'POST' } }], ...to('a') },
    {
      match: [{ uri: { exact: '/regex' } }],
      rewrite: { uriRegexRewrite: { match: '/', rewrite: '' } },
      ...to('a'),
    },
    { match: [{ uri: { exact: '/none' } }], route: [] },
    { match: [{ uri: { prefix: '/a' } }], ...to('a') },
  ];
  test.each([
    ['/b/x', {}, [['b'], 200]],
    ['/b/x', { method: 'DELETE' }, [[], 404]],
    ['/12', {}, [['b'], 200]],
    ['/case', {}, [['b'], 200]],
    ['/x', { headers: [['X-B', '1']] as [string, string][] }, [['b'], 200]],
    ['/abc', {}, [['a'], 200]],
    // None fits: policies of the gateway let it pass, and nobody is behind.
    ['/x', {}, [[], 404]],
    [
      '/moved',
      {},
      [['b'], undefined, 'what redirect of VirtualService foo/vs makes of it is not known here'],
    ],
    ['/CASE', {}, [['b'], 200]],
    ['/ABC', {}, [[], 404]],
    ['/R1', {}, [['b'], 200]],
    ['/r1', {}, [[], 404]],
    ['/x', { method: 'PUT' }, [['b'], 200]],
    [
      '/x',
      {
        headers: [
          ['x-other', '1'],
          ['x-b', '2'],
        ] as [string, string][],
      },
      [[], 404],
    ],
    ['/x', { headers: [['x-any', '']] as [string, string][] }, [['b'], 200]],
    ['/claim', {}, [['b'], undefined, 'which route of VirtualService foo/vs it takes is not known here']],
    [
      '/x',
      { method: 'POST' },
      [['a'], undefined, 'which route of VirtualService foo/vs it takes is not known here'],
    ],
    [
      '/regex',
      {},
      [['a'], undefined, 'what uriRegexRewrite of VirtualService foo/vs makes of it is not known here'],
    ],
    ['/none', {}, [['b'], 200]],
    ['/odd', {}, [['a'], undefined, 'which route of VirtualService foo/vs it takes is not known here']],
  ])('%s %j', (path, request, wanted) => {
    expect(passed([gateway, routes(list)], path, request)).toEqual(wanted);
  });

  test.each([
    [{ uri: { prefix: '/eat' } }, '/', '/eat/x?a=1', '//x?a=1'],
    [{ uri: { prefix: '/eat/' } }, '/', '/eat/x', '/x'],
    [{ uri: { exact: '/old' } }, '/new', '/old?a=1', '/new?a=1'],
    [{ uri: { regex: '/[0-9]+' } }, '/new', '/12', '/new'],
    [{ method: { exact: 'GET' } }, '/base/', '/x?a=1', '/base/x?a=1'],
  ])('for %j, with %s in its place, make of %s %s', (match, uri, path, seen) => {
    const [, hop] = walk([gateway, routes([{ match: [match], rewrite: { uri }, ...to('b') }])], path);
    expect(hop?.answer.path).toBe(seen);
    expect(hop?.notes).toEqual([
      `VirtualService foo/vs rewrites ${path} to ${seen}, and the workload sees that`,
    ]);
  });

  test('that rewrite nothing leave the path, and say nothing of it', () => {
    const [, hop] = walk([gateway, routes([to('b')])], '/x?a=1');
    expect([hop?.answer.path, hop?.notes]).toEqual(['/x?a=1', []]);
  });

  test('may rewrite the host', () => {
    const rules = [{ to: [{ operation: { hosts: ['b.internal'] } }] }];
    const own = object('security.istio.io', 'AuthorizationPolicy', 'own', {
      selector: { matchLabels: { app: 'b' } },
      rules,
    });
    const rewritten = routes([{ rewrite: { authority: 'b.internal' }, ...to('b') }]);
    expect(passed([gateway, rewritten, own], '/')).toEqual([['b'], 200]);
    expect(passed([gateway, routes([to('b')]), own], '/')).toEqual([['b'], 403]);
  });

  test('are those of a VirtualService for the host, and of a Gateway that the pod serves', () => {
    const two = routes([to('b')], {
      hosts: ['other.example.com', 'shop.example.com'],
      gateways: ['foo/none', 'foo/gw'],
    });
    expect(
      passed(
        [
          object('networking.istio.io', 'Gateway', 'none', { selector: { istio: 'other' }, servers }),
          gateway,
          two,
        ],
        '/',
      ),
    ).toEqual([['b'], 200]);
    const foreign = object('networking.istio.io', 'Gateway', 'gw', { selector: { istio: 'other' }, servers });
    const policy = object('security.istio.io', 'AuthorizationPolicy', 'gw', { rules: [{}] }, 'istio-system');
    const ofPolicy = routes([to('b')], { gateways: ['istio-system/gw'] });
    for (const objects of [
      [foreign, routes([to('b')])],
      [policy, ofPolicy],
    ])
      expect(passed(objects, '/')).toEqual([[], 200]);
    // The port is open, and nothing is for the host; or it is, and has no route for HTTP.
    for (const own of [
      routes([to('b')], { hosts: undefined }),
      routes([], { http: undefined, tcp: [to('b')] }),
    ])
      expect(passed([gateway, own], '/')).toEqual([[], 404]);
  });

  test('of a Gateway without a port for HTTP are followed by nobody', () => {
    const closed = object('networking.istio.io', 'Gateway', 'closed', {
      selector: { istio: 'ingressgateway' },
    });
    const bound = routes([to('b')], { gateways: ['foo/closed'] });
    const hops = walk([closed, bound], '/');
    expect(hops.map(({ answer }) => [answer.status, ...answer.unknown])).toEqual([
      [undefined, expect.stringMatching(/^Gateway foo\/closed has no servers, so it opens no port\. Write /)],
    ]);
    // Another one is open, and has no route.
    expect(passed([closed, gateway, bound], '/')).toEqual([[], 404]);
  });

  test('of a VirtualService without a namespace are in default', () => {
    const { metadata, ...rest } = routes(
      [{ match: [{ uri: { prefix: '/x' } }], rewrite: { uri: '/y' }, ...to('d') }],
      {
        hosts: ['d'],
        gateways: ['mesh'],
      },
    );
    const bare = { ...rest, metadata: { name: metadata.name } };
    const there = workload('d').map((each) => ({
      ...each,
      metadata: { ...each.metadata, namespace: 'default' },
    }));
    const way = (url: string) =>
      walk([...there, bare], '', {
        pod: 'a',
        sent: { request: { id: '', method: 'GET', url, headers: [] } },
      }).map(({ pod, notes }) => [pod.namespace, pod.name, ...notes]);
    expect(way('http://d.default/x')).toEqual([
      ['default', 'd', 'VirtualService default/vs rewrites /x to /y, and the workload sees that'],
    ]);
  });

  test('are found by a short name from a pod of the namespace, and not at a gateway', () => {
    const request = { id: '', method: 'GET', url: 'http://a/', headers: [] };
    const mesh = routes([{ rewrite: { uri: '/seen' }, ...to('b') }], {
      hosts: ['a.foo.svc.cluster.local'],
      gateways: ['mesh'],
    });
    const [hop] = walk([mesh], '', { pod: 'a', sent: { request } });
    expect([hop?.pod.name, hop?.answer.path]).toEqual(['b', '/seen']);
    const own = object(
      'networking.istio.io',
      'VirtualService',
      'vs',
      { hosts: ['a.istio-system.svc.cluster.local'], gateways: ['foo/gw'], http: [to('b.foo')] },
      'istio-system',
    );
    const outside = { ...request, url: '/', headers: [['Host', 'a'] as [string, string]] };
    expect(passed([gateway, own], '/', { sent: { request: outside } })).toEqual([[], 404]);
  });

  test('that a user may not see are there perhaps', () => {
    const survey = { ...worldOf([...base, gateway]), hidden: ['VirtualService'] };
    expect(passed([], '/', { sent: { survey } })).toEqual([[], 200]);
  });

  test('lead to a Service that selects pods of its namespace', () => {
    const elsewhere = workload('b').map((each) => ({
      ...each,
      metadata: { ...each.metadata, namespace: 'bar' },
    }));
    const [hop] = walk([], '/', {
      pod: 'a',
      sent: {
        survey: worldOf([...elsewhere, ...base, routes([to('b')], { hosts: ['a'], gateways: ['mesh'] })]),
      },
    });
    expect(hop?.pod).toMatchObject({ namespace: 'foo', name: 'b' });
    // Nobody knows what is behind one without a selector.
    const bare = object('', 'Service', 'bare', { ports: [{ name: 'http', port: 80 }] });
    expect(passed([gateway, routes([to('bare')]), bare], '/')).toEqual([[], 200]);
  });

  test('of the Gateway API lead on as well', () => {
    const api = (kind: string, name: string, spec: object) =>
      object('gateway.networking.k8s.io', kind, name, spec);
    const backendRefs = [{ name: 'b', port: 80 }];
    const objects = [
      api('Gateway', 'edge', { listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] }),
      api('HTTPRoute', 'r', { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs }] }),
    ];
    const survey = {
      ...worldOf([...base, ...objects]),
      ingress: { namespace: 'foo', labels: { 'gateway.networking.k8s.io/gateway-name': 'edge' } },
    };
    expect(walk([], '/x', { sent: { survey } }).map(({ pod }) => pod.name)).toEqual(['edge-istio', 'b']);
  });

  test('that nobody can follow have no end where there is no workload', () => {
    const moved = routes([{ redirect: { uri: '/' } }]);
    expect(walk([gateway, moved], '/').map(({ pod }) => pod.name)).toEqual(['istio-ingressgateway']);
  });

  test('of the mesh are not for a gateway that is not there', () => {
    const mesh = routes([to('b')], { gateways: ['mesh'] });
    const survey = { ...worldOf([...base, mesh]), ingress: { namespace: 'none', labels: {} } };
    expect(walk([], '/', { sent: { survey } })).toEqual([]);
  });

  test('of a gateway are for nobody else', () => {
    const all = routes([to('b')], { hosts: ['*'] });
    expect(passed([gateway, all], '/', { pod: 'a' })).toEqual([['a'], 200]);
    expect(passed([routes([to('b')], { hosts: ['a'], gateways: ['mesh'] })], '/', { pod: 'a' })).toEqual([
      ['b'],
      200,
    ]);
  });
});

test.each([
  [{ mtls: { mode: 'STRICT' } }, 200],
  [{ mtls: { mode: 'DISABLE' } }, 403],
  [{ mtls: { mode: 'STRICT' }, portLevelMtls: { 80: { mode: 'DISABLE' } } }, 403],
  [{ mtls: { mode: 'DISABLE' }, portLevelMtls: { 80: { mode: 'UNSET' } } }, 403],
])('who the client is, with PeerAuthentication %j: %s', (spec, status) => {
  const selector = { matchLabels: { app: 'a' } };
  const rules = [{ from: [{ source: { namespaces: ['foo'] } }] }];
  const objects = [
    object('security.istio.io', 'PeerAuthentication', 'mode', { selector, ...spec }),
    object('security.istio.io', 'AuthorizationPolicy', 'own', { selector, rules }),
  ];
  expect(passed(objects, '/', { pod: 'a' })).toEqual([['a'], status]);
});

test('a filter of somebody else may change everything', () => {
  const filter = object('networking.istio.io', 'EnvoyFilter', 'lua', {
    workloadSelector: { labels: { app: 'a' } },
  });
  expect(passed([filter], '/', { pod: 'a' })).toEqual([
    ['a'],
    undefined,
    'EnvoyFilter foo/lua may change everything',
  ]);
});

test('filters of others do not keep from explaining what was', () => {
  const filter = object('networking.istio.io', 'EnvoyFilter', 'lua', {});
  expect(passed([filter], '/', { pod: 'a', sent: { hasFilters: false } })).toEqual([['a'], 200]);
  const { hasFilters: _, ...sent } = sentTo('http://a.foo/', [filter]);
  expect(hopsOf(sent, () => 'Ok').at(-1)?.answer.status).toBe(200);
});

describe('who and where the client is', () => {
  test('nobody knows one without a sidecar, or one that is not there', () => {
    const policy = allow({ from: [{ source: { namespaces: ['foo'] } }] });
    const bare = object('apps', 'Deployment', 'bare', {
      template: { metadata: { labels: { app: 'bare' } } },
    });
    const from = (app: string) =>
      passed([policy, bare], '/', { pod: 'a', sent: { origin: { kind: 'pod', app, namespace: 'foo' } } });
    expect(from('client')).toEqual([['a'], 200]);
    expect(from('bare')).toEqual([['a'], 403]);
    expect(from('none')).toEqual([['a'], 403]);
  });

  test.each<[string, 403 | undefined]>([
    ['X-Forwarded-For', undefined],
    ['x-forwarded-for', undefined],
    ['x-forwarded-for-me', 403],
    ['not-x-forwarded-for', 403],
  ])('with a header %s its address is: %s', (name, status) => {
    const policy = allow({ from: [{ source: { remoteIpBlocks: ['203.0.113.9'] } }] });
    const way = {
      pod: 'a',
      headers: [
        ['x-other', '1'],
        [name, '203.0.113.9'],
      ],
      sent: { address: 'private' },
    } as const;
    expect(
      walk([policy], '/', { ...way, headers: [...way.headers] as [string, string][] }).at(-1)?.answer.status,
    ).toBe(status);
  });
});

describe('the host of a request', () => {
  const rule = { jwtRules: [{ issuer: 'me', jwks: '{}' }] };
  const realm = (sent: Partial<Sent>) => {
    const hops = hopsOf(
      {
        ...sentTo('http://a.foo:80/x', [
          object('security.istio.io', 'RequestAuthentication', 'r', rule),
          object('security.istio.io', 'RequestAuthentication', 'r', rule, 'istio-system'),
        ]),
        ...sent,
      },
      () => 'Ok',
    );
    return /realm="([^"]*)"/.exec(hops.at(-1)?.answer.wwwAuthenticate ?? '')?.[1];
  };
  const bad: [string, string] = ['Authorization', 'Bearer bad'];
  const request = (url: string, ...headers: [string, string][]) => ({
    request: {
      id: '',
      method: 'GET',
      url,
      headers: [bad, ...headers, ['x-other', 'value'] as [string, string]],
    },
  });
  const outside = { origin: { kind: 'ingress' }, ingressUrl: 'http://127.0.0.1:31080' } as const;

  test.each<[string, Partial<Sent>, string]>([
    ['is in the address', request('http://a.foo:8000/x'), 'http://a.foo:8000/x'],
    ['is in its last header', request('http://a.foo/x', ['Host', 'a'], ['HOST', 'b']), 'http://b/x'],
    ['is that of the gateway from outside', { ...outside, ...request('/x') }, 'http://127.0.0.1:31080/x'],
    [
      'is not known where the gateway is not',
      { ...outside, ...request('/x'), ingressUrl: undefined },
      'http:///x',
    ],
    ['may be in a header from outside', { ...outside, ...request('/x', ['Host', 'b']) }, 'http://b/x'],
  ])('%s', (_, sent, wanted) => {
    expect(realm(sent)).toBe(wanted);
  });

  test('is a header for policies, too', () => {
    const policy = (...values: string[]) => allow({ when: [{ key: 'request.headers[host]', values }] });
    const of = (value: string) => passed([policy(value)], '/', { pod: 'a', headers: [['Host', 'a.foo']] });
    expect([of('a.foo')[1], of('a')[1]]).toEqual([200, 403]);
  });
});

test('a gateway says by which scheme it was asked, whatever the client says', () => {
  const jwt = object('security.istio.io', 'RequestAuthentication', 'r', {
    selector: { matchLabels: { app: 'a' } },
    jwtRules: [{ issuer: 'me', jwks: '{}' }],
  });
  const realm = (ingressUrl: string, said: string) =>
    walk([gateway, routes([to('a')]), jwt], '/x', {
      headers: [
        ['Authorization', 'Bearer bad'],
        ['X-Forwarded-Proto', said],
      ],
      sent: { ingressUrl },
    }).at(-1)?.answer.wwwAuthenticate;
  expect(realm('http://127.0.0.1:31080', 'https')).toContain('"http://shop.example.com/x"');
  expect(realm('https://127.0.0.1:31443', 'http')).toContain('"https://shop.example.com/x"');
});

describe('a token that a gateway takes out', () => {
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.round(Date.now() / 1000) + 3600;
  const token = `${encoded({ alg: 'RS256' })}.${encoded({ iss: 'me', sub: 'a', exp })}.c2ln`;
  const bearer: [string, string] = ['Authorization', `Bearer ${token}`];
  const notes = (rule: object, path: string, ...headers: [string, string][]) => {
    const jwtRules = [
      { issuer: 'me', jwks: '{}', ...rule },
      { issuer: 'another', jwks: '{}', fromHeaders: [{ name: 'none' }] },
    ];
    const tokens = object(
      'security.istio.io',
      'RequestAuthentication',
      'r',
      { selector: { matchLabels: { istio: 'ingressgateway' } }, jwtRules },
      'istio-system',
    );
    const hops = walk([gateway, routes([to('b')]), tokens], path, {
      headers: [['X-Other', '1'], ...headers],
    });
    expect(hops.map(({ pod }) => pod.name)).toEqual(['istio-ingressgateway', 'b']);
    return hops[1]?.notes;
  };
  const taken = [
    'istio-system/istio-ingressgateway has taken the token out of the request, as its rule has no forwardOriginalToken',
  ];

  test.each<[string, object, string, [string, string][], string[]]>([
    ['is told of', {}, '/', [bearer], taken],
    ['is told of where its claims go on', { outputPayloadToHeader: 'x-payload' }, '/', [bearer], taken],
    ['is told of in the query', {}, `/?access_token=${token}`, [], taken],
    ['is not taken out when it is forwarded', { forwardOriginalToken: true }, '/?a=1', [bearer], []],
    [
      'is not taken out of a path that is made plain',
      { forwardOriginalToken: true },
      '/x/../y?a=1',
      [bearer],
      [],
    ],
    [
      'is not taken out of headers that become one',
      { forwardOriginalToken: true },
      '/',
      [['Authorization', 'Basic x'], bearer],
      [],
    ],
    ['is not there', { outputPayloadToHeader: 'x-payload' }, '/', [['x-payload', '1']], []],
  ])('%s', (_, rule, path, headers, wanted) => {
    expect(notes(rule, path, ...headers)).toEqual(wanted);
  });
});

test('what comes behind a proxy that refuses is not asked', () => {
  const policy = object(
    'security.istio.io',
    'AuthorizationPolicy',
    'no',
    { action: 'DENY', rules: [{}] },
    'istio-system',
  );
  const hops = walk(
    [
      gateway,
      routes([to('b')]),
      {
        ...policy,
        spec: { ...(policy.spec as object), selector: { matchLabels: { istio: 'ingressgateway' } } },
      },
    ],
    '/',
  );
  expect(hops.map(({ pod, answer }) => [pod.name, answer.status])).toEqual([['istio-ingressgateway', 403]]);
});

test('of a proxy of which nothing is known, it is said why', () => {
  const [, hop] = walk([gateway, routes([{ fault: {}, ...to('b') }])], '/x', { headers: [['x-a', '1']] });
  const why = 'what fault of VirtualService foo/vs makes of it is not known here';
  expect(hop).toMatchObject({ notes: [why], pod: { name: 'b' } });
  expect(hop?.answer).toEqual({
    status: undefined,
    unknown: [why],
    headers: [['x-a', '1']],
    path: '/x',
    tokens: [],
    policies: [],
  });
});

test('a workload without a sidecar, and an address outside of the mesh, have no proxy', () => {
  const bare = [
    object('apps', 'Deployment', 'bare', { template: { metadata: { labels: { app: 'bare' } } } }),
    object('', 'Service', 'bare', { selector: { app: 'bare' } }),
  ];
  expect(walk(bare, '/', { pod: 'bare' })).toEqual([]);
  expect(walk([], '/', { pod: 'none' })).toEqual([]);
});

describe('mutual TLS', () => {
  const policy = allow({ from: [{ source: { namespaces: ['foo'] } }] });
  const mode = (spec: object | undefined, namespace = 'foo', kind = 'PeerAuthentication') =>
    ({ ...object('security.istio.io', kind, `mode-${namespace}`, {}, namespace), spec }) as KubeObject;
  const own = (mtls?: object) => ({ selector: { matchLabels: { app: 'a' } }, mtls });
  const [disable, strict, unset] = ['DISABLE', 'STRICT', 'UNSET'].map((each) => ({ mode: each }));

  test.each<[string, (KubeObject | undefined)[], 200 | 403]>([
    ['is there by default', [], 200],
    ['of the workload comes before that of its namespace', [mode({ mtls: disable }), mode(own(strict))], 200],
    ['of the workload comes first in any order', [mode(own(strict)), mode({ mtls: disable })], 200],
    [
      'of the namespace comes before that of the mesh',
      [mode({ mtls: disable }, 'istio-system'), mode({ mtls: strict })],
      200,
    ],
    [
      'of the namespace comes first in any order',
      [mode({ mtls: strict }), mode({ mtls: disable }, 'istio-system')],
      200,
    ],
    ['of the mesh counts', [mode({ mtls: disable }, 'istio-system')], 403],
    [
      'of the mesh counts where others say nothing',
      [mode(own()), mode({ mtls: unset }), mode({ mtls: disable }, 'istio-system')],
      403,
    ],
    [
      'of a policy without a spec is the wider one',
      [mode(undefined), mode({ mtls: disable }, 'istio-system')],
      403,
    ],
    ['of another namespace does not count', [mode({ mtls: disable }, 'bar')], 200],
    [
      'of another workload does not count',
      [mode({ selector: { matchLabels: { app: 'b' } }, mtls: disable })],
      200,
    ],
  ])('%s', (_, objects, status) => {
    expect(passed([policy, ...objects.filter((each) => each !== undefined)], '/', { pod: 'a' })).toEqual([
      ['a'],
      status,
    ]);
  });

  test('that is wanted of a client without a sidecar is not to be had', () => {
    const origin = { kind: 'pod', app: 'none', namespace: 'foo' } as const;
    const from = (spec: object) => passed([mode(spec)], '/', { pod: 'a', sent: { origin } });
    expect(from({ mtls: strict })).toEqual([
      ['a'],
      undefined,
      'PeerAuthentication wants mutual TLS, and the client sends plain text',
    ]);
    expect(from({ mtls: { mode: 'PERMISSIVE' } })).toEqual([['a'], 200]);
  });

  test.each<[string, string, KubeObject[], 200 | 403]>([
    ['names another form of the Service', 'a.foo.svc:80', [], 200],
    ['names nothing in the mesh', 'shop.example.com', [], 403],
    ['has a short name that is of another namespace', 'a.bar', [], 403],
    [
      'names what a VirtualService leads on',
      'shop.example.com',
      [routes([to('a')], { gateways: ['mesh'] })],
      200,
    ],
  ])('of a request whose Host %s', (_, host, objects, status) => {
    const request = { pod: 'a', headers: [['Host', host] as [string, string]] };
    expect(passed([policy, ...objects], '/', request)).toEqual([['a'], status]);
    const notes = walk([policy, ...objects], '/', request)[0]?.notes;
    const why = `no Service has the host ${host}, so the sidecar of the client sends the request on as it is, without mutual TLS`;
    expect(notes).toEqual(status === 403 ? [why] : []);
  });

  test('of what is no HTTP is there whatever its Host', () => {
    const tcp = [...workload('d', { name: 'tcp' }), mode({ mtls: strict })];
    const hops = walk(tcp, '/', { pod: 'd', headers: [['Host', 'shop.example.com']] });
    expect(hops.at(-1)?.answer.unknown).toEqual([]);
  });

  const rule = (
    spec: object,
    namespace: string | undefined = 'foo',
    kind = 'DestinationRule',
  ): KubeObject => {
    const { metadata, ...rest } = object('networking.istio.io', kind, 'rule', spec);
    return { ...rest, metadata: { name: metadata.name, ...(namespace === '' ? {} : { namespace }) } };
  };
  const plain = { trafficPolicy: { tls: { mode: 'DISABLE' } } };

  test.each<[string, KubeObject, 200 | 403]>([
    ['takes it away', rule({ host: 'a', ...plain }), 403],
    [
      'of another namespace takes it away by the whole name',
      rule({ host: 'a.foo.svc.cluster.local', ...plain }, 'bar'),
      403,
    ],
    ['means another host by a short name elsewhere', rule({ host: 'a', ...plain }, 'bar'), 200],
    ['means another host by a short name in default', rule({ host: 'a', ...plain }, ''), 200],
    [
      'of the mode of Istio leaves it',
      rule({ host: 'a', trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } }),
      200,
    ],
    ['without TLS leaves it', rule({ host: 'a', trafficPolicy: {} }), 200],
    ['without a policy leaves it', rule({ host: 'a' }), 200],
    ['for another host leaves it', rule({ host: 'b', ...plain }), 200],
    ['is of no other kind', rule({ host: 'a', ...plain }, 'foo', 'Sidecar'), 200],
    ['without a host leaves it', rule(plain), 200],
  ])('a DestinationRule that %s', (_, object_, status) => {
    expect(passed([policy, object_, rule({ host: 'client', ...plain })], '/', { pod: 'a' })).toEqual([
      ['a'],
      status,
    ]);
    expect(passed([policy, rule({ host: 'client', ...plain }), object_], '/', { pod: 'a' })).toEqual([
      ['a'],
      status,
    ]);
  });

  test('a DestinationRule without a namespace is one of default', () => {
    const there = workload('d').map((each) => ({
      ...each,
      metadata: { ...each.metadata, namespace: 'default' },
    }));
    const known = object(
      'security.istio.io',
      'AuthorizationPolicy',
      'own',
      { rules: [{ from: [{ source: { namespaces: ['foo'] } }] }] },
      'default',
    );
    const request = { id: '', method: 'GET', url: 'http://d.default/', headers: [] };
    expect(
      passed([...there, known, rule({ host: 'd', ...plain }, '')], '', { pod: 'd', sent: { request } }),
    ).toEqual([['d'], 403]);
  });

  test('a Gateway that selects the workload is no Service of it', () => {
    const other = object('networking.istio.io', 'Gateway', 'c', { selector: { app: 'a' }, servers });
    expect(passed([policy, other, rule({ host: 'c', ...plain })], '/', { pod: 'a' })).toEqual([['a'], 200]);
  });
});

describe('the port of the container', () => {
  const ports = [
    { name: 'http', port: 80, targetPort: 8080 },
    { name: 'http-more', port: 8000, targetPort: 8001 },
    { name: 'https', port: 443, targetPort: 8443 },
    { name: 'tcp', port: 9000, targetPort: 9001 },
  ];
  const c = (more: object = { ports }) => [
    ...workload('c').slice(0, 1),
    object('', 'Service', 'c', { selector: { app: 'c' }, ...more }),
  ];
  const portOf = (objects: KubeObject[], url: string) => {
    const rules = [{ to: [{ operation: { ports: ['1'] } }] }];
    const policy = object('security.istio.io', 'AuthorizationPolicy', 'p', {
      selector: { matchLabels: { app: 'c' } },
      rules,
    });
    const request = { id: '', method: 'GET', url, headers: [['Host', 'c.foo'] as [string, string]] };
    const { origin } = sentTo('', []);
    const hops = walk([...objects, policy], '', {
      sent: { request, origin: url.startsWith('/') ? { kind: 'ingress' } : origin },
    });
    return hops.at(-1)?.answer.policies[0]?.rules[0]?.fields[0]?.has;
  };
  const route = (port?: object) =>
    routes([{ route: [{ destination: { host: 'c', port } }] }], {
      hosts: ['c', 'c.foo'],
      gateways: ['mesh', 'foo/gw'],
    });

  test.each<[string, KubeObject[], string, string | undefined]>([
    ['is that of the address', c(), 'http://c.foo:8000/', '8001'],
    ['is that of port 80 without one', c(), 'http://c.foo/', '8080'],
    ['is that of port 443 with TLS', c(), 'https://c.foo/', '8443'],
    ['is not known for a port that is not there', c(), 'http://c.foo:1/', undefined],
    ['is that of the route', [...c(), route({ number: 8000 })], 'http://c.foo/', '8001'],
    ['is not known where the route leaves it open', [...c(), route()], 'http://c.foo/', undefined],
    [
      'is the only one that there is',
      [...c({ ports: ports.slice(1, 2) }), route(), gateway],
      'http://c.foo/',
      '8001',
    ],
    ['is the only one from outside', [...c({ ports: ports.slice(1, 2) }), route(), gateway], '/', '8001'],
    ['is not the first of several from outside', [...c(), route(), gateway], '/', undefined],
    ['is not known of a Service without any', c({}), 'http://c.foo/', undefined],
  ])('%s', (_, objects, url, wanted) => {
    expect(portOf(objects, url)).toBe(wanted);
  });
});
