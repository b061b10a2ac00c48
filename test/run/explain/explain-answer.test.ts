/** What is said about a wrong answer, from what selects the proxies and from Envoy's own words. */
import { describe, expect, test } from 'vitest';
import type { PlannedStep } from '../../../src/plan/types.ts';
import { explain, type WrongAnswer } from '../../../src/run/explain/explain-answer.ts';
import { inPlace } from '../../../src/run/in-place.ts';
import type { Snapshot } from '../../../src/run/proof/prove.ts';
import type { StepState } from '../../../src/run/steps/step-state.ts';
import type { KubeObject, ProxyRef } from '../../../src/target/target.ts';

function policy(kind: string, namespace: string, name: string, spec: object = {}): KubeObject {
  return { apiVersion: 'security.istio.io/v1', kind, metadata: { namespace, name }, spec };
}

const authentication = policy('RequestAuthentication', 'foo', 'jwt-example', {
  jwtRules: [{ issuer: 'testing@secure.istio.io', jwksUri: 'http://keys.example/jwks' }],
});
const authorization = policy('AuthorizationPolicy', 'foo', 'require-jwt');

const sidecar = (pod: string, labels: Record<string, string>, namespace = 'foo'): ProxyRef => ({
  namespace,
  pod,
  labels,
  kind: 'sidecar',
});

function snapshot(
  declared: KubeObject[],
  proxies: ProxyRef[] = [sidecar('httpbin-1', { app: 'httpbin' })],
): Snapshot {
  const policies = { providers: [], rbac: [], markers: [], rejected: [] };
  return new Map(
    proxies.map((proxy) => [
      `${proxy.namespace}/${proxy.pod}`,
      { proxy, role: 'decides' as const, declared, policies },
    ]),
  );
}

function cause(more: Partial<WrongAnswer>): string | undefined {
  const nothing = {
    expected: 403,
    status: 200,
    body: '',
    claims: undefined,
    applied: [],
    behind: [],
    evidence: [],
  };
  const explanation = explain({ ...nothing, snapshot: snapshot([]), ...more });
  // Whoever says a cause says what to do.
  if (explanation !== undefined) expect(explanation.remedy).toMatch(/^[A-Z].*\.$/);
  return explanation?.cause;
}

