/** What the policies say about wrong answers: at each proxy on the way, of requests from a pod and through the gateway. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Came, explainByModel } from '../../../src/run/explain/explain-model.ts';
import type { HttpRequest, KubeObject, ProxyPolicies, Survey } from '../../../src/target/target.ts';
import { fakeProxy } from '../../support/fake-target.ts';
import { meshPod as pod } from '../../support/mesh-pod.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const issuer = 'https://login.example.com';
const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] });
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function token(claims: object = {}, kid = 'a'): string {
  const input = `${encoded({ alg: 'EdDSA', kid })}.${encoded({ iss: issuer, sub: 'alice', ...claims })}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}
const bearer = (value: string): [string, string] => ['Authorization', `Bearer ${value}`];

function object(kind: string, name: string, spec: object, namespace = 'foo', group = 'security'): KubeObject {
  return { apiVersion: `${group}.istio.io/v1`, kind, metadata: { name, namespace }, spec };
}
const gatewayLabels = { istio: 'ingressgateway' };
const pods = [
  pod('web', {}),
  pod('client', {}),
  pod('gw', { namespace: 'istio-system', labels: gatewayLabels, proxy: 'gateway', serviceAccount: 'gw' }),
];
const service = (port: object): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'foo' },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080, ...port }] },
});
const routes = (http: object): KubeObject[] => [
  object(
    'Gateway',
    'public',
    {
      selector: gatewayLabels,
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
    },
    'istio-system',
    'networking',
  ),
  object(
    'VirtualService',
    'web',
    {
      hosts: ['web.example.com'],
      gateways: ['istio-system/public'],
      http: [{ route: [{ destination: { host: 'web' } }], ...http }],
    },
    'foo',
    'networking',
  ),
];
const tokens = (rule: object = {}, namespace = 'foo'): KubeObject =>
  object('RequestAuthentication', 'tokens', { jwtRules: [{ issuer, jwks, ...rule }] }, namespace);
const access = (rules: object[], action = 'ALLOW', selector = { app: 'web' }): KubeObject =>
  object('AuthorizationPolicy', 'rules', { selector: { matchLabels: selector }, action, rules });
const anyToken = [{ from: [{ source: { requestPrincipals: ['*'] } }] }];

interface Given {
  readonly objects: readonly KubeObject[];
  readonly request?: Partial<HttpRequest>;
  readonly came?: Partial<Came>;
  readonly through?: boolean;
  readonly port?: object;
  /** Providers of the proxies. */
  readonly providers?: ProxyPolicies['providers'];
}

function cause(given: Given): string | undefined {
  const { objects, request = {}, came = {}, through = false, port = {}, providers = [] } = given;
  const policies = { rbac: [], markers: [], rejected: [] };
  const state = { proxy: fakeProxy, role: 'decides', declared: [] } as const;
  const survey: Survey = {
    rootNamespace: 'istio-system',
    ingress: { namespace: 'istio-system', labels: gatewayLabels },
    pods,
    objects: [service(port), ...objects],
    hidden: [],
  };
  const explained = explainByModel(
    {
      origin: through ? { kind: 'ingress' } : { kind: 'pod', app: 'client', namespace: 'foo' },
      request: {
        id: '1',
        method: 'GET',
        url: through ? '/a' : 'http://web.foo/a',
        headers: through ? [['Host', 'web.example.com']] : [],
        ...request,
      },
      survey,
      snapshot: new Map([
        ['foo/none', { ...state, policies: { ...policies, providers: [] } }],
        ['foo/web', { ...state, policies: { ...policies, providers } }],
      ]),
      ingressUrl: through ? 'http://127.0.0.1:8080' : undefined,
    },
    { expected: 200, status: 403, body: 'RBAC: access denied', headers: {}, ...came },
  );
  if (explained !== undefined) expect(explained.remedy).toMatch(/^[A-Z].*\.$/);
  return explained?.cause;
}
const fromAddress = [{ from: [{ source: { remoteIpBlocks: ['203.0.113.9'] } }] }];
const passed = { expected: 403, status: 200, body: '' };

