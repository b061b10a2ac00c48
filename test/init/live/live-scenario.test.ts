/** Scenarios of a mesh as it is: what they send, from where, with whose tokens, and that they change nothing. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { liveScenario } from '../../../src/init/live/live-scenario.ts';
import { knownApps } from '../../../src/scenario/known-apps.ts';
import { parseScenario } from '../../../src/scenario/load.ts';
import type { KubeObject, MeshPod, Survey } from '../../../src/target/target.ts';
import { meshPod } from '../../support/mesh-pod.ts';
import { issuer, rules, tokens } from '../support.ts';

const pod = (name: string, more: Partial<MeshPod> = {}) => meshPod(name, { namespace: 'shop', ...more });
const service = (name: string, port: object = { name: 'http', port: 80, targetPort: 8080 }): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { selector: { app: name }, ports: [port] },
});
const anybody = {
  from: [{ source: { requestPrincipals: ['*'] } }],
  to: [{ operation: { paths: ['/orders*'] } }],
};

function mesh(objects: readonly object[], pods: readonly MeshPod[]): Survey {
  const ingress = { namespace: 'istio-system', labels: { istio: 'ingressgateway' } };
  return { rootNamespace: 'istio-system', ingress, pods, objects: objects as KubeObject[], hidden: [] };
}

interface Live {
  readonly live: boolean;
  readonly issuers?: object;
  readonly tokens?: Readonly<Record<string, unknown>>;
  readonly steps: readonly {
    readonly expect: Readonly<Record<string, unknown>>;
    readonly [field: string]: unknown;
  }[];
}

function write(
  survey: Survey,
  env: Readonly<Record<string, string>> = {},
): Live & { notes: readonly string[] } {
  const { text, notes } = liveScenario(survey, 'shop', 'context mine', 'live.yaml', env);
  const { scenario, errors } = parseScenario(text, 'live.yaml', undefined, knownApps());
  expect(errors).toEqual([]);
  expect(scenario?.live).toBe(true);
  return { ...(parse(text) as Live), notes };
}

const shop = [tokens({ audiences: ['orders'] }), rules([anybody]), service('orders'), service('curl')];
const pods = [pod('orders'), pod('curl'), pod('plain', { proxy: undefined })];

test('a Service that policies hold for is asked by the pod that is there for it, with tokens of others and forged ones', () => {
  const { steps, tokens: own, issuers, notes } = write(mesh(shop, pods));
  expect(steps[0]).toEqual({
    name: 'as it is, to shop/orders',
    from: 'curl.shop',
    request: { url: 'http://orders.shop' },
    expect: {
      columns: ['/orders/x', '/anything-else'],
      'no token': [403, 403],
      mine: [200, 403],
      forged: [401, 401],
      expired: [401, 401],
      'wrong issuer': [401, 401],
      'wrong audience': [403, 403],
    },
  });
  expect(own?.mine).toEqual({ raw: '${env.TOKEN}' });
  expect(own?.forged).toEqual({
    issuer: 'login-example-com',
    claims: { sub: 'somebody', aud: ['orders'], exp: '+1h' },
  });
  expect(issuers).toEqual({
    'login-example-com': { issuer, algorithm: 'RS256' },
    stranger: { issuer: 'https://stranger.example.com' },
  });
  expect(notes).toContainEqual(
    expect.stringContaining('TOKEN is a token of https://login.example.com, which is taken to have'),
  );
});

test('claims and the key ID are those of the token that a variable has', () => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'RS256', kid: 'real' })}.${part({ iss: issuer, sub: 'me', aud: 'other' })}.c2lnbmF0dXJl`;
  const {
    steps,
    issuers,
    tokens: own,
    notes,
  } = write(mesh(shop, pods), { TOKEN_SHOP: token, SECRET: token });
  expect(own?.mine).toEqual({ raw: '${env.TOKEN_SHOP}' });
  // It is for somebody else.
  expect(steps[0]?.expect.mine).toEqual([403, 403]);
  expect(issuers).toMatchObject({ 'login-example-com': { kid: 'real' } });
  expect(JSON.stringify([steps, own, notes])).not.toContain('c2lnbmF0dXJl');
});

test('what has no sidecar, no HTTP port or no policy is not asked, nor anything but GET', () => {
  const selected = { ...rules([{ to: [{ operation: { methods: ['POST'] } }] }]) };
  const spec = { ...(selected.spec as object), selector: { matchLabels: { app: 'orders' } } };
  const others = [service('bare'), service('db', { name: 'tcp', port: 5432 }), service('open')];
  const more = [pod('bare', { proxy: undefined }), pod('db'), pod('open')];
  const { steps } = write(mesh([{ ...selected, spec }, ...others, service('orders')], [...pods, ...more]));
  expect(steps.map(({ name, request, expect: { columns: _, ...rows } }) => [name, request, rows])).toEqual([
    ['as it is, to shop/orders', { url: 'http://orders.shop' }, { 'no token': [403] }],
  ]);
});

test('without a pod that can send, requests come from outside, along the routes', () => {
  const gateway = pod('edge', {
    namespace: 'istio-system',
    proxy: 'gateway',
    labels: { istio: 'ingressgateway' },
  });
  const networking = 'networking.istio.io/v1';
  const routes = [
    {
      apiVersion: networking,
      kind: 'Gateway',
      metadata: { name: 'edge', namespace: 'istio-system' },
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      },
    },
    {
      apiVersion: networking,
      kind: 'VirtualService',
      metadata: { name: 'orders', namespace: 'shop' },
      spec: {
        hosts: ['orders.example.com'],
        gateways: ['istio-system/edge'],
        http: [{ route: [{ destination: { host: 'orders' } }] }],
      },
    },
  ];
  const orders = pod('orders', { labels: { name: 'orders' } });
  const own = {
    ...service('orders'),
    spec: { selector: { name: 'orders' }, ports: [{ name: 'http', port: 80 }] },
  };
  const { steps, notes } = write(mesh([tokens(), rules([anybody]), own, ...routes], [orders, gateway]));
  expect(steps[0]).toMatchObject({ through: 'ingress', request: { host: 'orders.example.com' } });
  expect(steps[0]?.expect).toMatchObject({ 'no token': [403, 403], mine: [200, 403] });
  expect(notes[0]).toContain('no pod with a label app can send');
});

test('nothing to ask', () => {
  expect(() => write(mesh([service('orders')], pods))).toThrow(
    expect.objectContaining({ code: 'E_USAGE', message: expect.stringContaining('nothing in context mine') }),
  );
});

test('what becomes of headers is left to whoever knows what the application tells', () => {
  const telling = [
    tokens({ forwardOriginalToken: true }),
    rules([anybody]),
    service('orders'),
    service('curl'),
  ];
  expect(write(mesh(telling, pods)).notes).toContainEqual(
    'what RequestAuthentication shop/tokens does to headers is not looked at: where your application tells what it received, expect it with "received"',
  );
  expect(write(mesh(shop, pods)).notes.join()).not.toContain('headers');
});
