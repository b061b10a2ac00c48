/** What is said about a request, from files alone. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseCurlLine } from '../../src/explain/curl-line.ts';
import { explainRequest, explanationText } from '../../src/explain/explain-request.ts';
import { defaultMesh } from '../../src/policy/input.ts';
import type { KubeObject } from '../../src/target/target.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const issuer = 'https://login.example.com';
const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] });
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(claims: object, header: object = {}): string {
  const input = `${encoded({ alg: 'EdDSA', kid: 'a', ...header })}.${encoded({ iss: issuer, sub: 'alice', ...claims })}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}

const object = (
  kind: string,
  name: string,
  spec: object,
  apiVersion = 'security.istio.io/v1',
): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'shop' },
  spec,
});
const service = object(
  'Service',
  'orders',
  { selector: { app: 'orders' }, ports: [{ name: 'http', port: 80, targetPort: 'web' }] },
  'v1',
);
const deployment = object(
  'Deployment',
  'orders',
  {
    template: {
      metadata: { labels: { app: 'orders', version: 'v1' } },
      spec: { containers: [{ ports: [{ name: 'web', containerPort: 8080 }] }] },
    },
  },
  'apps/v1',
);
const authentication = (rule: object = { jwks }) =>
  object('RequestAuthentication', 'tokens', {
    selector: { matchLabels: { app: 'orders' } },
    jwtRules: [{ issuer, ...rule }],
  });
const access = (name: string, rules: object[], action = 'ALLOW') =>
  object('AuthorizationPolicy', name, {
    action,
    rules,
    ...(action === 'CUSTOM' ? { provider: { name: 'opa' } } : {}),
  });

function explained(line: string, objects: readonly KubeObject[], client?: string | null) {
  const request = parseCurlLine(line, {});
  return explainRequest({
    request,
    to: 'orders.shop',
    objects,
    mesh: defaultMesh,
    client,
    at: 1_800_000_000,
  });
}
const text = (...of: Parameters<typeof explained>) => explanationText(explained(...of)).split('\n');
const bearer = (value: string, path = '/') =>
  `curl -H 'Authorization: Bearer ${value}' http://orders.shop${path}`;

const wantsAdmin = access('admins', [{ when: [{ key: 'request.auth.claims[role]', values: ['admin'] }] }]);

describe('the first line is the answer', () => {
  test.each<[string, string, KubeObject[]]>([
    ['It passes: no policy is against it.', 'curl http://orders.shop/', [service]],
    [
      'It passes, by AuthorizationPolicy shop/all.',
      'curl http://orders.shop/',
      [service, access('all', [{}])],
    ],
    [
      '403 RBAC: access denied: there are ALLOW policies, and no rule of them matches.',
      'curl http://orders.shop/',
      [service, wantsAdmin],
    ],
    [
      '403 RBAC: access denied, by AuthorizationPolicy shop/none.',
      'curl http://orders.shop/',
      [service, access('none', [{}], 'DENY')],
    ],
    [
      '401 Jwt is expired, by RequestAuthentication.',
      bearer(token({ exp: 1_700_000_000 })),
      [service, authentication()],
    ],
    ['It passes: no policy is against it.', bearer(token({})), [service, authentication()]],
    [
      '401 Jwt verification fails, by RequestAuthentication.',
      bearer(`${token({})}`.replace(/.{4}$/, 'AAAA')),
      [service, authentication()],
    ],
    [
      "401 Jwks doesn't have key to match kid or alg from Jwt, by RequestAuthentication.",
      bearer(token({}, { kid: 'b' })),
      [service, authentication()],
    ],
    [
      '403 Audiences in Jwt are not allowed, by RequestAuthentication.',
      bearer(token({ aud: 'x' })),
      [service, authentication({ jwks, audiences: ['y'] })],
    ],
    [
      'It cannot be known: who the client is is not known here (say it with --client NAMESPACE/SERVICEACCOUNT, or --client outside).',
      'curl http://orders.shop/',
      [service, access('foo', [{ from: [{ source: { namespaces: ['foo'] } }] }])],
    ],
    [
      'It cannot be known: AuthorizationPolicy shop/ask asks an authorization server.',
      'curl http://orders.shop/',
      [service, access('ask', [{}], 'CUSTOM')],
    ],
  ])('%s', (first, line, objects) => {
    expect(text(line, objects)[0]).toBe(first);
  });
});

test('a policy with what istiod refuses is left out, and it is said what to write', () => {
  const when = [{ key: 'request.auth.claims.realm.roles', values: ['a'] }];
  expect(text('curl http://orders.shop/', [access('c', [{ when }])])).toContain(
    'AuthorizationPolicy shop/c is left out, because the API server refuses it: spec.rules[0].when[0].key is "request.auth.claims.realm.roles", which Istio does not know: write request.auth.claims[realm][roles].',
  );
});

describe('then why', () => {
  test('a line for each policy, the nearest miss first', () => {
    const far = access('far', [{ to: [{ operation: { paths: ['/x'], methods: ['POST'] } }] }]);
    const lines = text(bearer(token({ role: ['user'] }), '/a'), [
      service,
      deployment,
      far,
      authentication(),
      wantsAdmin,
    ]);
    expect(lines.slice(2)).toEqual([
      'Workload: namespace shop, app=orders, version=v1; port 8080 of the container. From Service shop/orders, Deployment orders.',
      '',
      'Policies, the nearest miss first:',
      `  RequestAuthentication shop/tokens: the token of ${issuer} in header authorization, after "Bearer " is good`,
      '  AuthorizationPolicy shop/admins (ALLOW, for every workload of namespace shop): rule 1 does not match: wants request.auth.claims[role] = admin; the request has ["user"]',
      '  AuthorizationPolicy shop/far (ALLOW, for every workload of namespace shop): rule 1 does not match: wants paths = /x; the request has /a; wants methods = POST; the request has GET',
      '',
    ]);
  });

  test.each<[string, string, KubeObject, string]>([
    [
      'a claim that is no text',
      bearer(token({ role: true })),
      wantsAdmin,
      'the request has true (policies compare claims that are texts, or lists of texts, only)',
    ],
    [
      'no token',
      'curl http://orders.shop/',
      wantsAdmin,
      'no token was seen in header authorization, after "Bearer " or query parameter access_token',
    ],
    [
      'no prefix',
      `curl -H 'Authorization: ${token({})}' http://orders.shop/`,
      wantsAdmin,
      'the header authorization has no "Bearer ", so for Envoy there is no token in it',
    ],
    [
      'a star inside',
      'curl http://orders.shop/a/1/b',
      access('p', [{ to: [{ operation: { paths: ['/a/*/b'] } }] }]),
      'a star in the middle of a path is a plain character: write {*}',
    ],
    [
      'a host with its port',
      "curl -H 'Host: a.example.com:443' http://orders.shop/",
      access('h', [{ to: [{ operation: { hosts: ['*.example.com'] } }] }]),
      'the port is a part of the host: write a.example.com:* as well',
    ],
    [
      'the port of the Service',
      'curl http://orders.shop/',
      access('p', [{ to: [{ operation: { ports: ['80'] } }] }]),
      'ports are those of the container, not of the Service',
    ],
    [
      'no sub',
      bearer(token({ sub: undefined })),
      access('s', [{ from: [{ source: { requestPrincipals: ['*'] } }] }]),
      'the token has no claim sub',
    ],
    [
      'in other capitals',
      bearer(token({ role: ['Admin', 'b'] })),
      wantsAdmin,
      'the request has ["Admin","b"]; they differ in capitals alone',
    ],
    [
      'a slash at the end',
      'curl http://orders.shop/a/',
      access('p', [{ to: [{ operation: { paths: ['/a'] } }] }]),
      'they differ in a slash or a blank at the end alone',
    ],
    [
      'a number that looks the same',
      bearer(token({ role: [1] })),
      access('c', [{ when: [{ key: 'request.auth.claims[role]', values: ['1', '*'] }] }]),
      'the request has [1] (policies compare claims that are texts, or lists of texts, only)\n',
    ],
    [
      'a folder without what is in it',
      'curl http://orders.shop/a',
      access('p', [{ to: [{ operation: { paths: ['/a/*'] } }] }]),
      '/a/* does not have /a itself: write that as well',
    ],
    [
      'one of several values',
      'curl http://orders.shop/a',
      access('p', [{ to: [{ operation: { paths: ['/b', '/c/.*'] } }] }]),
      '/c/.*: paths are no regular expressions: write /a* or /a/{*}/b',
    ],
    [
      'a text that looks like a list',
      bearer(token({ role: 'user admin' })),
      wantsAdmin,
      'the claim is one text, and is not taken apart: see spaceDelimitedClaims, or make it a list',
    ],
    [
      'the issuer alone',
      bearer(token({})),
      access('s', [{ from: [{ source: { requestPrincipals: [issuer] } }] }]),
      `one is ISSUER/SUBJECT: write ${issuer}/* for any subject`,
    ],
    [
      'a claim within another one',
      bearer(token({ realm: { roles: ['a'] } })),
      access('c', [{ when: [{ key: 'request.auth.claims[realm.roles]', values: ['a'] }] }]),
      'a dot is a part of the name: for a claim within another one write request.auth.claims[realm][roles]',
    ],
    [
      'a client that nobody has named',
      'curl http://orders.shop/',
      access('c', [{ from: [{ source: { namespaces: ['a'] } }] }]),
      'who the client is is not known here (say it with --client NAMESPACE/SERVICEACCOUNT, or --client outside)',
    ],
    [
      'a port that the Service has not',
      'curl http://orders.shop:8080/',
      access('c', []),
      'Service shop/orders, which has no port 8080 (its ports: 80), Deployment orders',
    ],
    [
      'a prefix in other capitals',
      `curl -H 'Authorization: bearer ${token({})}' http://orders.shop/`,
      wantsAdmin,
      'the header authorization has "Bearer " in other capitals, so for Envoy there is no token in it',
    ],
    [
      'an issuer with a slash too many',
      bearer(token({ iss: `${issuer}/` })),
      wantsAdmin,
      `iss of the token is ${issuer}/, and only a slash or capitals are different`,
    ],
    [
      'a variable that is empty',
      `curl -H 'Authorization: Bearer ' http://orders.shop/`,
      wantsAdmin,
      'the header authorization has nothing behind "Bearer "',
    ],
    [
      'an opaque token',
      bearer('abc'),
      wantsAdmin,
      'it is one text without dots, such as an opaque access token',
    ],
    [
      'an encrypted token',
      bearer('a.b.c.d.e'),
      wantsAdmin,
      'it has five sections, as an encrypted token (JWE) has',
    ],
    ['half a token', bearer('a.b'), wantsAdmin, 'with two dots and 3 sections: it has 2 sections'],
    ['a token in quotes', bearer(`"${token({})}"`), wantsAdmin, '"\\"" is in it, which no token has'],
    [
      'times in milliseconds',
      bearer(token({ nbf: 1_800_000_100_000 })),
      wantsAdmin,
      'nbf of the token is +059009-09-25T11:46:40Z (times in tokens are in seconds), and it is',
    ],
    [
      'a time that no calendar has',
      bearer(token({ nbf: 1e18 })),
      wantsAdmin,
      'nbf of the token is 1000000000000000000 (times in tokens are in seconds)',
    ],
    [
      'rules are alternatives',
      'curl http://orders.shop/',
      access('a', [
        { from: [{ source: { requestPrincipals: ['*'] } }] },
        { to: [{ operation: { hosts: ['orders.shop'] } }] },
      ]),
      'its rules are alternatives, so what another one wants is not needed',
    ],
  ])('%s', (_, line, policy, reason) => {
    expect(text(line, [service, deployment, authentication(), policy]).join('\n')).toContain(reason);
  });

  test('of a token that is refused nothing is said of policies that nobody has asked', () => {
    const expired = token({ exp: 1_700_000_000 });
    expect(text(bearer(expired), [service, authentication(), wantsAdmin]).slice(4)).toEqual([
      'Policies, the nearest miss first:',
      `  RequestAuthentication shop/tokens: the token in header authorization, after "Bearer " is refused by its rule for ${issuer}: Jwt is expired: exp of the token is 2023-11-14T22:13:20Z, and it is 2027-01-15T08:00:00Z`,
      '',
    ]);
  });

  test('without mutual TLS nobody has a namespace', () => {
    const policy = access('foo', [{ from: [{ source: { namespaces: ['*'] } }] }]);
    const [first, ...rest] = text('curl http://orders.shop/', [service, policy], null);
    expect(first).toMatch(/^403 /);
    expect(rest.join('\n')).toContain('without mutual TLS a client has no identity');
    expect(text('curl http://orders.shop/', [service, policy], 'foo/sleep')[0]).toMatch(/^It passes/);
  });

  test('a signature that nobody can check is taken to be right, and that is said', () => {
    const { answer, assumptions } = explained(bearer(token({})), [
      service,
      authentication({ jwksUri: 'https://x/keys' }),
    ]);
    expect(answer.status).toBe(200);
    expect(assumptions).toEqual([
      'the signature of the token is taken to be right: its keys are at https://x/keys, where nobody has looked',
    ]);
  });
});