describe('a request from a pod', () => {
  test('that is denied: the rule, the field, what it wants and what there is', () => {
    const when = [{ when: [{ key: 'request.auth.claims[groups]', values: ['Buyers'] }] }];
    expect(
      cause({
        objects: [tokens(), access(when)],
        request: { headers: [bearer(token({ groups: ['buyers'] }))] },
      }),
    ).toBe(
      'AuthorizationPolicy foo/rules (ALLOW): rule 1 does not match: wants request.auth.claims[groups] = Buyers; the request has ["buyers"]; they differ in capitals alone',
    );
  });

  test('that is let through: what nearly denied it', () => {
    const ports = [{ to: [{ operation: { ports: ['80'] } }] }];
    expect(cause({ objects: [access(ports, 'DENY')], came: passed })).toBe(
      'AuthorizationPolicy foo/rules (DENY): rule 1 does not match: wants ports = 80; the request has 8080; ports are those of the container, not of the Service',
    );
  });

  test('that is let through without a token, where 401 was expected', () => {
    expect(
      cause({
        objects: [tokens()],
        request: { headers: [['Authorization', token()]] },
        came: { ...passed, expected: 401 },
      }),
    ).toBe(
      `RequestAuthentication foo/tokens: no token of ${issuer} was seen in header authorization, after "Bearer " or query parameter access_token: the header authorization has no "Bearer ", so for Envoy there is no token in it; RequestAuthentication lets a request without a token pass, and no AuthorizationPolicy asks for one`,
    );
  });

  test('whose token has another key: both kids', () => {
    expect(
      cause({
        objects: [tokens()],
        request: { headers: [bearer(token({}, 'b'))] },
        came: { status: 401, body: "Jwks doesn't have key to match kid or alg from Jwt" },
      }),
    ).toContain('the token has kid b and alg EdDSA, and the keys have kid a');
  });

  test('whose token one rule refuses, and another has not seen', () => {
    const other = { issuer: 'https://another', jwks, fromHeaders: [{ name: 'x-token' }] };
    const objects = [object('RequestAuthentication', 'tokens', { jwtRules: [other, { issuer, jwks }] })];
    expect(
      cause({
        objects,
        request: { headers: [bearer(token({}, 'b'))] },
        came: { status: 401, body: "Jwks doesn't have key to match kid or alg from Jwt" },
      }),
    ).toMatch(
      /^RequestAuthentication foo\/tokens: the token in header authorization[^;]* is refused by[^;]*$/,
    );
    // A good token in one place does not make up for one that the scenario meant to be asked for.
    expect(
      cause({ objects, request: { headers: [bearer(token())] }, came: { ...passed, expected: 401 } }),
    ).toContain('no token of https://another was seen in header x-token');
  });

  describe('whose keys only the proxies have', () => {
    const unknown = { status: 401, body: "Jwks doesn't have key to match kid or alg from Jwt" };
    const { keys } = JSON.parse(jwks) as { keys: Record<string, unknown>[] };
    const other = { issuer: 'https://another', keys: [{ ...keys[0], kid: 'b' }] };
    const asked = (rule: object, kid: string, providers: ProxyPolicies['providers']) =>
      cause({
        objects: [tokens({ jwks: undefined, ...rule })],
        request: { headers: [bearer(token({}, kid))] },
        came: unknown,
        providers,
      });

    test.each<[string, object]>([
      ['an address', { jwksUri: 'https://keys.example.com' }],
      ['an empty text', { jwks: '' }],
      ['nothing', {}],
    ])('where the rule has %s', (_, rule) => {
      expect(asked(rule, 'b', [other, { issuer, keys }])).toContain('the token has kid b and alg EdDSA');
      expect(asked(rule, 'a', [other, { issuer, keys }])).toBeUndefined();
    });

    test('of a rule for any issuer too', () => {
      expect(
        asked({ issuer: undefined }, 'b', [
          { issuer, keys: other.keys },
          { issuer: '', keys },
        ]),
      ).toContain('the token has kid b and alg EdDSA');
    });

    test('of which nothing is known: it is taken for good', () => {
      for (const providers of [[], [other], [{ issuer, uri: 'https://keys.example.com' }]])
        expect(asked({}, 'b', providers)).toBeUndefined();
      // So it is not the token that has let it pass.
      expect(
        cause({
          objects: [tokens({ jwks: undefined }), access(anyToken, 'DENY')],
          request: { headers: [bearer(token({}, 'b'))] },
        }),
      ).toMatch(/^AuthorizationPolicy foo\/rules \(DENY\): rule 1 matches: /);
    });
  });

  test('that several policies could have let pass: the three nearest', () => {
    const when = (name: string, count: number) =>
      object('AuthorizationPolicy', name, {
        rules: [
          {
            when: Array.from({ length: count }, (_, index) => ({
              key: `request.headers[x-${index}]`,
              values: [name],
            })),
          },
        ],
      });
    const told = cause({ objects: [when('d', 4), when('c', 3), when('b', 2), when('a', 1)] });
    expect(told?.match(/AuthorizationPolicy foo\/\w/g)).toEqual(
      ['a', 'b', 'c'].map((name) => `AuthorizationPolicy foo/${name}`),
    );
  });

  describe('that is denied, and there is action DENY:', () => {
    const selector = { matchLabels: { app: 'web' } };
    const to = (path: string) => [{ to: [{ operation: { paths: [path] } }] }];
    const policy = (name: string, action: string, path: string, annotations?: Record<string, string>) => {
      const { metadata, ...rest } = object('AuthorizationPolicy', name, {
        selector,
        action,
        rules: to(path),
      });
      return { ...rest, metadata: { ...metadata, ...(annotations === undefined ? {} : { annotations }) } };
    };
    const named = (objects: KubeObject[], more: Partial<Given> = {}) =>
      cause({ objects, ...more })?.match(/AuthorizationPolicy \S+ \(\w+\)[^;]*rule 1 [a-z ]*/g);

    test('only what denies is told', () => {
      expect(
        named([policy('a', 'ALLOW', '/a'), policy('b', 'DENY', '/b'), policy('c', 'DENY', '/a')]),
      ).toEqual(['AuthorizationPolicy foo/c (DENY): rule 1 matches']);
    });

    test('what does not match, or only would, has not denied it', () => {
      const dryRun = { 'istio.io/dry-run': 'true' };
      expect(
        named([policy('a', 'ALLOW', '/b'), policy('b', 'DENY', '/b'), policy('c', 'DENY', '/a', dryRun)]),
      ).toEqual(['AuthorizationPolicy foo/a (ALLOW): rule 1 does not match']);
    });

    test('what may match is told beside what does not let it pass', () => {
      const may = object('AuthorizationPolicy', 'may', { selector, action: 'DENY', rules: fromAddress });
      expect(
        named([policy('a', 'ALLOW', '/*'), policy('b', 'DENY', '/b'), may, ...routes({})], { through: true }),
      ).toEqual([
        'AuthorizationPolicy foo/a (ALLOW): rule 1 matches',
        'AuthorizationPolicy foo/may (DENY): rule 1 may match',
      ]);
    });
  });

  test('of gRPC is denied with 200', () => {
    const methods = [{ to: [{ operation: { methods: ['/a.B/C'] } }] }];
    const request = { method: 'POST', headers: [['content-type', 'application/grpc'] as [string, string]] };
    const came = { status: 200, body: '', expected: 404, headers: { 'grpc-status': '7' } };
    expect(cause({ objects: [access(methods)], request, came })).toBe(
      'AuthorizationPolicy foo/rules (ALLOW): rule 1 does not match: wants methods = /a.B/C; the request has POST; methods are those of HTTP: a gRPC call is a POST, and what it calls is its path; Envoy answers a gRPC call that it refuses with 200 and grpc-status 7',
    );
  });

  test('of which one header says that it is gRPC', () => {
    const headers: [string, string][] = [
      ['te', 'trailers'],
      ['Content-Type', 'application/grpc+proto'],
    ];
    const came = { status: 200, body: '', expected: 404, headers: { 'grpc-status': '16' } };
    const objects = [tokens()];
    expect(cause({ objects, request: { headers: [...headers, bearer('x')] }, came })).toMatch(
      /is refused by .*; Envoy answers a gRPC call that it refuses with 200 and grpc-status 16$/,
    );
    // An application may say such things of its own, or nothing.
    for (const [name, value] of [
      ['accept', 'application/grpc'],
      ['content-type', 'text/plain'],
    ] as const)
      expect(cause({ objects, request: { headers: [[name, value], bearer('x')] }, came })).toBeUndefined();
    expect(
      cause({ objects, request: { headers: [...headers, bearer('x')] }, came: { ...came, headers: {} } }),
    ).toBeUndefined();
  });

  test('to a port that is no HTTP: what is about HTTP cannot hold there', () => {
    expect(cause({ objects: [access(anyToken)], port: { name: 'tcp-web' } })).toContain(
      'this port is not HTTP, and a field about HTTP cannot be known there',
    );
  });

  test('of which the identity of the client decides', () => {
    const from = (namespaces: string[]) => [access([{ from: [{ source: { namespaces } }] }])];
    expect(cause({ objects: from(['bar']) })).toContain(
      'wants namespaces = bar; the request has cluster.local/ns/foo/sa/default',
    );
  });
});

