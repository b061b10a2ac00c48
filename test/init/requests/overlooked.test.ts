/** What a reader is told: rules that match nothing, doors that are open, what is not known. Nobody innocent is blamed. */
import { describe, expect, test } from 'vitest';
import { policy, rules, tokens, write } from '../support.ts';

const anybody = { from: [{ source: { requestPrincipals: ['*'] } }] };
const claim = (name: string, value: string) => ({
  when: [{ key: `request.auth.claims[${name}]`, values: [value] }],
});
const service = (ports: object[]) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { selector: { app: 'app' }, ports },
});

describe('rules that no request matches', () => {
  test.each([
    [
      claim('exp', '*'),
      'lets nobody in here: wants request.auth.claims[exp] = *; the request has 4685989700 (policies compare claims that are texts, or lists of texts, only)',
    ],
    [
      { from: [{ source: { requestPrincipals: ['https://*'] } }] },
      'lets nobody in here: wants requestPrincipals = https://*; the request has https://login.example.com/somebody',
    ],
    [
      { to: [{ operation: { methods: ['/shop.Orders/Get'] } }] },
      'lets nobody in here: wants methods = /shop.Orders/Get; the request has GET; methods are those of HTTP: a gRPC call is a POST, and what it calls is its path',
    ],
    [
      { from: [{ source: { ipBlocks: ['10.0.0.0/8'] } }] },
      'is not tried here: wants ipBlocks = 10.0.0.0/8; the address of the connection is not known here',
    ],
    [
      { from: [{ source: { principals: ['other.domain/ns/shop/sa/web'] } }] },
      'lets nobody in here: wants principals = other.domain/ns/shop/sa/web; the request has cluster.local/ns/',
    ],
  ])('%j', (rule, why) => {
    const [line] = write([tokens(), rules([anybody, rule])]).notes;
    expect(line).toContain(`rule 2 of AuthorizationPolicy shop/rules (ALLOW) ${why}`);
  });

  test('a DENY on a port of the Service denies nothing, and the door stands open', () => {
    const deny = rules(
      [{ from: [{ source: { notRequestPrincipals: ['*'] } }], to: [{ operation: { ports: ['80'] } }] }],
      'DENY',
    );
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'shop' },
      spec: { template: { metadata: { labels: { app: 'app' } } } },
    };
    const { notes } = write([tokens(), deny, deployment, service([{ port: 80, targetPort: 9090 }])]);
    expect(notes[0]).toBe(
      'rule 1 of AuthorizationPolicy shop/rules (DENY) denies nothing here: wants ports = 80; the request has 9090; ports are those of the container, not of the Service',
    );
    expect(notes[1]).toContain('without a token GET / passes to shop/web: no DENY rule matches');
  });

  test.each([
    ['a rule that is matched', [anybody]],
    [
      'the namespace of a client',
      [{ from: [{ source: { namespaces: ['admin'], requestPrincipals: ['*'] } }] }],
    ],
    ['a header', [{ ...anybody, when: [{ key: 'request.headers[x-debug]', values: ['on'] }] }]],
    ['a port of the container', [{ ...anybody, to: [{ operation: { ports: ['9443'] } }] }]],
  ])('none: %s', (_, list) => {
    expect(write([tokens(), rules(list)]).notes).toEqual([]);
  });
});

describe('open doors', () => {
  test('by a rule that asks for no token, because from and to are alternatives', () => {
    const { notes } = write([tokens(), rules([anybody, { to: [{ operation: { paths: ['/a'] } }] }])]);
    expect(notes).toEqual([
      'without a token GET /a passes to shop/app: rule 2 of AuthorizationPolicy shop/rules asks for none',
    ]);
  });

  test('without any AuthorizationPolicy', () => {
    expect(write([tokens()]).notes).toEqual([
      'without a token GET / passes to shop/app: no AuthorizationPolicy asks for one',
    ]);
  });

  test('a rewrite, which the policy of the workload does not see', () => {
    const route = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        hosts: ['web.example.com'],
        gateways: ['istio-system/main'],
        http: [
          {
            match: [{ uri: { prefix: '/eat/' } }],
            rewrite: { uri: '/' },
            route: [{ destination: { host: 'app', port: { number: 80 } } }],
          },
        ],
      },
    };
    const deny = rules(
      [{ from: [{ source: { notRequestPrincipals: ['*'] } }], to: [{ operation: { paths: ['/eat/*'] } }] }],
      'DENY',
    );
    const { notes, codes } = write([tokens(), deny, route]);
    expect(notes.join('\n')).toMatch(
      /without a token GET \/eat\/x, .*no DENY rule matches: VirtualService shop\/web rewrites \/eat\/x to \/x, and the workload sees that/,
    );
    expect(codes('/eat/x')['no token']).toBe(403);
    expect(codes('/eat/x', 'through')['no token']).toBe(200);
  });
});

test('ways on which nothing passes: a gateway keeps the token to itself', () => {
  const gateway = tokens({}, { name: 'gw', namespace: 'istio-system' });
  const selector = { matchLabels: { istio: 'ingressgateway' } };
  const { notes, codes } = write([
    { ...gateway, spec: { ...(gateway.spec as object), selector } },
    tokens(),
    rules([anybody]),
  ]);
  expect(codes('/').valid).toBe(200);
  expect(codes('/', 'through').valid).toBe(403);
  expect(notes.join('\n')).toContain(
    'has taken the token out of the request, as its rule has no forwardOriginalToken',
  );
});

