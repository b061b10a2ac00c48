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

const listener = (filters: readonly Json[], more: Json = {}): Json => ({
  name: 'virtualInbound',
  active_state: {
    version_info: '2026-11-22T10:00:00Z/7',
    listener: {
      name: 'virtualInbound',
      // The same policy stands in a chain for TLS, one for plain text and the default one.
      filter_chains: [chain(filters), chain(filters)],
      default_filter_chain: chain(filters),
    },
    last_updated: '2026-11-22T10:00:00.123Z',
  },
  ...more,
});

const read = (...configs: Json[]) => readProxyPolicies({ configs }, undefined, []);

describe('providers', () => {
  test('inline keys, as text or as bytes', () => {
    const text = JSON.stringify(keys);
    const { providers } = read(
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
    const { providers } = read(
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
    const { providers } = read(
      listener([
        jwtAuthn({
          a: { local_jwks: { inline_string: 'not JSON' } },
          b: { issuer: 'x', local_jwks: { inline_string: '{}' } },
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
    expect(read(listener([jwtAuthn({ a: inline('1'), b: inline('2') })])).providers).toHaveLength(2);
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
    // But they are part of what can change.
    expect(found.fingerprint.rbac).not.toBe(read(listener([])).fingerprint.rbac);
  });
});

describe('what counts', () => {
  const filter = jwtAuthn({ a: { issuer: 'x', local_jwks: { inline_string: '{"keys":[]}' } } });

  test('only the active state is enforced', () => {
    const active = listener([filter]);
    const waiting = { name: 'virtualInbound', warming_state: active.active_state };
    const ending = { name: 'virtualInbound', draining_state: active.active_state };
    expect(read(waiting, ending).providers).toEqual([]);
    expect(read(waiting, active).providers).toHaveLength(1);
  });

  test('a gateway has several listeners', () => {
    const other = jwtAuthn({ b: { issuer: 'y', local_jwks: { inline_string: '{"keys":[]}' } } });
    const found = read(
      { ...listener([filter]), name: '0.0.0.0_8080' },
      { ...listener([other]), name: '0.0.0.0_8443' },
    );
    expect(found.providers.map((each) => each.issuer)).toEqual(['x', 'y']);
  });

  test('a proxy without policies, or without listeners, has none', () => {
    for (const found of [read(listener([])), read(), readProxyPolicies({}, {}, ['x'])]) {
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
    expect(found.rejected).toEqual([`listener virtualInbound: ${details}`, 'listener other: rejected']);
    expect(found.providers).toHaveLength(1);
  });

  test('a rejected update that Envoy notes a second time, without a name, is told once', () => {
    const error = (details: string) => ({ error_state: { details } });
    const found = read(listener([filter], error('bad keys')), error('bad keys'), error('other'));
    expect(found.rejected).toEqual(['listener virtualInbound: bad keys', 'other']);
  });
});

describe('fingerprints', () => {
  const providers = (kid: string) =>
    jwtAuthn({ a: { issuer: 'x', local_jwks: { inline_string: `{"keys":[{"kid":"${kid}"}]}` } } });
  const allow = (path: string) => rbac({ policies: { p: { permissions: [{ url_path: path }] } } });

  test('change with what they are about, and with nothing else', () => {
    const base = read(listener([providers('1'), allow('/a')])).fingerprint;
    const again = read(listener([providers('1'), allow('/a')], { version_info: 'other' })).fingerprint;
    expect(again).toEqual(base);
    const otherKey = read(listener([providers('2'), allow('/a')])).fingerprint;
    expect([otherKey.jwt === base.jwt, otherKey.rbac === base.rbac]).toEqual([false, true]);
    const otherPath = read(listener([providers('1'), allow('/b')])).fingerprint;
    expect([otherPath.jwt === base.jwt, otherPath.rbac === base.rbac]).toEqual([true, false]);
  });

  test('of clusters is about those of the hosts that are asked for', () => {
    const cluster = (name: string, sni: string): Json => ({
      version_info: 'x',
      cluster: { '@type': 'cluster', name, transport_socket: { sni } },
    });
    const of = (sni: string, otherSni: string, hosts: string[]) =>
      readProxyPolicies(
        {},
        {
          configs: [
            cluster('outbound|443||keys.external.test', sni),
            cluster('outbound|80||httpbin.foo.svc.cluster.local', otherSni),
            { version_info: 'no cluster in it' },
          ],
        },
        hosts,
      ).fingerprint.clusters;
    const hosts = ['keys.external.test'];
    expect(of('a', 'a', hosts)).toBe(of('a', 'b', hosts));
    expect(of('a', 'a', hosts)).not.toBe(of('b', 'a', hosts));
    expect(of('a', 'a', [])).toBe(of('b', 'b', []));
  });
});