describe('a request through the gateway', () => {
  test('that the workload denies: the token was taken out on the way', () => {
    const objects = [...routes({}), tokens({}, 'istio-system'), access(anyToken)];
    expect(
      cause({ objects, through: true, request: { headers: [['Host', 'web.example.com'], bearer(token())] } }),
    ).toBe(
      'foo/web refuses it: istio-system/gw has taken the token out of the request, as its rule has no forwardOriginalToken; AuthorizationPolicy foo/rules (ALLOW): rule 1 does not match: wants requestPrincipals = *; no token was seen in header authorization, after "Bearer " or query parameter access_token',
    );
  });

  test('that is let through without a token that only the workload looks for', () => {
    expect(
      cause({ objects: [...routes({}), tokens()], through: true, came: { ...passed, expected: 401 } }),
    ).toMatch(/^RequestAuthentication foo\/tokens: no token of [^;]*; RequestAuthentication lets a request/);
  });

  test('whose path is rewritten: the workload sees another one', () => {
    const objects = [
      ...routes({ match: [{ uri: { prefix: '/eat/' } }], rewrite: { uri: '/' } }),
      access([{ to: [{ operation: { paths: ['/eat/*'] } }] }]),
    ];
    expect(cause({ objects, through: true, request: { url: '/eat/x' } })).toBe(
      'foo/web refuses it: VirtualService foo/web rewrites /eat/x to /x, and the workload sees that; AuthorizationPolicy foo/rules (ALLOW): rule 1 does not match: wants paths = /eat/*; the request has /x',
    );
  });

  test('that comes from outside has no identity', () => {
    const policy = object(
      'AuthorizationPolicy',
      'rules',
      { selector: { matchLabels: gatewayLabels }, rules: [{ from: [{ source: { namespaces: ['*'] } }] }] },
      'istio-system',
    );
    expect(cause({ objects: [...routes({}), policy], through: true })).toContain(
      'wants namespaces = *; without mutual TLS a client has no identity',
    );
  });

  test('that depends on an address: that it is not known', () => {
    const objects = [...routes({}), access([{ from: [{ source: { remoteIpBlocks: ['203.0.113.9'] } }] }])];
    expect(cause({ objects, through: true })).toBe(
      'foo/web refuses it: AuthorizationPolicy foo/rules (ALLOW): rule 1 may match: wants remoteIpBlocks = 203.0.113.9; the address of the client is not known here: of X-Forwarded-For the last address counts, unless numTrustedProxies is set',
    );
  });
});

