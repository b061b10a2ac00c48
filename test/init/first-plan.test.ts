/** Where requests go: stand-ins with the user's namespaces, labels and ports, gateways, and who sends. */
import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/base/kube-object.ts';
import { knownApps } from '../../src/scenario/known-apps.ts';
import { parseScenario } from '../../src/scenario/load.ts';
import { policy, rules, tokens, write } from './support.ts';

const gatewayPolicy = (matchLabels: object, namespace: string) =>
  policy(
    'AuthorizationPolicy',
    { selector: { matchLabels }, rules: [{ to: [{ operation: { paths: ['/a'] } }] }] },
    { namespace },
  );
const applied = (objects: readonly KubeObject[], kind: string) =>
  write(objects).steps.flatMap(({ apply = [] }) => apply.filter((each) => each.kind === kind));

test.each([
  [{ istio: 'ingressgateway' }, 'istio-system', []],
  [{ istio: 'ingress' }, 'istio-ingress', []],
  [{ 'gateway.networking.k8s.io/gateway-name': 'public' }, 'edge', []],
  [{ 'istio.io/gateway-name': 'hooks' }, 'edge', []],
  [
    { tier: 'edge' },
    'edge',
    [
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'Gateway',
        metadata: { name: 'g', namespace: 'edge' },
        spec: { selector: { tier: 'edge' } },
      },
    ],
  ],
])('a gateway by %j in %s', (labels, namespace, more) => {
  const { steps } = write([gatewayPolicy(labels, namespace), ...more]);
  expect(steps.every(({ name }) => name.includes(' through '))).toBe(true);
  const own = namespace === 'istio-system' ? [] : [expect.objectContaining(labels)];
  const pods = steps
    .flatMap(({ apply = [] }) => apply)
    .map(
      ({ spec }) =>
        (spec as { template?: { metadata: { labels: object; annotations?: object } } } | undefined)?.template
          ?.metadata,
    )
    .filter((metadata) => metadata?.annotations !== undefined);
  expect(pods.map((metadata) => metadata?.labels)).toEqual(own);
});

test('a gateway leads to a workload, also when neither policies nor routes are about those that are there', () => {
  const web = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { template: { metadata: { labels: { app: 'web' } } } },
  };
  const { steps } = write([gatewayPolicy({ istio: 'ingressgateway' }, 'istio-system'), web]);
  expect(steps.map(({ name }) => name)).toEqual([
    'before any policy, to foo/app through istio-system/istio-ingressgateway',
    'with the policies, to foo/app through istio-system/istio-ingressgateway',
  ]);
});

test('the ingress gateway of Istio is one, by whichever of its labels policies select it', () => {
  const selector = { matchLabels: { app: 'istio-ingressgateway' } };
  const jwtRules = [{ issuer: 'https://login.example.com' }];
  const known = policy('RequestAuthentication', { selector, jwtRules }, { namespace: 'istio-system' });
  const { steps } = write([known, gatewayPolicy({ istio: 'ingressgateway' }, 'istio-system')]);
  const through = steps.map(({ name }) => / through (\S+?),?(?: |$)/.exec(name)?.[1]);
  expect([...new Set(through)]).toEqual(['istio-system/istio-ingressgateway']);
});

test('a workload whose name has "gateway" in it is none', () => {
  expect(write([gatewayPolicy({ app: 'payment-gateway' }, 'pay')]).steps[0]?.from).toBe('sleep.foo');
});

test('Services and ports are those of the folder', () => {
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      selector: { app: 'app' },
      ports: [
        { name: 'grpc', port: 80, targetPort: 9443 },
        { name: 'tcp', port: 1 },
      ],
    },
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web-v1', namespace: 'shop' },
    spec: { template: { metadata: { labels: { app: 'app' } } } },
  };
  const [own] = applied([tokens(), service, deployment], 'Service');
  expect(own).toMatchObject({
    metadata: service.metadata,
    spec: { ports: [{ name: 'http-80', port: 80, targetPort: 9443 }] },
  });
});

