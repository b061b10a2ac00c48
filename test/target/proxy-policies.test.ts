import { describe, expect, test } from 'vitest';
import { readProxyPolicies } from '../../src/target/proxy-policies.ts';

type Json = Record<string, unknown>;

const keys = { keys: [{ kty: 'RSA', kid: 'sample-1', n: 'abc', e: 'AQAB' }] };
const type = (name: string) => `type.googleapis.com/envoy.extensions.filters.http.${name}`;

const jwtAuthn = (providers: Json): Json => ({
  name: 'envoy.filters.http.jwt_authn',
  typed_config: {
    '@type': type('jwt_authn.v3.JwtAuthentication'),
    providers,
    rules: [{ match: { prefix: '/' }, requires: { requires_any: {} } }],
    bypass_cors_preflight: true,
  },
});
const rbac = (rules: Json, more: Json = {}): Json => ({
  name: 'envoy.filters.http.rbac',
  typed_config: {
    '@type': type('rbac.v3.RBAC'),
    rules,
    shadow_rules_stat_prefix: 'istio_dry_run_allow_',
    ...more,
  },
});

/** A filter chain as istiod makes it: the HTTP filters are within the connection manager. */
const chain = (filters: readonly Json[]): Json => ({
  filter_chain_match: { transport_protocol: 'tls' },
  filters: [
    { name: 'istio.metadata_exchange', typed_config: { '@type': 'x', protocol: 'istio-peer-exchange' } },
    {
      name: 'envoy.filters.network.http_connection_manager',
      typed_config: {
        '@type':
          'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
        stat_prefix: 'inbound_0.0.0.0_8080;',
        http_filters: [
          ...filters,
          { name: 'envoy.filters.http.router', typed_config: { '@type': 'router' } },
        ],
      },
    },
  ],
});

const listener = (filters: readonly Json[], more: Json = {}, direction = 'INBOUND'): Json => ({
  name: 'virtualInbound',
  active_state: {
    version_info: '2026-11-22T10:00:00Z/7',
    listener: {
      name: 'virtualInbound',
      traffic_direction: direction,
      // The same policy stands in a chain for TLS, one for plain text and the default one.
      filter_chains: [chain(filters), chain(filters)],
      default_filter_chain: chain(filters),
    },
    last_updated: '2026-11-22T10:00:00.123Z',
  },
  ...more,
});

const readKeys = (...configs: Json[]) => ({
  providers: read(...configs).providers.map(({ rule: _, ...rest }) => rest),
});
const read = (...configs: Json[]) => readProxyPolicies({ configs }, 'sidecar');

describe('providers', () => {
  test('inline keys, as text or as bytes', () => {
    const text = JSON.stringify(keys);
    const { providers } = readKeys(
      listener([
        jwtAuthn({
          'origins-0': { issuer: 'one', local_jwks: { inline_string: text }, forward: true },
          'origins-1': {
            issuer: 'two',
            local_jwks: { inline_bytes: Buffer.from(text).toString('base64') },
          },
        }),
      ]),
    );
    expect(providers).toEqual([
      { issuer: 'one', keys: keys.keys, uri: undefined },
      { issuer: 'two', keys: keys.keys, uri: undefined },
    ]);
  });

  test('keys that Envoy fetches itself have an address and are not known', () => {
    const { providers } = readKeys(
      listener([
        jwtAuthn({
          'origins-0': {
            issuer: 'remote',
            remote_jwks: {
              http_uri: {
                uri: 'http://keys.foo:80/get_jwks',
                cluster: 'outbound|80||keys.foo',
                timeout: '5s',
              },
              cache_duration: '1200s',
            },
          },
        }),
      ]),
    );
    expect(providers).toEqual([{ issuer: 'remote', keys: undefined, uri: 'http://keys.foo:80/get_jwks' }]);
  });

  test('keys that are no JWKS are none, and an issuer that is left out is empty', () => {
    const { providers } = readKeys(
      listener([
        jwtAuthn({
          'origins-0': { local_jwks: { inline_string: 'not JSON' } },
          'origins-1': { issuer: 'x', local_jwks: { inline_string: '{}' } },
        }),
      ]),
    );
    expect(providers).toEqual([
      { issuer: '', keys: [], uri: undefined },
      { issuer: 'x', keys: [], uri: undefined },
    ]);
  });

  test('two of one issuer with different keys are two', () => {
    const inline = (kid: string) => ({
      issuer: 'x',
      local_jwks: { inline_string: JSON.stringify({ keys: [{ kid }] }) },
    });
    expect(
      read(listener([jwtAuthn({ 'origins-0': inline('1'), 'origins-1': inline('2') })])).providers,
    ).toHaveLength(2);
  });
});