describe('nothing is said', () => {
  test.each<[string, Given]>([
    ['when the policies say that it passes, and it was denied', { objects: [] }],
    [
      'when they say that it is denied, and it passed',
      { objects: [access(anyToken)], came: { ...passed, expected: 200 } },
    ],
    ['when they say 401, and it was 403', { objects: [tokens()], request: { headers: [bearer('x')] } }],
    ['about an answer of the application', { objects: [], came: { expected: 200, status: 404, body: 'no' } }],
    ['about 403 of the application', { objects: [], came: { body: 'go away' } }],
    [
      'about 403 of the application where it would be denied',
      { objects: [access(anyToken)], came: { body: 'go away' } },
    ],
    [
      'about 403 of the application where it is not known',
      { objects: [...routes({}), access(fromAddress)], through: true, came: { body: 'go away' } },
    ],
    [
      'about a request that passed where that is not known',
      { objects: [...routes({}), access(fromAddress)], through: true, came: passed },
    ],
    [
      'about 401 in place of 403',
      { objects: [access([{}])], came: { expected: 403, status: 401, body: 'no' } },
    ],
    ['about 403 in place of 401', { objects: [tokens()], came: { expected: 401, body: 'no' } }],
    [
      'about an answer of the application without a token',
      { objects: [tokens()], came: { status: 404, body: 'no' } },
    ],
    [
      'about a good token where 401 was expected',
      { objects: [tokens()], request: { headers: [bearer(token())] }, came: { ...passed, expected: 401 } },
    ],
    ['about 401 where nobody looks at tokens', { objects: [], came: { ...passed, expected: 401 } }],
    ['about a host that is not in the mesh', { objects: [], request: { url: 'http://keys.example.com/' } }],
    ['where no policy holds', { objects: [], came: passed }],
  ])('%s', (_, given) => {
    expect(cause(given)).toBeUndefined();
  });
});