describe('why nothing passes is said of what refuses it', () => {
  const all = { to: [{ operation: { methods: ['*'] } }] };
  const never = { from: [{ source: { principals: ['other.domain/ns/a/sa/b'] } }] };
  const named = (name: string, list: object[], action: string) =>
    policy('AuthorizationPolicy', { action, rules: list }, { name });

  test.each([
    [
      'a DENY, when an ALLOW matches as well',
      [all],
      [all],
      'no (DENY, for every workload of namespace shop): rule 1 matches',
    ],
    [
      'no ALLOW, when a DENY does not match',
      [never],
      [never],
      'yes (ALLOW, for every workload of namespace shop): rule 1 does not match',
    ],
  ])('%s', (_, allow, deny, why) => {
    const { notes } = write([tokens(), named('yes', allow, 'ALLOW'), named('no', deny, 'DENY')]);
    expect(notes.filter((note) => note.startsWith('nothing passes'))).toEqual([
      expect.stringContaining(`nothing passes to shop/app: AuthorizationPolicy shop/${why}`),
    ]);
  });
});

describe('policies for workloads that are not there', () => {
  const elsewhere = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'other' },
    spec: { template: { metadata: { labels: { app: 'web' } } } },
  };
  const asked = (objects: Parameters<typeof write>[0]) =>
    write([...objects, elsewhere]).notes.filter((note) => note.endsWith('right?'));

  test('are about their selector, or about their namespace', () => {
    const selecting = policy('RequestAuthentication', {
      selector: { matchLabels: { app: 'web' } },
      jwtRules: [],
    });
    expect(asked([selecting])).toEqual([
      'policies select shop/web by labels that none of your workloads has: is the selector right?',
    ]);
    expect(asked([tokens()])).toEqual([
      'policies are for all workloads of namespace shop, and none of yours is there: is the namespace right?',
    ]);
  });

  test('are none where a gateway alone has policies', () => {
    const selector = { matchLabels: { istio: 'ingressgateway' } };
    const metadata = { namespace: 'istio-system' };
    const jwtRules = [{ issuer: 'https://a.example.com' }];
    expect(asked([policy('RequestAuthentication', { selector, jwtRules }, metadata)])).toEqual([]);
  });
});

test('an issuer that ends with a slash has two of them in its principals', () => {
  const auth0 = 'https://shop.auth0.com/';
  const { notes } = write([
    tokens({ issuer: auth0 }),
    rules([anybody, { from: [{ source: { requestPrincipals: [`${auth0}*`] } }] }]),
  ]);
  expect(notes[0]).toContain(
    'wants requestPrincipals = https://shop.auth0.com/*; the request has https://shop.auth0.com//somebody; the issuer itself ends with a slash: write https://shop.auth0.com//*',
  );
});

test('a port that a client writes after the host', () => {
  const { notes, codes } = write([
    tokens(),
    rules([{ ...anybody, to: [{ operation: { hosts: ['a.example.com'] } }] }]),
  ]);
  expect(notes.join('\n')).toContain('with host a.example.com:8443 the answer is 403 instead of 200');
  expect(codes('/', 'host somewhere-else.example.com').valid).toBe(403);
});

describe('what is not known', () => {
  const ext = policy(
    'AuthorizationPolicy',
    { action: 'CUSTOM', provider: { name: 'opa' }, rules: [{ to: [{ operation: { paths: ['/admin'] } }] }] },
    { name: 'ext' },
  );
  const filter = {
    apiVersion: 'networking.istio.io/v1alpha3',
    kind: 'EnvoyFilter',
    metadata: { name: 'lua', namespace: 'shop' },
  };
  test.each([
    [ext, '/admin', 'AuthorizationPolicy shop/ext asks an authorization server'],
    [filter, '/', 'EnvoyFilter shop/lua may change everything'],
  ])('%j is left out, and what it may change is marked', (object, path, why) => {
    const { text } = write([
      tokens(),
      rules([{ ...anybody, to: [{ operation: { paths: [path] } }] }]),
      object,
    ]);
    expect(text).toMatch(new RegExp(`^ {6}(columns: .*|valid: \\[200.*\\]) # check this: ${why}$`, 'm'));
  });

  test('nothing is expected where the model has no word', () => {
    const agent = {
      to: [{ operation: { paths: ['/a'] } }],
      when: [{ key: 'request.headers[user-agent]', values: ['M*'] }],
    };
    const { notes, codes } = write([tokens(), rules([anybody, agent])]);
    expect(codes('/a')).not.toHaveProperty('no token');
    expect(codes('/a')).toMatchObject({ valid: 200, expired: 401 });
    expect(notes).toContain(
      'check this: GET /a to shop/app (no token, without sub): which user-agent the request has here is not known',
    );
  });

  test('nothing at all can be expected of a port that is not HTTP', () => {
    const selected = { ...tokens(), spec: { selector: { matchLabels: { app: 'app' } } } };
    expect(() => write([selected, service([{ name: 'tcp-db', port: 5432 }])])).toThrow(
      expect.objectContaining({ code: 'E_USAGE', details: expect.stringContaining('no port that is HTTP') }),
    );
  });
});