test('a Service that is not there is taken to have pods with its name as label app', () => {
  expect(text('curl http://orders.shop/', [wantsAdmin])[2]).toMatch(
    /^Workload: namespace shop, app=orders; port not known\. From a guess, because there is no Service shop\/orders/,
  );
  const { request, ...rest } = {
    request: parseCurlLine('curl a.b', {}),
    to: 'orders',
    objects: [],
    mesh: defaultMesh,
    client: undefined,
    at: 0,
  };
  expect(() => explainRequest({ request, ...rest })).toThrow(
    expect.objectContaining({ code: 'E_USAGE', message: '--to orders is no Service of a namespace' }),
  );
});

test.each([
  ['edge.shop', 'networking.istio.io/v1', { selector: { app: 'edge' } }, 'has no servers'],
  [
    'edge-istio.shop',
    'gateway.networking.k8s.io/v1',
    { gatewayClassName: 'istio', listeners: [{ name: 'a', port: 80, protocol: 'TCP' }] },
    'has listeners for TCP only',
  ],
])('a gateway %s by which no request comes in', (to, apiVersion, spec, why) => {
  const gateway = object('Gateway', 'edge', spec, apiVersion);
  const request = parseCurlLine(`curl http://${to}/`, {});
  const asked = { request, to, mesh: defaultMesh, client: undefined, at: 0 };
  const text = explanationText(explainRequest({ ...asked, objects: [gateway] }));
  expect(text).toMatch(
    new RegExp(`^No request gets in there: Gateway shop/edge ${why}, .*Write .*\\.\nIf one did:\nIt passes`),
  );
  expect(explanationText(explainRequest({ ...asked, objects: [] }))).toMatch(/^It passes/);
});