describe('RBAC policies', () => {
  const policy = { permissions: [{ any: true }], principals: [{ any: true }] };

  test('an action that is left out is ALLOW; each policy counts once, whatever the number of chains', () => {
    const found = read(
      listener([
        rbac({ action: 'DENY', policies: { 'ns[foo]-policy[no]-rule[0]': policy } }),
        rbac({ policies: { 'ns[foo]-policy[yes]-rule[0]': policy, 'ns[foo]-policy[yes]-rule[1]': policy } }),
      ]),
    );
    expect(found.rbac.map(({ name, action }) => `${action} ${name}`)).toEqual([
      'DENY ns[foo]-policy[no]-rule[0]',
      'ALLOW ns[foo]-policy[yes]-rule[0]',
      'ALLOW ns[foo]-policy[yes]-rule[1]',
    ]);
    expect(JSON.parse(found.rbac[0]?.rules ?? '')).toEqual(policy);
  });

  test('shadow rules, of a dry run or an external authorizer, are not enforced', () => {
    const shadow = { policies: { 'ns[foo]-policy[dry]-rule[0]': policy } };
    const found = read(
      listener([{ name: 'envoy.filters.http.rbac', typed_config: { shadow_rules: shadow } }]),
    );
    expect(found.rbac).toEqual([]);
  });
});

describe('what counts', () => {
  const filter = jwtAuthn({ 'origins-0': { issuer: 'x', local_jwks: { inline_string: '{"keys":[]}' } } });

  test('only the active state is enforced', () => {
    const active = listener([filter]);
    const waiting = { name: 'virtualInbound', warming_state: active.active_state };
    const ending = { name: 'virtualInbound', draining_state: active.active_state };
    expect(read(waiting, ending).providers).toEqual([]);
    expect(read(waiting, active).providers).toHaveLength(1);
  });

  test('a gateway has several listeners', () => {
    const other = jwtAuthn({ 'origins-0': { issuer: 'y', local_jwks: { inline_string: '{"keys":[]}' } } });
    const configs = [
      { ...listener([filter], {}, 'OUTBOUND'), name: '0.0.0.0_8080' },
      { ...listener([other], {}, 'OUTBOUND'), name: '0.0.0.0_8443' },
    ];
    const issuers = (kind: 'gateway' | 'sidecar') =>
      readProxyPolicies({ configs }, kind).providers.map((each) => each.issuer);
    expect(issuers('gateway')).toEqual(['x', 'y']);
    // What leaves a sidecar is no business of its policies.
    expect(issuers('sidecar')).toEqual([]);
  });

  test('a proxy without policies, or without listeners, has none', () => {
    for (const found of [read(listener([])), read(), readProxyPolicies({}, 'gateway')]) {
      expect(found).toMatchObject({ providers: [], rbac: [], rejected: [] });
    }
  });

  test('a rejected update (NACK) is named with its reason', () => {
    const details =
      "Provider 'origins-0' in jwt_authn config has invalid local jwks: Jwks RSA [n] is missing";
    const found = read(
      listener([filter], {
        error_state: { failed_configuration: {}, last_update_attempt: '2026-11-22T10:00:01Z', details },
      }),
      { name: 'other', error_state: {} },
    );
    expect(found.rejected).toEqual([
      { reason: `listener virtualInbound: ${details}`, marker: '' },
      { reason: 'listener other: rejected', marker: '' },
    ]);
    expect(found.providers).toHaveLength(1);
  });

  test('a rejected update that Envoy notes a second time, without a name, is told once', () => {
    const error = (details: string) => ({ error_state: { details } });
    const found = read(listener([filter], error('bad keys')), error('bad keys'), error('other'));
    expect(found.rejected.map(({ reason }) => reason)).toEqual([
      'listener virtualInbound: bad keys',
      'other',
    ]);
  });
});

