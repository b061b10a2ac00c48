/** Policies, tokens and requests that are near each other: values that match are as likely as values that nearly do. */
import fc from 'fast-check';
import type { KubeObject } from '../../../src/target/target.ts';

export const issuers = ['a.example.com', 'https://b.example.com', 'https://b.example.com/realm'] as const;

/** A token before it is signed; `broken` is done to its text afterwards. */
export interface TokenPlan {
  readonly issuer: number;
  /** Whose key signs it. */
  readonly key: number;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly broken: 'no' | 'payload' | 'signature' | 'sections' | 'empty' | 'garbage';
}

export interface RequestPlan {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly tokens: readonly { readonly place: string; readonly plan: TokenPlan }[];
}

export interface Case {
  readonly policies: readonly KubeObject[];
  readonly requests: readonly RequestPlan[];
}

const some = <T>(values: readonly T[], most = 2) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: most });
/** One in so many. */
const seldom = <T>(arbitrary: fc.Arbitrary<T>, among: number) =>
  fc.oneof({ weight: among - 1, arbitrary: fc.constant(undefined) }, arbitrary);

const subjects = ['alice', 'bob', 'a/b', '', '*lice'];
const roles = ['admin', 'adm', 'user', 'x admin', '', ' user ', 'a\nb'];
const paths = [
  ...[
    '/anything',
    '/anything/',
    '/anything/a',
    '/anything/a/b',
    '/ANYTHING/a',
    '/anything/a;x=1',
    '/anything/ab',
  ],
  ...['/anything/a?x=/anything/b', '/anything//a', '/anything/./a', '/anything/b/../a', '/anything/%61'],
  ...[
    '/anything/%2e%2e/anything/a',
    '/anything%2fa',
    '/anything/a%20b',
    '/anything/*',
    '/anything\\a',
    '/anything/[a]',
    '/anything/a"b',
    '/anything/a|b',
    '/status/200',
  ],
];
const hosts = ['httpbin.foo:8000', 'HTTPBIN.foo:8000', 'httpbin.foo'];

const claims = fc.record(
  {
    sub: fc.constantFrom<unknown>(...subjects, 5),
    aud: fc.constantFrom<unknown>('api', 'https://api/', ['api', 'web'], ['web'], [], 'other', 7),
    exp: fc.constantFrom<unknown>(0, 4_685_989_700, 1_532_389_800, '4685989700', -1, 1.5e9),
    nbf: fc.constantFrom<unknown>(0, 4_685_989_700, 1_532_389_800),
    role: fc.constantFrom<unknown>(
      ...[...roles, ['admin', 'user'], [], 5, true, null, { admin: 'admin' }, ['x', ['admin']]],
      ...[-5, 1.5, 1e22, ['<a>', '\u2028', 1e15, 1e-5, 1 / 3]],
    ),
    scope: fc.constantFrom<unknown>('read write', 'read', 'write  read', ' ', ['read']),
    groups: fc.constantFrom<unknown>('read write', 'read'),
    realm: fc.constantFrom<unknown>({ roles: ['admin'] }, { roles: 'user' }, 'roles', [{ roles: 'admin' }]),
    azp: fc.constantFrom('web', 'cli', 'mobile'),
  },
  { requiredKeys: [] },
);
/** Mostly good, so that it comes as far as AuthorizationPolicies. */
const goodClaims = claims.map(({ exp: _, nbf: __, aud, sub, ...rest }) => ({
  ...rest,
  ...(typeof sub === 'number' ? {} : { sub: sub ?? 'alice' }),
  ...(typeof aud === 'number' ? {} : { aud }),
}));

const plan: fc.Arbitrary<TokenPlan> = fc
  .record({
    issuer: fc.constantFrom(0, 0, 1, 1, 2),
    otherKey: seldom(fc.nat(issuers.length - 1), 12),
    header: fc.constantFrom<TokenPlan['header']>(
      ...Array(20).fill({}),
      { kid: 'k0' },
      { kid: 'none' },
      { kid: 5 },
      { alg: 'none' },
      { alg: 'RS256' },
    ),
    claims: fc.oneof({ weight: 4, arbitrary: goodClaims }, claims),
    broken: fc.constantFrom<TokenPlan['broken']>(
      ...Array(40).fill('no'),
      'payload',
      'signature',
      'sections',
      'empty',
      'garbage',
    ),
  })
  .map(({ otherKey, ...rest }) => ({ ...rest, key: otherKey ?? rest.issuer }));

const places = [
  ...Array<string>(12).fill('Authorization: Bearer '),
  ...[
    'Authorization: bearer ',
    'Authorization: Basic ',
    'Authorization: x Bearer  ',
    'X-Token: ',
    'X-Token: Token ',
    'X-Other: ',
  ],
  ...['?access_token=', '?token=', '?%zz&t%6fken=', 'Cookie: session=', 'Cookie: a=b; token='],
  'Cookie: token; token=',
];

