/** Policies of the right form, of which istiod's webhook or Istio's definitions refuse some; a real API server is asked too. */
import type { KubeObject } from '../../../src/base/kube-object.ts';

const policy = (kind: string, spec: object): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind,
  metadata: { name: 'a', namespace: 'default' },
  spec,
});
const access = (spec: object) => policy('AuthorizationPolicy', spec);
const rules = (rule: object) => access({ rules: [{}, rule] });
const source = (fields: object) => rules({ from: [{ source: fields }] });
const operation = (fields: object) => rules({ to: [{ operation: fields }] });
const when = (condition: object) => rules({ when: [condition] });
const custom = (rule: object) => access({ action: 'CUSTOM', provider: { name: 'p' }, rules: [rule] });
const authentication = (spec: object) => policy('RequestAuthentication', spec);
const jwt = (rule: object) => authentication({ jwtRules: [{ issuer: 'i', ...rule }] });

const inBraces = 'in braces there can be nothing but * or **, between slashes, and {**} is the last of them';
const anAccount = 'a service account is written as NAME or NAMESPACE/NAME, without a star';
const anAddress = 'an address is written as 10.1.2.3, and a range as 10.0.0.0/8';

/** Each with why it is refused. */
export const refusedPolicies: readonly (readonly [KubeObject, string])[] = [
  [source({}), 'spec.rules[1].from[0].source is empty: write a field, or leave it out'],
  [operation({ paths: [] }), 'spec.rules[1].to[0].operation is empty: write a field, or leave it out'],
  [operation({ paths: [''] }), 'spec.rules[1].to[0].operation.paths has "": an empty text is no value'],
  [
    when({ key: 'source.namespace', notValues: [''] }),
    'spec.rules[1].when[0].notValues has "": an empty text is no value',
  ],
  [when({ key: 'source.namespace' }), 'spec.rules[1].when[0] has no values: write values or notValues'],
  ...[
    ['source.namespaces', 'did you mean source.namespace?'],
    ['request.auth.claims[a].b', 'write request.auth.claims[a][b]'],
    ['request.auth.claims.realm.roles', 'write request.auth.claims[realm][roles]'],
    ['request.auth.claims[realm].roles', 'write request.auth.claims[realm][roles]'],
    ['request.auth.claims[a][b].c.d', 'write request.auth.claims[a][b][c][d]'],
    ['request.headers.x-a', 'write request.headers[x-a]'],
    ['source.principals', 'did you mean source.principal?'],
    ['nothing', 'it is no condition of Istio'],
  ].map(([key = '', meant]): [KubeObject, string] => [
    when({ key, values: ['a'] }),
    `spec.rules[1].when[0].key is "${key}", which Istio does not know: ${meant}`,
  ]),
  [
    operation({ notPorts: ['http'] }),
    'spec.rules[1].to[0].operation.notPorts has "http": a port is a number up to 65535',
  ],
  [
    when({ key: 'destination.port', values: ['70000'] }),
    'spec.rules[1].when[0].values has "70000": a port is a number up to 65535',
  ],
  ...['*', '10.0.0', '10.0.0.0/33', '::/129', 'a.example.com'].map((value): [KubeObject, string] => [
    source({ remoteIpBlocks: [value] }),
    `spec.rules[1].from[0].source.remoteIpBlocks has "${value}": ${anAddress}`,
  ]),
  ...['/a/{x}', '/a{*}', '/{**}/b/{*}', '/{**}/{**}'].map((value): [KubeObject, string] => [
    operation({ paths: [value] }),
    `spec.rules[1].to[0].operation.paths has "${value}": ${inBraces}`,
  ]),
  ...[
    ['/{*}/a*', 'a*'],
    ['/{*}//b', ''],
    ['/a b/{**}', 'a b'],
  ].map(([value = '', odd = '']): [KubeObject, string] => [
    operation({ notPaths: [value] }),
    `spec.rules[1].to[0].operation.notPaths has "${value}": in a path with {*} or {**}, "${odd}" cannot stand between slashes`,
  ]),
  ...['foo/*', '*', 'a/b/c', '/a', 'a/'].map((value): [KubeObject, string] => [
    source({ serviceAccounts: [value] }),
    `spec.rules[1].from[0].source.serviceAccounts has "${value}": ${anAccount}`,
  ]),
  [
    when({ key: 'source.serviceAccount', values: ['foo/*'] }),
    `spec.rules[1].when[0].values has "foo/*": ${anAccount}`,
  ],
  [
    source({ serviceAccounts: ['a'], notNamespaces: ['b'] }),
    'spec.rules[1].from[0].source has serviceAccounts and notNamespaces: write two entries of from, or one of them',
  ],
  ...['DENY', 'CUSTOM'].flatMap((action) =>
    [undefined, []].map((none): [KubeObject, string] => [
      access({ action, ...(action === 'DENY' ? {} : { provider: { name: 'p' } }), rules: none }),
      `spec.rules is missing, without which action ${action} is never taken: an empty rule, {}, is for every request`,
    ]),
  ),
  [
    access({ action: 'CUSTOM', rules: [{}] }),
    'spec.provider.name is missing: action CUSTOM asks an extension provider',
  ],
  [
    access({ provider: { name: 'p' }, rules: [{}] }),
    'spec.provider is for action CUSTOM, and the action is ALLOW',
  ],
  [
    custom({ from: [{ source: { ipBlocks: ['10.0.0.1'], notRequestPrincipals: ['*'] } }] }),
    'spec.rules[0].from[0].source.notRequestPrincipals cannot be used with action CUSTOM, which comes before identities',
  ],
  [
    custom({ when: [{ key: 'request.auth.claims[a]', values: ['b'] }] }),
    'spec.rules[0].when[0].key "request.auth.claims[a]" cannot be used with action CUSTOM, which comes before identities',
  ],
  ...[access, authentication].flatMap((of): [KubeObject, string][] => [
    [
      of({ selector: { matchLabels: { app: '*' } } }),
      'spec.selector.matchLabels has "app: *": labels are compared as they are; without a selector it is every workload',
    ],
    [
      of({
        selector: { matchLabels: { app: 'a' } },
        targetRefs: [{ kind: 'Service', name: 'a' }],
      }),
      'spec has selector and targetRefs: write one of them',
    ],
    [
      of({ targetRefs: [{ kind: 'Gateway', name: 'a' }] }),
      'spec.targetRefs[0].group is "", and that of Gateway is "gateway.networking.k8s.io"',
    ],
    [
      of({ targetRef: { group: 'networking.istio.io', kind: 'Gateway', name: 'a' } }),
      'spec.targetRef.group is "networking.istio.io", and that of Gateway is "gateway.networking.k8s.io"',
    ],
    [
      of({ targetRefs: [{ group: 'apps', kind: 'Deployment', name: 'a' }] }),
      'spec.targetRefs[0].kind is Deployment, and must be one of Service, ServiceEntry, Gateway, GatewayClass',
    ],
    [
      of({ targetRefs: [{ kind: 'Service', name: 'a', namespace: 'default' }] }),
      'spec.targetRefs[0].namespace is set: a policy is attached to what is in its own namespace',
    ],
    [of({ targetRefs: [{ kind: 'Service', name: '' }] }), 'spec.targetRefs[0].name is empty'],
  ]),
  [authentication({ jwtRules: [{}] }), 'spec.jwtRules[0] has neither issuer nor jwksUri: write the issuer'],
  [jwt({ issuer: '' }), 'spec.jwtRules[0].issuer is empty: write the claim iss of the tokens'],
  [
    jwt({ jwks: '{"keys":[]}', jwksUri: 'https://a/b' }),
    'spec.jwtRules[0] has jwks and jwksUri: write one of them',
  ],
  ...['a.example.com/keys', 'ftp://a/keys', '/keys'].map((uri): [KubeObject, string] => [
    jwt({ jwksUri: uri }),
    `spec.jwtRules[0].jwksUri is "${uri}", and must begin with http:// or https://`,
  ]),
  ...['no JSON', '"text"', '[]'].map((jwks): [KubeObject, string] => [
    jwt({ jwks }),
    'spec.jwtRules[0].jwks is not a JSON Web Key Set',
  ]),
  [jwt({ jwks: 'https://a/keys' }), 'spec.jwtRules[0].jwks is an address, which belongs into jwksUri'],
  ...['audiences', 'fromParams', 'fromCookies'].map((name): [KubeObject, string] => [
    jwt({ [name]: ['a', ''] }),
    `spec.jwtRules[0].${name} has an empty text`,
  ]),
  [jwt({ fromHeaders: [{ name: '' }] }), 'spec.jwtRules[0].fromHeaders[0].name is empty'],
  [
    jwt({ outputClaimToHeaders: [{ header: 'x y', claim: 'a' }] }),
    'spec.jwtRules[0].outputClaimToHeaders[0] has "x y", which is no name of a header',
  ],
  [
    jwt({ outputClaimToHeaders: [{ header: 'x', claim: '' }] }),
    'spec.jwtRules[0].outputClaimToHeaders[0] has an empty claim',
  ],
  ...['5', '1us', '1.5ms', '-5s', '0s', 'soon'].map((timeout): [KubeObject, string] => [
    jwt({ timeout }),
    `spec.jwtRules[0].timeout is "${timeout}", and must be whole milliseconds, such as 5s or 500ms`,
  ]),
];