describe('policies that are not as the API server wants them', () => {
  const all = [service, deployment, authentication()];
  const text = (spec: object) =>
    explanationText(
      explained('curl http://orders.shop/', [...all, object('AuthorizationPolicy', 'a', spec)]),
    );

  test.each([
    [{ action: 'deny' }, 'spec.action is "deny", and must be one of ALLOW, DENY, AUDIT, CUSTOM'],
    [{ rules: {} }, 'spec.rules is a map, and must be a list: put a dash before its first field'],
    [
      { rules: [{ from: [{ source: { requestPrincipals: '*' } }] }] },
      'spec.rules[0].from[0].source.requestPrincipals is a text, and must be a list: write ["*"]',
    ],
    [
      { rules: [{ to: [{ operation: { ports: [80] } }] }] },
      'spec.rules[0].to[0].operation.ports[0] is a number, and must be a text: write "80"',
    ],
    [
      { selector: { matchLabels: { version: 1 } } },
      'spec.selector.matchLabels.version is a number, and must be a text: write "1"',
    ],
    [{ rules: [{ from: [{}] }] }, 'spec.rules[0].from[0].source is missing'],
  ])('%j', (spec, why) => {
    expect(text(spec)).toContain(
      `AuthorizationPolicy shop/a is left out, because the API server refuses it: ${why}.\nIt passes: no policy is against it.`,
    );
  });

  test('objects of other kinds that decide are looked at as well', () => {
    const ports = (value: unknown) => object('Service', 'b', { ports: value }, 'v1');
    const lines = (wrong: KubeObject) => explained('curl http://orders.shop/', [...all, wrong]).malformed;
    expect(lines(ports([{ port: '80' }]))).toEqual([
      'Service shop/b is left out, because the API server refuses it: spec.ports[0].port is a text, and must be a number',
    ]);
    const template = { metadata: { labels: { version: 1.1 } } };
    expect(lines(object('Deployment', 'b', { template }, 'apps/v1'))).toEqual([
      'Deployment shop/b is left out, because the API server refuses it: spec.template.metadata.labels.version is a number, and must be a text: write "1.1"',
    ]);
    // Of a kind that nobody knows here.
    expect(lines(object('Report', 'b', { template: 'text' }, 'example.com/v1'))).toEqual([]);
  });

  test('a field that is not known is named, with what was probably meant', () => {
    expect(text({ rules: [{ to: [{ operation: { path: ['/a'] } }] }] })).toMatch(
      /^AuthorizationPolicy shop\/a: spec\.rules\[0\]\.to\[0\]\.operation has a field that is not known here: path \(Did you mean "paths"\?\)/,
    );
    expect(text({ selector: { app: 'orders' } })).toContain('app (The fields are: matchLabels.)');
    // Newer versions of Istio have it.
    expect(text({ rules: [{ from: [{ source: { trustDomains: ['a'] } }] }] })).toMatch(/^It cannot be known/);
  });

  test('fields without a value are as those that are not there', () => {
    expect(text({ selector: null, rules: null })).toMatch(
      /^403 .*\n\n.* has no rules, so it matches nothing/s,
    );
    expect(text({ rules: [{ from: null, when: null }] })).toMatch(
      /^It passes, by AuthorizationPolicy shop\/a/,
    );
  });
});