const request: fc.Arbitrary<RequestPlan> = fc.record({
  method: fc.constantFrom('GET', 'GET', 'POST', 'DELETE', 'OPTIONS'),
  path: fc.constantFrom(...paths),
  host: fc.constantFrom(...hosts),
  headers: fc.array(
    fc.constantFrom<readonly [string, string]>(
      ['X-Other', 'admin'],
      ['X-Other', 'user'],
      ['X-Other', ''],
      ['x-role', 'admin'],
      ['X-Forwarded-Proto', 'https'],
      ['X-Forwarded-Proto', 'ftp'],
      ['Origin', 'http://x'],
      ['Access-Control-Request-Method', 'GET'],
    ),
    { maxLength: 2 },
  ),
  tokens: fc.array(fc.record({ place: fc.constantFrom(...places), plan }), { maxLength: 2 }),
});

const jwtRule = fc.record(
  {
    issuer: fc.constantFrom(issuers[0], issuers[1], ...issuers),
    audiences: some(['api', 'api/', 'https://api', 'web']),
    fromHeaders: fc.array(
      fc.record(
        {
          name: fc.constantFrom('X-Token', 'x-other', 'Authorization'),
          prefix: fc.constantFrom('Token ', 'Bearer '),
        },
        { requiredKeys: ['name'] },
      ),
      { minLength: 1, maxLength: 2 },
    ),
    fromParams: some(['token', 'access_token']),
    fromCookies: some(['token', 'session']),
    forwardOriginalToken: fc.boolean(),
    outputClaimToHeaders: fc.constantFrom(
      [{ header: 'x-role', claim: 'role' }],
      [{ header: 'x-role', claim: 'realm.roles' }],
    ),
    spaceDelimitedClaims: fc.constant(['groups']),
  },
  { requiredKeys: ['issuer'] },
);
/** Most rules look in the usual places. */
const usualRule = jwtRule.map(({ issuer, audiences, forwardOriginalToken, outputClaimToHeaders }) => ({
  issuer,
  ...(audiences === undefined || forwardOriginalToken ? {} : { audiences }),
  ...(forwardOriginalToken === undefined ? {} : { forwardOriginalToken }),
  ...(outputClaimToHeaders === undefined ? {} : { outputClaimToHeaders }),
}));

const selection = fc.constantFrom(
  ...[
    { namespace: 'foo', selector: { matchLabels: { app: 'httpbin' } } },
    { namespace: 'foo', selector: { matchLabels: { app: 'httpbin' } } },
    { namespace: 'foo' },
    { namespace: 'istio-system', selector: { matchLabels: { app: 'httpbin' } } },
    { namespace: 'foo', selector: { matchLabels: { app: 'other' } } },
  ],
);

/** With all private addresses of IPv4 or with none: local meshes have others than clusters. */
const blocks = [
  '0.0.0.0/0',
  '10.1.2.3/0',
  '::/0',
  '203.0.113.0/24',
  '203.0.113.7',
  '::ffff:0:0/96',
  'fd00::/8',
];

const texts = {
  paths: [
    '/anything',
    '/anything/*',
    '*/a',
    '/anything/a',
    '*',
    '/anything/{*}',
    '/anything/{**}',
    '/{*}/a',
    '/any*ing/a',
    '/anything/a/',
    '/anything/[a]',
    '/anything/a%22b',
    '/anything/*%7Cb',
  ],
  methods: ['GET', 'POST', 'G*', '*ET', '*', 'get'],
  hosts: ['httpbin.foo:8000', 'httpbin.foo', 'httpbin.*', '*:8000', '*', 'HttpBin.foo*'],
  ports: ['8080', '80', '8000'],
  requestPrincipals: [
    ...issuers.flatMap((issuer) => [`${issuer}/alice`, `${issuer}/alice`, `${issuer}/*`, `${issuer}*`]),
    ...['*', '*', '*/alice', '*alice', 'https://*', 'a.example.com/a/b'],
    ...[issuers[0], `${issuers[0]}/`, `${issuers[0]}/*lice`, `${issuers[0]}/*l*`],
  ],
  principals: [
    'cluster.local/ns/foo/sa/default',
    'cluster.local/ns/foo/*',
    '*/sa/default',
    '*',
    'cluster.local/ns/bar/*',
    'cluster*/ns/foo/sa/default',
    '*local/ns/foo/sa/default',
    'other*/ns/foo/sa/default',
  ],
  namespaces: ['foo', 'f*', 'bar', '*', '*a', '*r', 'foo/sa'],
  serviceAccounts: ['default', 'foo/default', 'bar/default', 'foo/other'],
  ipBlocks: blocks,
  remoteIpBlocks: blocks,
  trustDomains: ['cluster.local', 'cluster*', '*.local', 'other', '*'],
};
type Texts = keyof typeof texts;

function fields(names: readonly Texts[]): fc.Arbitrary<Record<string, string[]>> {
  const one = fc
    .constantFrom(...names)
    .chain((name) =>
      fc
        .tuple(fc.boolean(), some(texts[name]))
        .map(([isNot, values]): [string, string[]] => [
          isNot ? `not${name[0]!.toUpperCase()}${name.slice(1)}` : name,
          values,
        ]),
    );
  return fc.array(one, { minLength: 1, maxLength: 2 }).map((entries) => Object.fromEntries(entries));
}