describe('policies', () => {
  test('that hold for a proxy behind the one that decides first are not lost', () => {
    const behind = [policy('AuthorizationPolicy', 'default', 'require-jwt')];
    expect(cause({ applied: behind, snapshot: snapshot([authentication]) })).toContain('selects none');
    expect(cause({ applied: behind, behind, snapshot: snapshot([authentication]) })).toBe(
      'no AuthorizationPolicy selects foo/httpbin-1',
    );
  });

  test('that were applied and select nothing are named', () => {
    const elsewhere = policy('AuthorizationPolicy', 'default', 'require-jwt');
    const applied = [authentication, elsewhere];
    expect(cause({ applied, snapshot: snapshot([authentication]) })).toBe(
      'AuthorizationPolicy default/require-jwt selects none of the proxies that decide about this request: its namespace is default, and that of the proxies is foo',
    );
    expect(cause({ applied, snapshot: snapshot([]) })).toMatch(
      /^RequestAuthentication foo\/jwt-example and AuthorizationPolicy default\/require-jwt select none/,
    );
  });

  test('whose selector is wrong are told with the labels that there are', () => {
    const selecting = (matchLabels: object) =>
      cause({ applied: [policy('AuthorizationPolicy', 'foo', 'x', { selector: { matchLabels } })] });
    const start = 'AuthorizationPolicy foo/x selects none of the proxies that decide about this request: ';
    expect(selecting({ app: 'httpbn' })).toBe(
      `${start}its selector wants app=httpbn, and the proxies have app=httpbin`,
    );
    expect(selecting({ app: 'httpbin', version: 'v2' })).toBe(
      `${start}its selector wants version=v2, and the proxies have no version`,
    );
    // Not seen yet by those who list what holds: nothing is wrong with it.
    expect(selecting({ app: 'httpbin' })).toBe(`${start}see namespace and selector`);
  });

  test('that are several are told together, each reason once', () => {
    const applied = [
      policy('AuthorizationPolicy', 'default', 'a'),
      policy('AuthorizationPolicy', 'default', 'b'),
      policy('AuthorizationPolicy', 'foo', 'c', { selector: { matchLabels: { app: 'x', version: 'v2' } } }),
    ];
    expect(cause({ applied })).toBe(
      'AuthorizationPolicy default/a and AuthorizationPolicy default/b and AuthorizationPolicy foo/c select none of the proxies that decide about this request: ' +
        'their namespace is default, and that of the proxies is foo, and ' +
        'their selector wants app=x, version=v2, and the proxies have app=httpbin, no version',
    );
  });

  test('are compared with the proxies of their own namespace alone', () => {
    const proxies = [
      sidecar('a', { app: 'httpbin', version: 'v1' }),
      sidecar('b', { app: 'httpbin', version: 'v2' }),
      sidecar('c', { app: 'httpbn' }, 'bar'),
    ];
    const lost = (namespace: string, matchLabels: object) =>
      cause({
        applied: [policy('AuthorizationPolicy', namespace, 'x', { selector: { matchLabels } })],
        snapshot: snapshot([], proxies),
      })?.split(': ')[1];
    // Of the label that one of them has nothing is said.
    expect(lost('foo', { app: 'httpbn', version: 'v1' })).toBe(
      'its selector wants app=httpbn, and the proxies have app=httpbin',
    );
    expect(lost('foo', { version: 'v3' })).toBe(
      'its selector wants version=v3, and the proxies have version=v1, version=v2',
    );
    expect(lost('default', {})).toBe('its namespace is default, and that of the proxies is foo or bar');
  });

  test('without a spec are told as others are', () => {
    const { spec: _, ...bare } = policy('AuthorizationPolicy', 'foo', 'x');
    expect(cause({ applied: [bare as KubeObject] })).toMatch(/: see namespace and selector$/);
  });

  test('that name their target, and other objects, select nothing by labels', () => {
    const spec = { targetRefs: [{ kind: 'Gateway', name: 'gw' }] };
    const applied = [policy('AuthorizationPolicy', 'foo', 'x', spec), policy('ConfigMap', 'foo', 'y')];
    expect(cause({ applied, expected: 200, status: 500 })).toBeUndefined();
  });

  test('that are missing altogether are named by their kind', () => {
    expect(cause({ expected: 403 })).toBe('no AuthorizationPolicy selects foo/httpbin-1');
    expect(cause({ expected: 401 })).toBe('no RequestAuthentication selects foo/httpbin-1');
    const [a, b] = [sidecar('a', {}), sidecar('b', {})];
    expect(cause({ expected: 401, snapshot: snapshot([authorization], [a, b]) })).toBe(
      'no RequestAuthentication selects foo/a, foo/b',
    );
    expect(cause({ expected: 403, snapshot: snapshot([authorization]) })).toBeUndefined();
    expect(cause({ expected: 200, status: 404 })).toBeUndefined();
    expect(cause({ expected: 403, status: 403, body: 'other' })).toBeUndefined();
  });

  test('are not asked for when no proxy decides', () => {
    expect(cause({ snapshot: new Map(), applied: [authorization] })).toBeUndefined();
  });
});