test('of several ALLOW policies one is enough, and that is said', () => {
  const policies = [
    access('tokens', [{ from: [{ source: { requestPrincipals: ['*'] } }] }]),
    access('reads', [{ to: [{ operation: { methods: ['GET'] } }] }]),
  ];
  const text = explanationText(explained('curl http://orders.shop/', [service, ...policies]));
  expect(text).toContain(
    'AuthorizationPolicy shop/reads (ALLOW, for every workload of namespace shop): rule 1 matches: wants methods = GET; the request has GET; ALLOW policies are alternatives, so what another one wants is not needed',
  );
});

test('an address in the place of keys', () => {
  const rule = authentication({ jwks: 'https://login.example.com/keys' });
  const line = `curl -H 'Authorization: Bearer ${token({})}' http://orders.shop/`;
  const [first] = explanationText(explained(line, [service, rule])).split('\n');
  expect(first).toBe(
    'RequestAuthentication shop/tokens is left out, because the API server refuses it: spec.jwtRules[0].jwks is an address, which belongs into jwksUri.',
  );
});

describe('a policy that was probably meant for the workload, and does not hold for it', () => {
  const lines = (policy: KubeObject, ...more: KubeObject[]) => {
    const text = explanationText(
      explained('curl http://orders.shop/', [service, deployment, policy, ...more]),
    );
    return text.split('\n').slice(text.split('\n').indexOf('Policies that do not hold for it:') + 1);
  };
  const selecting = (matchLabels: object) =>
    object('AuthorizationPolicy', 'a', { selector: { matchLabels } });
  const moved = (policy: KubeObject, namespace: string | undefined): KubeObject => {
    const { namespace: _, ...metadata } = policy.metadata;
    return { ...policy, metadata: { ...metadata, ...(namespace === undefined ? {} : { namespace }) } };
  };

  test.each([
    [selecting({ app: 'order' }), 'it selects app=order, and the workload has app=orders'],
    [
      selecting({ 'app.kubernetes.io/name': 'orders' }),
      'it selects app.kubernetes.io/name=orders, and the workload has no label app.kubernetes.io/name',
    ],
    [selecting({ app: 'orders', tier: 'web' }), 'it selects tier=web, and the workload has no label tier'],
    [
      object('AuthorizationPolicy', 'a', { targetRefs: [{ kind: 'Service', name: 'orders' }] }),
      'it is for Service orders by targetRefs, which hold for waypoints and for Gateways of the Gateway API, and for no sidecar',
    ],
  ])('%j', (policy, why) => {
    expect(lines(policy)).toEqual([`  AuthorizationPolicy shop/a: ${why}`, '']);
  });

  test('in another namespace, or in none', () => {
    const policy = selecting({ app: 'orders' });
    expect(lines(moved(policy, 'web'))[0]).toBe(
      '  AuthorizationPolicy web/a: it is in namespace web, and the workload is in shop: a policy holds for its own namespace alone',
    );
    expect(lines(moved(policy, undefined))[0]).toContain('it says no namespace');
  });

  test('policies of other meshes are none', () => {
    const linkerd = { ...access('a', []), apiVersion: 'policy.linkerd.io/v1alpha1' };
    const { answer, elsewhere } = explained('curl http://orders.shop/', [service, deployment, linkerd]);
    expect([answer.status, elsewhere]).toEqual([200, []]);
  });

  test('nothing is said of those for others', () => {
    const others = [selecting({ app: 'billing' }), moved(selecting({ app: 'web' }), 'web')];
    expect(explained('curl http://orders.shop/', [service, deployment, ...others]).elsewhere).toEqual([]);
  });
});