const condition = fc
  .tuple(
    fc.constantFrom(
      ...([
        ['request.auth.claims[role]', ['admin', 'a*', '*n', '*', 'user', '5', 'true']],
        ['request.auth.claims[realm][roles]', ['admin', 'user', '*']],
        ['request.auth.claims[scope]', ['read', 'write', 'read write']],
        ['request.auth.claims[sub]', ['*', 'alice', 'a*']],
        ['request.auth.claims[groups]', ['read', 'read write']],
        ['request.auth.claims[iss]', [issuers[0], 'https://*']],
        ['request.auth.audiences', ['api', 'web', '*', 'https://api/']],
        ['request.auth.presenter', ['web', 'cli', '*']],
        ['request.auth.principal', texts.requestPrincipals],
        ['request.headers[X-Other]', ['admin', '*', 'adm*', 'admin,user']],
        ['request.headers[X-Other]', ['admin', '*', 'admin,user', 'user']],
        ['request.headers[x-role]', ['admin', '*', 'user']],
        ['request.headers[:path]', ['/anything/a', '/anything*', '*', '*b']],
        ['request.headers[:method]', ['GET', 'P*']],
        ['request.headers[Host]', ['httpbin.foo:8000', 'HTTPBIN*', '*']],
        ['request.headersX[a]', ['a']],
        ['source.namespace', ['foo', 'bar']],
        ['source.trustDomain', [...texts.trustDomains, 'cluster.local/ns/foo']],
        ['source.serviceAccount', texts.serviceAccounts],
        ['source.principal', texts.principals],
        ['destination.port', ['8080', '80']],
        ['source.ip', blocks],
        ['remote.ip', blocks],
        ['destination.ip', blocks],
      ] as const),
    ),
    fc.boolean(),
    fc.boolean(),
  )
  .chain(([[key, values], isNot, isBoth]) =>
    fc.tuple(some<string>(values), some<string>(values)).map(([one, other]) => ({
      key,
      ...(isNot && !isBoth ? {} : { values: one }),
      ...(isNot || isBoth ? { notValues: other } : {}),
    })),
  );

const parts = {
  from: fc.array(
    fc
      .oneof(
        { weight: 5, arbitrary: fields([...Array(3).fill('requestPrincipals'), 'principals', 'namespaces']) },
        { weight: 1, arbitrary: fields(['serviceAccounts', 'trustDomains', 'requestPrincipals']) },
        { weight: 1, arbitrary: fields(['ipBlocks', 'remoteIpBlocks']) },
      )
      .map((source) => ({ source })),
    { minLength: 1, maxLength: 2 },
  ),
  to: fc.array(
    fields(['paths', 'paths', 'methods', 'hosts', 'hosts', 'ports']).map((operation) => ({ operation })),
    { minLength: 1, maxLength: 2 },
  ),
  when: fc.array(condition, { minLength: 1, maxLength: 2 }),
};
/** Mostly of one part: then it is that part that decides. */
const accessRule: fc.Arbitrary<object> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ from: parts.from }) },
  { weight: 1, arbitrary: fc.record({ to: parts.to }) },
  { weight: 3, arbitrary: fc.record({ when: parts.when }) },
  { weight: 2, arbitrary: fc.record(parts, { requiredKeys: [] }) },
);

const policies: fc.Arbitrary<KubeObject[]> = fc
  .tuple(
    fc.array(
      fc.tuple(
        selection,
        fc.array(fc.oneof({ weight: 3, arbitrary: usualRule }, jwtRule), { minLength: 1, maxLength: 2 }),
      ),
      { maxLength: 2 },
    ),
    fc.array(
      fc.tuple(
        selection,
        fc.constantFrom('ALLOW', 'ALLOW', 'DENY', 'AUDIT', undefined),
        fc.oneof(
          { weight: 7, arbitrary: fc.array(accessRule, { minLength: 1, maxLength: 2 }) },
          fc.constant([]),
        ),
        seldom(fc.constantFrom('true', 'false', 't'), 6),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([authentications, authorizations]) => [
    ...authentications.map(([{ namespace, ...selector }, jwtRules], index) => ({
      apiVersion: 'security.istio.io/v1',
      kind: 'RequestAuthentication',
      metadata: { name: `jwt-${index}`, namespace },
      spec: { ...selector, jwtRules },
    })),
    ...authorizations.map(([{ namespace, ...selector }, action, rules, dryRun], index) => ({
      apiVersion: 'security.istio.io/v1',
      kind: 'AuthorizationPolicy',
      metadata: {
        name: `access-${index}`,
        namespace,
        ...(dryRun === undefined ? {} : { annotations: { 'istio.io/dry-run': dryRun } }),
      },
      spec: {
        ...selector,
        ...(action === undefined ? {} : { action }),
        ...(rules.length > 0 ? { rules } : (action ?? 'ALLOW') === 'ALLOW' ? {} : { rules: [{}] }),
      },
    })),
  ]);

export const requestsPerCase = 30;

export const cases: fc.Arbitrary<Case> = fc.record({
  policies,
  requests: fc.array(request, { minLength: requestsPerCase, maxLength: requestsPerCase }),
});