describe('what Envoy answers', () => {
  const held = snapshot([authentication, authorization]);
  const answer = (status: number, body: string, more: Partial<WrongAnswer> = {}) =>
    cause({ expected: 200, status, body, snapshot: held, ...more });

  test('an unknown issuer: both are named', () => {
    expect(answer(401, 'Jwt issuer is not configured', { claims: { iss: 'testing@secure.istio.com' } })).toBe(
      'iss of the token is testing@secure.istio.com, and the policies are for testing@secure.istio.io',
    );
    expect(answer(401, 'Jwt issuer is not configured')).toBeUndefined();
    const issuers = (...jwtRules: object[]) =>
      answer(401, 'Jwt issuer is not configured', {
        claims: { iss: 'c' },
        snapshot: snapshot([policy('RequestAuthentication', 'foo', 'x', { jwtRules })]),
      });
    expect(issuers({ issuer: 'a' }, { issuer: 'b' }, { issuer: 'a' })).toBe(
      'iss of the token is c, and the policies are for a, b',
    );
    expect(issuers()).toBe('iss of the token is c, and the policies are for none');
  });

  test('is told from what an application says about tokens', () => {
    const claims = { iss: 'testing@secure.istio.com' };
    for (const body of ['', 'proxy: Jwt issuer is not configured', 'no Jwks here'])
      expect(answer(401, body, { claims })).toBeUndefined();
  });

  describe('no keys', () => {
    const uri = 'http://keys.example/jwks';
    const log = (content: string) => ({ evidence: [{ name: 'istiod-jwks.txt', content }] });
    const failed = `error model Failed to GET from "${uri}": Get "${uri}": `;

    test('the address is named, and who could not fetch from it', () => {
      expect(answer(401, 'Jwt verification fails')).toBe(
        `the proxy may not have the keys of ${uri}: see istiod-jwks.txt of the evidence`,
      );
      expect(answer(401, 'Jwks remote fetch is failed')).toBe(`Envoy cannot fetch the keys of ${uri}`);
      const inline = policy('RequestAuthentication', 'foo', 'x', { jwtRules: [{ issuer: 'a', jwks: '{}' }] });
      expect(answer(401, 'Jwt verification fails', { snapshot: snapshot([inline]) })).toBeUndefined();
    });

    test.each([
      [
        `2026-11-25T13:23:07.829006Z\terror\tmodel\tFailed to refresh JWT public key from "${uri}": Get "${uri}": context deadline exceeded`,
        'context deadline exceeded',
      ],
      [
        `${failed}dial tcp 10.96.0.7:80: connect: connection refused. Retry in 1s`,
        'dial tcp 10.96.0.7:80: connect: connection refused',
      ],
      [
        `error model Failed to fetch public key from "${uri}": status 503, no healthy upstream`,
        'status 503, no healthy upstream',
      ],
      [`${failed}EOF\n${failed}no such host\ninfo ads Push`, 'no such host'],
      [`${failed}no such host\n${failed}context deadline exceeded`, 'no such host'],
    ])('and why, from the log of istiod: %j', (content, reason) => {
      expect(answer(401, 'Jwt verification fails', log(content))).toBe(
        `istiod cannot fetch the keys of ${uri}: ${reason}`,
      );
    });

    test('and what is empty in the log, or in another file, is no reason', () => {
      const other = { name: 'envoy.log', content: `${failed}another reason` };
      const istiod = { name: 'istiod-jwks.txt', content: `${failed}EOF\n${failed}` };
      expect(answer(401, 'Jwt verification fails', { evidence: [other, istiod] })).toBe(
        `istiod cannot fetch the keys of ${uri}: EOF`,
      );
      expect(answer(401, 'Jwt verification fails', { evidence: [other] })).toMatch(/^the proxy may not have/);
    });

    test('of several addresses, each with its reason', () => {
      const two = 'https://login.example';
      const rules = { jwtRules: [{ issuer: 'a', jwksUri: uri }, { issuer: `${two}/` }] };
      const both = { snapshot: snapshot([policy('RequestAuthentication', 'foo', 'x', rules)]) };
      const discovery = `${two}/.well-known/openid-configuration`;
      const content = `${failed}EOF\n${failed.replaceAll(uri, discovery)}no such host`;
      expect(answer(401, 'Jwt verification fails', { ...both, ...log(content) })).toBe(
        `istiod cannot fetch the keys of ${uri}: EOF; istiod cannot fetch the keys of ${discovery}: no such host`,
      );
      expect(answer(401, 'Jwks remote fetch is failed', both)).toBe(
        `Envoy cannot fetch the keys of ${uri}, ${discovery}`,
      );
    });

    test('what the log says of other addresses does not count', () => {
      const other = failed.replaceAll(uri, 'http://other/jwks');
      expect(answer(401, 'Jwt verification fails', log(other))).toMatch(/^the proxy may not have/);
    });
  });
});

test('what is in place is what was applied up to the step and not deleted', () => {
  const place = { file: 'x.yaml', line: 1, column: 1 };
  const step = (apply: KubeObject[], remove: KubeObject[] = []) =>
    ({
      apply: apply.map((manifest) => ({ manifest, place })),
      delete: remove.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, ...metadata })),
    }) as unknown as PlannedStep;
  const named = policy('RequestAuthentication', 'foo', '$' + '{n}');
  const steps = [
    step([named, authorization]),
    step([authentication], [authorization]),
    step([authorization]),
  ];
  const state = { scenario: { steps }, context: { names: { n: 'filled-in' } } } as unknown as StepState;
  const names = (index: number) => inPlace(steps[index]!, state).map(({ metadata }) => metadata.name);
  expect(names(0)).toEqual(['filled-in', 'require-jwt']);
  expect(names(1)).toEqual(['filled-in', 'jwt-example']);
  expect(names(2)).toEqual(['filled-in', 'jwt-example', 'require-jwt']);
});