test('of a Service with pods of several kinds, those are named that were not looked at', () => {
  const labels = { app: 'orders', version: 'v2' };
  const second = object('Deployment', 'orders-v2', { template: { metadata: { labels } } }, 'apps/v1');
  expect(explained('curl http://orders.shop/', [service, deployment, second]).workload.how).toBe(
    'Service shop/orders, Deployment orders, and not Deployment orders-v2, which it leads to as well',
  );
});

test('that a namespace is in ambient mode is said, where no sidecar stands in front of workloads', () => {
  const labels = { 'istio.io/dataplane-mode': 'ambient' };
  const home = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', labels } };
  expect(explained('curl http://orders.shop/', [service, deployment, home]).workload.how).toBe(
    'Service shop/orders, Deployment orders; namespace shop is in ambient mode, where a ztunnel and waypoints decide, and a sidecar is taken to stand in front of it',
  );
});

test('a Service that is not there, and the one that was probably meant', () => {
  const request = parseCurlLine('curl http://order.shop/', {});
  const question = { request, objects: [service], mesh: defaultMesh, client: undefined, at: 0 };
  expect(explainRequest({ ...question, to: 'order.shop' }).workload.how).toBe(
    'a guess, because there is no Service shop/order among the objects (did you mean --to orders.shop?): its pods are taken to have the label app=order',
  );
});