/** Much like them, and taken. */
export const takenPolicies: readonly KubeObject[] = [
  rules({ from: [] }),
  operation({ ports: ['0', '65535'], paths: ['/a/{*}/b', '/{*}/b/{**}', '/{**}/b', '*', '/{*}/', '/a b/*'] }),
  source({ ipBlocks: ['10.1.2.3/8', '10.1.2.3', '::1', 'fd00::/8'], notNamespaces: ['a'] }),
  source({ serviceAccounts: ['a', 'b/c'], requestPrincipals: ['*'] }),
  when({ key: 'request.headers[x-a]', values: ['*'] }),
  access({}),
  access({ action: 'DENY', rules: [{}] }),
  custom({ from: [{ source: { notIpBlocks: ['10.0.0.1'] } }], to: [{ operation: { paths: ['/a'] } }] }),
  ...[access, authentication].flatMap((of) => [
    of({ selector: {} }),
    of({ selector: { matchLabels: { app: 'a' } } }),
    of({ targetRefs: [{ group: 'core', kind: 'Service', name: 'a' }] }),
    of({ targetRefs: [{ group: '', kind: 'Service', name: 'a', namespace: '' }] }),
    of({ targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'a' }] }),
    of({ targetRefs: [{ group: 'networking.istio.io', kind: 'ServiceEntry', name: 'a' }] }),
  ]),
  authentication({}),
  jwt({ jwks: '{"keys":[]}', timeout: '5s' }),
  jwt({ jwksUri: 'https://a/b', timeout: '1m0.5s' }),
  jwt({
    audiences: ['a'],
    fromHeaders: [{ name: 'x' }],
    outputClaimToHeaders: [{ header: 'x_y', claim: 'a' }],
  }),
];
