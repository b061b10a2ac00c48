/** Which rules a scenario does not reach, and what it says is missing. */
import { describe, expect, test } from 'vitest';
import { planFor } from '../../src/init/plan.ts';
import { writeScenario } from '../../src/init/write.ts';

const issuer = 'https://login.example.com';
const apiVersion = 'security.istio.io/v1';
const metadata = { name: 'orders', namespace: 'shop' };
const write = (spec: object, jwtRules: object[] = [{ issuer }]) =>
  writeScenario(
    planFor(
      [
        { apiVersion, kind: 'RequestAuthentication', metadata, spec: { jwtRules } },
        { apiVersion, kind: 'AuthorizationPolicy', metadata, spec },
      ],
      undefined,
      'here',
    ),
    'here',
    'first.yaml',
  );

const anybody = { from: [{ source: { requestPrincipals: ['*'] } }] };

describe('rules of ALLOW that no request matches', () => {
  test.each([
    [
      'only what is missing of a source',
      { from: [{ source: { namespaces: ['admin'], requestPrincipals: ['*'] } }] },
      'source namespaces [admin]',
    ],
    [
      'each source, because one would be enough',
      { from: [{ source: { namespaces: ['a', 'b'] } }, { source: { ipBlocks: ['192.0.2.0/24'] } }] },
      'source namespaces [a, b] or source ipBlocks [192.0.2.0/24]',
    ],
    [
      'several parts',
      {
        from: [{ source: { namespaces: ['admin'] } }],
        to: [{ operation: { ports: ['80'] } }],
        when: [{ key: 'request.headers[x-a]', values: ['b\nc'] }],
      },
      'source namespaces [admin]; operation ports ["80"]; condition request.headers[x-a] values ["b\\nc"]',
    ],
    [
      'parts that exclude each other',
      { ...anybody, when: [{ key: 'request.auth.claims[sub]', notValues: ['*'] }] },
      'none has all that it asks for at once',
    ],
  ])('%s', (_, rule, missing) => {
    const { text, untested } = write({ rules: [anybody, rule] });
    const line = `no request here matches rule 2 of AuthorizationPolicy shop/orders: ${missing}`;
    expect(untested).toEqual([line]);
    expect(text.split('\n')).toContain(`# ${line}`);
  });

  test.each([
    ['a rule that is matched', { rules: [anybody] }],
    ['one source of two', { rules: [{ from: [{ source: { namespaces: ['admin'] } }, ...anybody.from] }] }],
    ['the own namespace', { rules: [{ from: [{ source: { namespaces: ['shop'] } }] }] }],
    ['DENY', { action: 'DENY', rules: [{ from: [{ source: { namespaces: ['admin'] } }] }] }],
  ])('none: %s', (_, spec) => {
    expect(write(spec).untested).toEqual([]);
  });

  test('what is refused for its token matches nothing', () => {
    // Only the token for another audience would match.
    const rule = { ...anybody, when: [{ key: 'request.auth.claims[aud]', notValues: ['us'] }] };
    expect(write({ rules: [rule] }, [{ issuer, audiences: ['us'] }]).untested).toHaveLength(1);
  });

  test('nobody has a principal without a RequestAuthentication', () => {
    expect(write({ rules: [anybody] }, []).untested).toEqual([
      'no request here matches rule 1 of AuthorizationPolicy shop/orders: source requestPrincipals ["*"]',
    ]);
  });
});

describe('tokens that are looked for in places of their own', () => {
  const audiences = ['us'];
  test.each([
    [{ fromHeaders: [{ name: 'x-token' }] }, 'header x-token'],
    [{ fromParams: ['t'] }, 'parameter t'],
    [{ fromCookies: ['c'] }, 'cookie c'],
  ])('%j: all that can be wrong with one is tried there', (place, words) => {
    const { text } = write({ rules: [anybody] }, [{ issuer, audiences, ...place }]);
    const steps = [...text.matchAll(/- name: "app, (.+) in (.+)"/g)].map(([, ...found]) => found);
    const wanted = ['valid', 'expired', 'tampered', 'wrong issuer', 'wrong audience'];
    expect(steps).toEqual(wanted.map((token) => [token, words]));
  });

  test('one unknown issuer is enough where several issuers share the usual place', () => {
    const { text } = write({ rules: [anybody] }, [{ issuer }, { issuer: 'https://other.example.com' }]);
    expect(text.match(/^ {2}wrong issuer/gm)).toHaveLength(1);
  });

  test('without issuers there is no stranger', () => {
    const { text } = write({ rules: [anybody] }, []);
    expect(text).not.toContain('stranger');
    expect(text).not.toContain('tokens:');
  });
});