test('what is there without a Service has its own labels, such as the ingress gateway of Istio', () => {
  const rules = [{ from: [{ source: { notRequestPrincipals: ['*'] } }] }];
  const spec = { selector: { matchLabels: { istio: 'ingressgateway' } }, action: 'DENY', rules };
  const policy = object('AuthorizationPolicy', 'ingress', spec);
  const { answer, workload } = explainRequest({
    request: parseCurlLine('curl http://shop.example.com/', {}),
    to: 'istio-ingressgateway.istio-system',
    objects: [{ ...policy, metadata: { ...policy.metadata, namespace: 'istio-system' } }],
    mesh: defaultMesh,
    client: null,
    at: 0,
  });
  expect(answer.status).toBe(403);
  expect(workload.how).toBe(
    'a guess, because there is no Service istio-system/istio-ingressgateway among the objects: its pods are taken to be those of the workload of the same name',
  );
});

test('where labels are a guess, policies are named that select by others', () => {
  const selecting = (matchLabels: object) =>
    object('AuthorizationPolicy', 'a', { selector: { matchLabels }, rules: [] });
  const of = (matchLabels: object) =>
    explained('curl http://orders.shop/', [selecting(matchLabels)]).elsewhere;
  expect(of({ tier: 'web', version: 'v1' })).toEqual([
    'AuthorizationPolicy shop/a: it selects tier=web and version=v1, and which labels the workload has is a guess: put its Service and its Deployment beside the policies',
  ]);
  expect(of({ app: 'billing' })).toEqual([]);
});

test('two rules of which the same is said are one line', () => {
  const twice = object('RequestAuthentication', 'tokens', { jwtRules: [{ issuer }, { issuer }] });
  const text = explanationText(explained('curl http://orders.shop/', [service, twice]));
  expect(text.match(/no token of/g)).toHaveLength(1);
});