test('whom rules name sends, and nobody else has the name', () => {
  const list = [
    { from: [{ source: { principals: ['cluster.local/ns/store/sa/clerk'] } }] },
    { from: [{ source: { serviceAccounts: ['own'] } }], to: [{ operation: { methods: ['POST'] } }] },
  ];
  const { steps } = write([rules(list)]);
  const senders = steps.map(({ from, request, expect: { columns: _, ...rows } }) => [
    from,
    request.method,
    Object.values(rows)[0],
  ]);
  expect(senders).toEqual([
    ['sleep.foo', undefined, [200]],
    ['sleep.foo', undefined, [403]],
    ['client-clerk.store', undefined, [200]],
    ['client-own.shop', 'POST', [200]],
  ]);
});

test('policies of several namespaces stay in their own, and one can be chosen', () => {
  const all = [
    tokens(),
    tokens({}, { namespace: 'pay' }),
    tokens({}, { namespace: 'istio-system', name: 'all' }),
  ];
  const homes = (list: readonly KubeObject[]) => list.map(({ metadata }) => metadata.namespace);
  expect(homes(applied(all, 'RequestAuthentication'))).toEqual(['shop', 'pay', 'istio-system']);
  const one = write(all, 'pay').steps.flatMap(({ apply = [] }) => apply);
  expect(homes(one.filter(({ kind }) => kind === 'RequestAuthentication'))).toEqual(['pay', 'istio-system']);
});

test('private addresses are replaced, and PeerAuthentications and dry runs are carried over', () => {
  const list = [{ from: [{ source: { ipBlocks: ['10.0.0.0/8', '192.0.2.0/24'] } }] }];
  const strict = policy('PeerAuthentication', { mtls: { mode: 'STRICT' } });
  const dry = policy(
    'AuthorizationPolicy',
    {},
    { name: 'dry', annotations: { 'istio.io/dry-run': 'true', other: 'x' } },
  );
  const objects = [rules(list), strict, dry];
  expect(JSON.stringify(applied(objects, 'AuthorizationPolicy'))).toContain(
    '"ipBlocks":["203.0.113.0/24","192.0.2.0/24"]',
  );
  expect(applied(objects, 'AuthorizationPolicy')[1]?.metadata).toMatchObject({
    annotations: { 'istio.io/dry-run': 'true' },
  });
  expect(applied(objects, 'PeerAuthentication')).toHaveLength(1);
});

test('what people may write, and no template of ours', () => {
  const odd = [
    { when: [{ key: 'request.auth.claims[a\'b"c]', values: ['x\ny', '${z}'] }] },
    { to: [{ operation: { paths: ['/a b'], hosts: ['*', '[::1]', '${z}'] } }] },
    { when: [{ key: 'request.headers[x-a]', values: ['${z}'] }] },
  ];
  const { text } = write([tokens({ issuer: 'https://a/${b}' }), rules(odd)]);
  expect(parseScenario(text, 'first.yaml', undefined, knownApps()).errors).toEqual([]);
});

test.each([
  ['x_user', 'nginx, which stands in for your workloads, passes over headers'],
  ['x-request-id', 'clients and proxies write it themselves'],
])('a header %s that no stand-in tells is named', (header, why) => {
  const told = [
    { header, claim: 'sub' },
    { header: 'X-Email', claim: 'email' },
  ];
  const objects = [tokens({ outputClaimToHeaders: told })];
  const { text } = write(objects);
  expect(text).toContain(`what becomes of the header ${header} is not looked at: ${why}`);
  expect(text).toContain('x-email: some email');
  expect(text).not.toMatch(new RegExp(`${header}: (some|absent|spoofed)`));
});

test('stand-ins tell nothing where no policy says what becomes of headers', () => {
  const [plain] = applied([tokens()], 'ConfigMap') as unknown as [{ data: Record<string, string> }];
  expect(plain.data['default.conf']).toContain('return 200 here;');
});

test('a Gateway of the user by which no request comes in is named', () => {
  const edge = (spec: object): KubeObject => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'g', namespace: 'edge' },
    spec: { selector: { tier: 'edge' }, ...spec },
  });
  const server = (protocol: string) => [{ port: { number: 80, name: 'a', protocol }, hosts: ['*'] }];
  const notesOf = (spec: object) => write([gatewayPolicy({ tier: 'edge' }, 'edge'), edge(spec)]).notes.join();
  expect(notesOf({})).toContain(
    'no request comes in by a Gateway of yours, and one does here, by port 80: Gateway edge/g has no servers, so it opens no port. Write servers:',
  );
  expect(notesOf({ servers: server('TCP') })).toContain('has servers for TCP only');
  expect(notesOf({ servers: server('HTTP') })).not.toContain('Gateway of yours');
});
