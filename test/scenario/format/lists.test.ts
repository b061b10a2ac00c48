import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowsOf } from '../../../src/scenario/table.ts';
import { mistakesOf, scenarioOf, textAt } from '../support.ts';

const source = `name: sample
title: A sample
source: { document: FAQ, section: Sample }
lists:
  alg: [ES256, PS512]
  how: [payload, signature]
issuers:
  \${alg} only: { issuer: '\${alg}@example.com', algorithm: '\${alg}' }
  all: { issuer: all, keys: { '\${alg}': { algorithm: '\${alg}', kid: 'kid \${alg}' }, more: {} } }
tokens:
  valid \${alg}: { issuer: '\${alg} only', claims: { alg: '\${alg}', '\${alg}': 1, deep: ['\${alg}', '$\${alg}'] } }
  tampered \${alg} \${how}: { extends: 'valid \${alg}', claims: { sub: '\${how}' } }
  of all \${alg}: { issuer: all, key: '\${alg}' }
steps:
  - name: by algorithm
    through: ingress
    request: { path: /headers, token: '\${column} \${row}' }
    expect:
      columns: [valid, of all]
      \${alg}: [200, { code: 200, body: 'signed with \${alg}' }]
  - name: by token
    through: ingress
    expect:
      columns: [no token, 'valid \${alg}', 'tampered \${alg} \${how}']
      /headers: [403, { code: 200, body: '\${alg}' }, 401]
`;

describe('expansion', () => {
  const scenario = scenarioOf(source);
  const at = (...path: (string | number)[]) => textAt(source, scenario.place(path));

  test('makes an entry for every value, in keys and everywhere in what they hold', () => {
    expect(scenario.issuers).toEqual({
      'ES256 only': { issuer: 'ES256@example.com', algorithm: 'ES256' },
      'PS512 only': { issuer: 'PS512@example.com', algorithm: 'PS512' },
      all: {
        issuer: 'all',
        keys: {
          ES256: { algorithm: 'ES256', kid: 'kid ES256' },
          PS512: { algorithm: 'PS512', kid: 'kid PS512' },
          more: { algorithm: 'RS256' },
        },
      },
    });
    expect(scenario.tokens['valid PS512']).toEqual({
      issuer: 'PS512 only',
      claims: { alg: 'PS512', PS512: 1, deep: ['PS512', '$${alg}'] },
    });
  });

  test('makes every combination of several lists', () => {
    expect(Object.keys(scenario.tokens)).toEqual([
      'valid ES256',
      'valid PS512',
      'tampered ES256 payload',
      'tampered ES256 signature',
      'tampered PS512 payload',
      'tampered PS512 signature',
      'of all ES256',
      'of all PS512',
    ]);
  });

  test('makes rows and columns, with one cell for all columns of a list', () => {
    expect(rowsOf(scenario.steps[0]!.expect!)).toEqual([
      ['ES256', [200, { code: 200, body: 'signed with ES256' }]],
      ['PS512', [200, { code: 200, body: 'signed with PS512' }]],
    ]);
    expect(scenario.steps[1]?.expect?.columns).toHaveLength(7);
    expect(rowsOf(scenario.steps[1]!.expect!)).toEqual([
      ['/headers', [403, { code: 200, body: 'ES256' }, { code: 200, body: 'PS512' }, 401, 401, 401, 401]],
    ]);
  });

  test('keeps the places of the file', () => {
    expect(at('issuers', 'PS512 only', 'issuer')).toMatch(/^'\$\{alg\}@example\.com', algorithm/);
    expect(at('issuers', 'all', 'keys', 'PS512', 'kid')).toMatch(/^'kid \$\{alg\}' \}, more/);
    expect(at('issuers', 'all', 'keys', 'more')).toBe('{} } }');
    expect(at('tokens', 'valid PS512', 'claims', 'PS512')).toMatch(/^1, deep/);
    expect(at('tokens', 'valid PS512', 'claims', 'deep', 1)).toMatch(/^'\$\$\{alg\}'\]/);
    expect(at('steps', 0, 'expect', 'PS512', 1, 'body')).toBe("'signed with ${alg}' }]");
    expect(at('steps', 1, 'expect', '/headers', 2, 'body')).toBe("'${alg}' }, 401]");
    expect(at('steps', 1, 'expect', '/headers', 6)).toBe('401]');
    expect(at('steps', 1, 'expect', 'columns', 6)).toBe("'tampered ${alg} ${how}']");
  });
});

test('any lists give as many tokens and checks as there are combinations, all different', () => {
  const values = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(values, values, (first, second) => {
      const { tokens, steps } = scenarioOf(`name: sample
title: A sample
source: { document: FAQ, section: Sample }
lists: ${JSON.stringify({ first, second })}
tokens:
  \${first}-\${second}: { raw: '\${second}/\${first}' }
steps:
  - name: first
    through: ingress
    request: { path: /, token: '\${row}-\${column}' }
    expect:
      columns: ['\${second}']
      \${first}: [401]
`);
      expect(Object.entries(tokens)).toEqual(
        first.flatMap((a) => second.map((b) => [`${a}-${b}`, { raw: `${b}/${a}` }])),
      );
      expect(rowsOf(steps[0]!.expect!)).toEqual(first.map((a) => [a, second.map(() => 401)]));
      expect(steps[0]?.expect?.columns).toEqual(second);
    }),
    { numRuns: 50 },
  );
});

test('one mistake in an entry with a list is reported once', () => {
  expect(mistakesOf(source.replace("issuer: '${alg} only'", 'issuer: nobody'))).toEqual([
    '11:27 there is no issuer "nobody"',
  ]);
});

test.each([
  [
    'claims',
    "'${alg}': 1, deep",
    "'${alg}': 1, PS512: 2, deep",
    '11:80 there are two entries called "PS512"',
  ],
  [
    'expected headers',
    "body: 'signed with ${alg}'",
    "headers: { ES256: a, '${alg}': b }",
    '20:55 there are two entries called "ES256"',
  ],
  [
    'expected headers that are the row and the column',
    "body: 'signed with ${alg}'",
    "headers: { 'of all': a, '${column}': b }",
    '20:21 the header "of all" is there twice once it is filled in',
  ],
])('%s that have one name once they are filled in are a mistake', (_, from, to, mistake) => {
  expect(mistakesOf(source.replace(from, to)).join('\n')).toContain(mistake);
});