describe('the marker', () => {
  const marker = (value: string) => ({
    name: 'envoy.filters.http.rbac',
    typed_config: {
      shadow_rules: {
        action: 'DENY',
        policies: {
          'ns[istio-system]-policy[jwt-e2e-marker]-rule[0]': {
            permissions: [{ any: true }],
            principals: [
              { authenticated: { principal_name: { safe_regex: { regex: `.*/ns/${value}/.*` } } } },
            ],
          },
          'ns[foo]-policy[other]-rule[0]': {
            principals: [{ authenticated: { principal_name: { safe_regex: { regex: '.*/ns/bar/.*' } } } }],
          },
        },
      },
    },
  });

  test('is read in every place to which policies are attached', () => {
    expect(read(listener([marker('m1')])).markers).toEqual(['m1', 'm1', 'm1']);
    expect(read(listener([marker('m1')]), listener([marker('m2')])).markers).toContain('m2');
  });

  test('is missing where there is none, and dry runs of others are none', () => {
    const dry = marker('m1');
    const text = JSON.stringify(dry).replace('jwt-e2e-marker', 'my-dry-run');
    expect(read(listener([])).markers).toEqual(['', '', '']);
    expect(read(listener([JSON.parse(text)])).markers).toEqual(['', '', '']);
    expect(read().markers).toEqual([]);
  });

  test('tells which update was rejected', () => {
    const failed = (listener([marker('m7')]).active_state as Json).listener;
    const found = read(
      listener([marker('m6')], { error_state: { failed_configuration: failed, details: 'bad keys' } }),
    );
    expect(found.rejected).toEqual([{ reason: 'listener virtualInbound: bad keys', marker: 'm7' }]);
    expect(found.markers).toEqual(['m6', 'm6', 'm6']);
  });
});

test('a filter that an EnvoyFilter has added is none of Istio', () => {
  const own = jwtAuthn({ mine: { issuer: 'other', local_jwks: { inline_string: '{"keys":[]}' } } });
  const istios = jwtAuthn({ 'origins-0': { issuer: 'x', local_jwks: { inline_string: '{"keys":[]}' } } });
  expect(read(listener([istios, own])).providers.map(({ issuer }) => issuer)).toEqual(['x']);
});

test('the fields of a rule are read with its names', () => {
  const provider = {
    issuer: 'a',
    audiences: ['x'],
    forward: true,
    from_headers: [{ name: 'X-A', value_prefix: 'P ' }, { name: 'x-b' }],
    from_params: ['q'],
    from_cookies: ['c'],
    forward_payload_header: 'X-P',
    claim_to_headers: [{ header_name: 'X-C', claim_name: 'sub' }],
  };
  expect(
    read(listener([jwtAuthn({ 'origins-0': provider, 'origins-1': { issuer: 'b' } })])).providers.map(
      ({ rule }) => rule,
    ),
  ).toEqual([
    {
      audiences: ['x'],
      fromHeaders: [
        ['x-a', 'P '],
        ['x-b', ''],
      ],
      fromParams: ['q'],
      fromCookies: ['c'],
      forwardOriginalToken: true,
      outputPayloadToHeader: 'x-p',
      outputClaimToHeaders: [['x-c', 'sub']],
    },
    {
      audiences: [],
      fromHeaders: [],
      fromParams: [],
      fromCookies: [],
      forwardOriginalToken: false,
      outputPayloadToHeader: '',
      outputClaimToHeaders: [],
    },
  ]);
});
