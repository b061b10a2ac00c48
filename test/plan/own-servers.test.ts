/** What a server of the user's own stands for, on a cluster whose istiod stays as it is. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadScenarios } from '../../src/scenario/load.ts';
import { planOf, scenario } from './support.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { scenarios: documented } = loadScenarios(['scenarios/documented'], { cwd: root });
const missing = new Map([
  ['fetch-mode', 'others use it; kind would prove it'],
  ['mesh-settings', 'no settings'],
  ['jwks-ca', 'no CA; a server that istiod trusts would prove it'],
]);
const onCluster = (ownKeyServer?: string) =>
  planOf(documented, { canSwitchFetch: false }, { target: 'cluster', ownKeyServer }, missing).scenarios;

/** Checks that are skipped, by their reason. */
function skipped(url?: string): Record<string, number> {
  const reasons: Record<string, number> = {};
  for (const { skip, steps } of onCluster(url))
    for (const check of steps.flatMap(({ checks }) => checks)) {
      const reason = skip ?? check.skip;
      if (reason !== undefined) reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
  return reasons;
}

const otherMode = 'needs fetch mode envoy; this mesh has istiod, and others use it; kind would prove it';

describe('the documented profile', () => {
  test('skips on a cluster what needs settings of istiod, and says what would prove it', () => {
    expect(skipped()).toEqual({
      [otherMode]: 21,
      'no CA; a server that istiod trusts would prove it': 4,
    });
  });

  test('needs no CA of this tool with a server of the user over HTTPS, whose log is not seen', () => {
    expect(skipped('https://keys.example.com/get_jwks')).toEqual({
      [otherMode]: 21,
      'the access log of the server of --external-jwks is not seen; without --external-jwks a key server of this tool would prove it': 1,
    });
  });

  test('uses it where the scenario asks for its address, and nowhere else', () => {
    const own = (url: string) =>
      onCluster(url).flatMap(({ info, ownServers }) => ownServers.map((name) => `${info.id} ${name}`));
    // In the fetch mode envoy the certificate has to come from the CA of the run.
    expect(own('https://keys.example.com/get_jwks')).toEqual(['jwks-external-https@istiod external']);
    expect(own('http://keys.example.com/get_jwks')).toEqual([
      'jwks-external-http@istiod external',
      'jwks-external-http@envoy external',
    ]);
    expect(own('http://keys.example.com/other')).toEqual([]);
  });
});

describe('a key server', () => {
  const url = 'http://keys.example.com/get_jwks';
  const steps = (more = '') => `  - name: one
    apply:
      - apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: { name: a, namespace: foo }
        spec: { jwtRules: [{ issuer: me, jwksUri: "http://\${keyServers.keys.host}/get_jwks" }] }
    from: sleep.foo
    request: { url: http://httpbin.foo:8000 }
${more}    expect:
      columns: [/headers]
      valid: [200]
`;
  const own = (server: string, more = '', algorithm: 'RS256' | 'ES256' = 'RS256') => {
    const made = scenario('one', steps(more), `keyServers: { keys: ${server} }\napps: [httpbin, sleep]`);
    const changed = { ...made, issuers: { sample: { issuer: 'me', algorithm } } };
    return planOf([changed], {}, { ownKeyServer: url }).scenarios[0]?.ownServers;
  };

  test('that only serves the key of an issuer is replaced', () => {
    expect(own('{ serves: sample }')).toEqual(['keys']);
  });

  test.each([
    ['that fails', '{ serves: sample, status: 503 }', ''],
    ['with an expired certificate', '{ serves: sample, certificate: expired }', ''],
    ['with more keys', '{ serves: sample, copies: 3 }', ''],
    ['that a step sets', '{ serves: sample }', '    set: { keys: { status: 503 } }\n'],
    ['that is waited for', '{ serves: sample }', '    after: { fetches: 1, of: keys }\n'],
    [
      'beside which the CA of the run is used',
      '{ serves: sample }',
      '    expect: { columns: [/], valid: [200] }\n  - name: two\n    apply: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: a, namespace: foo }, data: { a: "${ca.pem}" } }]\n    from: sleep.foo\n    request: { url: http://httpbin.foo:8000 }\n',
    ],
  ])('%s is not', (_, server, more) => {
    expect(own(server, more)).toEqual([]);
  });

  test('is found although another policy has rules that are null', () => {
    const more =
      '    expect: { columns: [/], valid: [200] }\n  - name: two\n    apply: [{ apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: { name: b, namespace: foo }, spec: { jwtRules: null } }]\n    from: sleep.foo\n    request: { url: http://httpbin.foo:8000 }\n';
    expect(own('{ serves: sample }', more)).toEqual(['keys']);
  });

  test('whose issuer signs with another algorithm is not', () => {
    expect(own('{ serves: sample }', '', 'ES256')).toEqual([]);
  });
});
