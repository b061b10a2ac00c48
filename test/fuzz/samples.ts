/** What is right, to be changed: answers of a mesh and files that no golden file has. */
import type { Sent } from '../../src/run/proof/concerned.ts';
import type { KubeObject, Survey } from '../../src/target/target.ts';

export const baseline = `known:
  - check: require-jwt/a token is required/valid//headers
    istio: "<1.31"
    target: [kind, local]
    fetch: envoy
    answer: 401
    reason: https://github.com/istio/istio/issues/1
    until: 2027-01-31
  - { check: "require-*", answer: "RBAC: *", reason: none, until: 2027-01-31 }
`;

export const settings = `target: local
istio: 1.30
keep: true
tag: [a, b]
grep: require
repeat: 3
`;

export const meshSettings = `accessLogFile: /dev/stdout
defaultConfig:
  discoveryAddress: istiod.istio-system.svc:15012
  proxyMetadata: { A: b }
extensionProviders:
  - name: oauth
    envoyExtAuthzHttp: { service: a.b.svc.cluster.local, port: 8000, timeout: 1m30s }
outbound_traffic_policy: { mode: REGISTRY_ONLY }
trustDomain: cluster.local
`;

const filters = [
  {
    name: 'envoy.filters.http.jwt_authn',
    typed_config: {
      providers: {
        'origins-0': {
          issuer: 'testing@secure.istio.io',
          audiences: ['a'],
          local_jwks: { inline_string: '{"keys":[{"kty":"RSA","kid":"a","n":"b","e":"AQAB"}]}' },
          from_headers: [{ name: 'X-Token', value_prefix: 'Bearer ' }],
          claim_to_headers: [{ header_name: 'X-Sub', claim_name: 'sub' }],
          forward: true,
        },
        'origins-1': { issuer: 'b', remote_jwks: { http_uri: { uri: 'http://keys.foo/jwks.json' } } },
      },
    },
  },
  {
    name: 'envoy.filters.http.rbac',
    typed_config: {
      rules: {
        action: 'DENY',
        policies: { 'ns[foo]-policy[require-jwt]-rule[0]': { permissions: [{ any: true }], principals: [] } },
      },
      shadow_rules: { policies: { 'ns[foo]-policy[jwt-e2e-marker]-rule[0]': { a: '.*/ns/m-1/.*' } } },
    },
  },
];

export const dump = {
  configs: [
    {
      name: 'virtualInbound',
      active_state: {
        listener: {
          name: 'virtualInbound',
          traffic_direction: 'INBOUND',
          filter_chains: [
            {
              filters: [
                {
                  name: 'envoy.filters.network.http_connection_manager',
                  typed_config: { http_filters: filters },
                },
              ],
            },
          ],
        },
      },
    },
    { name: 'other', error_state: { details: 'refused', failed_configuration: { name: 'other' } } },
  ],
};

export const serverInfo = {
  version: 'abcdef/1.40.0/Clean/RELEASE/BoringSSL',
  state: 'LIVE',
  node: { id: 'sidecar~10.0.0.1~a.foo~foo.svc.cluster.local', metadata: { ISTIO_VERSION: '1.31.1' } },
};

export const syncz = [
  { proxy: 'httpbin-1.foo', listener_sent: 'a', listener_acked: 'a', cluster_sent: 'b' },
  { proxy: 'sleep-1.foo', listener_sent: 'a' },
];

export const discovery = {
  kind: 'APIResourceList',
  groupVersion: 'v1',
  resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'] }],
};

const about = { namespace: 'foo', labels: { app: 'httpbin' }, annotations: { a: 'b' }, uid: 'u' };
const selector = { matchLabels: { app: 'httpbin' } };

export const objects: readonly KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'httpbin-1-2', ...about },
    spec: {
      containers: [{ name: 'httpbin', image: 'a' }],
      initContainers: [{ name: 'istio-proxy' }],
      volumes: [],
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'httpbin', ready: true, restartCount: 1, state: { running: {} } }],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'httpbin', ...about },
    spec: { selector: { app: 'httpbin' }, ports: [{ port: 8000 }], type: 'ClusterIP' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'httpbin', ...about },
    spec: { replicas: 1, selector, template: { spec: { containers: [{ name: 'discovery' }] } } },
    status: { observedGeneration: 1, replicas: 1, conditions: [{ type: 'Progressing', status: 'True' }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'httpbin-x', ...about },
    endpoints: [{ conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'httpbin-1-2' } }],
  } as KubeObject,
  {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name: 'require-jwt', namespace: 'foo' },
    spec: { action: 'DENY', selector, rules: [{ from: [{ source: { notRequestPrincipals: ['*'] } }] }] },
  },
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: 'httpbin', namespace: 'foo' },
    spec: { hosts: ['httpbin'], http: [{ route: [{ destination: { host: 'httpbin.foo' }, weight: 1 }] }] },
  },
];

export const declared: readonly KubeObject[] = [
  {
    apiVersion: 'security.istio.io/v1',
    kind: 'RequestAuthentication',
    metadata: { name: 'jwt', namespace: 'foo' },
    spec: { selector, jwtRules: [{ issuer: 'testing@secure.istio.io', jwks: '{"keys":[]}' }] },
  },
  ...objects.filter(({ kind }) => kind === 'AuthorizationPolicy' || kind === 'Service'),
];

const pod = { namespace: 'foo', isReady: true, proxy: 'sidecar', isAmbient: false, isApp: true } as const;

export const survey: Survey = {
  rootNamespace: 'istio-system',
  ingress: { namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
  pods: [
    { ...pod, name: 'httpbin-1-2', labels: { app: 'httpbin' }, ip: '10.0.0.1' },
    { ...pod, name: 'sleep-1-2', labels: { app: 'sleep' }, ip: '10.0.0.2' },
  ],
  objects: [],
  hidden: [],
};

export const sent: Sent = {
  origin: { kind: 'pod', app: 'sleep', namespace: 'foo' },
  request: { url: 'http://httpbin.foo:8000/ip', headers: [['Host', 'httpbin']] },
};

export const curlOutput = `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-a: b\r\nx-a: c\r\n\r\nbody
BOUNDARY 200 61 4 0.012 0
BOUNDARY.
`;

export const accessLog = `/docker-entrypoint.sh: ready
2026-11-22T10:00:00.5Z 10.0.0.1 - - [22/Nov/2026:10:00:00 +0100] "GET /jwks.json HTTP/1.1" 200 10 "-" "Go-http-client/1.1" "-"
10.0.0.2 - - [22/Nov/2026:10:00:01 +0100] "GET /jwks.json?x HTTP/1.1" 404 10 "-" "-" "-"
`;

/** Header and claims only: there is no key for it. */
export const token = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"a","exp":1}').toString('base64url')}.AA`;
