/** Which proxies a request passes: routes by their matches, and who has an identity. */
import { describe, expect, test } from 'vitest';
import { worldOf } from '../../../src/explain/world.ts';
import { hopsOf } from '../../../src/run/explain/hops.ts';
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
const gateway = object('networking.istio.io', 'Gateway', 'gw', { selector: { istio: 'ingressgateway' } });
const routes = (http: object[], more: object = {}) =>
  object('networking.istio.io', 'VirtualService', 'vs', {
    hosts: ['shop.example.com'],
    gateways: ['foo/gw'],
    http,
    ...more,
  });
const to = (host: string) => ({ route: [{ destination: { host } }] });

/** Names of the pods, and what the last of them says. */
function passed(
  objects: readonly KubeObject[],
  path: string,
  { pod = '', method = 'GET', headers = [] as [string, string][] } = {},
) {
  const hops = hopsOf(
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
    },
    () => 'Ok',
  );
  const last = hops.at(-1)?.answer;
  return [hops.map((hop) => hop.pod.name).slice(pod === '' ? 1 : 0), last?.status, ...(last?.unknown ?? [])];
}

describe('routes', () => {
  const list = [
    { match: [{ uri: { prefix: '/b/' }, method: { exact: 'GET' } }], rewrite: { uri: '/' }, ...to('b') },
    { match: [{ uri: { regex: '/[0-9]+' } }], ...to('b.foo.svc.cluster.local') },
    { match: [{ uri: { exact: '/CASE' }, ignoreUriCase: true }], ...to('b') },
    { match: [{ headers: { 'x-b': { exact: '1' } } }], ...to('b') },
    { match: [{ uri: { exact: '/moved' } }], redirect: { uri: '/' } },
    { match: [{ uri: { exact: '/odd' }, queryParams: { a: { exact: '1' } } }], ...to('a') },
    { match: [{ uri: { prefix: '/a' } }], ...to('a') },
  ];
  test.each([
    ['/b/x', {}, [['b'], 200]],
    ['/b/x', { method: 'POST' }, [[], 200]],
    ['/12', {}, [['b'], 200]],
    ['/case', {}, [['b'], 200]],
    ['/x', { headers: [['X-B', '1']] as [string, string][] }, [['b'], 200]],
    ['/abc', {}, [['a'], 200]],
    // None fits: the gateway passes it, and nobody is behind.
    ['/x', {}, [[], 200]],
    [
      '/moved',
      {},
      [['b'], undefined, 'what redirect of VirtualService foo/vs makes of it is not known here'],
    ],
    ['/odd', {}, [['a'], undefined, 'which route of VirtualService foo/vs it takes is not known here']],
  ])('%s %j', (path, request, wanted) => {
    expect(passed([gateway, routes(list)], path, request)).toEqual(wanted);
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
