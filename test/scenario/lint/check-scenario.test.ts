/** What is right stays right; test/golden/scenario has what is wrong. */
import { describe, expect, test } from 'vitest';
import { mistakesOf, scenarioOf } from '../support.ts';

const head = `name: sample
title: A sample
source: { document: FAQ, section: Sample }
`;
const step = (lines: string) => `steps:\n  - name: first\n${lines.replace(/^/gm, '    ')}\n`;

describe('tokens', () => {
  const tokens = (lines: string) => `${head}lists: { n: [one, two] }
issuers:
  one: { issuer: one@example.com, keys: { a: {}, b: {} } }
  two: { issuer: two@example.com }
tokens:
  base: { issuer: one, key: a }
${lines.replace(/^/gm, '  ')}
${step('through: ingress\nexpect: { columns: [/], no token: [200] }')}`;

  test.each([
    ['of a key', 'x: { issuer: one, key: b }'],
    ['with the key of the base', 'x: { extends: base, claims: { a: 1 } }'],
    ['of another issuer, for which the key of the base means nothing', 'x: { extends: base, issuer: two }'],
    ['signed by another issuer', 'x: { extends: base, signedBy: two }'],
    ['without a signature', 'x: { extends: base, unsigned: true }\ny: { extends: base, tamper: payload }'],
    ['that is any text', "x: { raw: '${issuers.one.issuer} ${now+60}' }"],
    ['several steps from its issuer', 'x: { extends: y }\ny: { extends: z }\nz: { extends: base }'],
  ])('%s is right', (_, lines) => {
    expect(mistakesOf(tokens(lines))).toEqual([]);
  });

  test('of another issuer with several keys has to say which', () => {
    expect(mistakesOf(tokens('x: { extends: base, issuer: two }\ny: { extends: x, issuer: one }'))).toEqual([
      '11:3 the issuer "one" has several keys; which one signs?',
    ]);
  });

  test('with a list have one mistake, even if it reads differently for each value', () => {
    expect(mistakesOf(tokens("x ${n}: { extends: 'x ${n}' }"))).toEqual([
      '10:22 the token "x one" extends itself',
    ]);
    expect(mistakesOf(tokens("x ${n}: { extends: 'y ${n}' }"))).toEqual(['10:22 there is no token "y one"']);
  });
});

describe('tables', () => {
  const table = (lines: string) =>
    `${head}issuers: { sample: { issuer: me } }
tokens: { valid: { issuer: sample }, b valid: { issuer: sample } }
keyServers: { keys: { serves: sample } }
${step(lines)}`;

  test.each([
    ['of paths and tokens', 'through: ingress\nexpect: { columns: [no token, valid], /: [200, 403] }'],
    [
      'of tokens and paths',
      'through: ingress\nexpect: { columns: [/, /ip], no token: [200, 200], valid: [200, 200] }',
    ],
    [
      'of tokens for one path',
      'through: ingress\nrequest: { path: /, token: "${row}" }\nexpect: { columns: [code], valid: [200] }',
    ],
    [
      'of labels',
      'through: ingress\nrequest: { path: "/${row}", token: no token, host: "${column}.test" }\nexpect: { columns: [a], x: [200] }',
    ],
    [
      'of tokens put together',
      'through: ingress\nrequest: { path: /, token: "${column} ${row}" }\nexpect: { columns: [b], valid: [200] }',
    ],
    [
      'whose rows end the path',
      'through: ingress\nrequest: { path: "/x${row}" }\nexpect: { columns: [valid], /a: [200] }',
    ],
    [
      'of addresses',
      'from: sleep.foo\nexpect: { columns: [valid], "http://a.foo:80/x": [200], "https://b.foo": [200] }',
    ],
    [
      'of the address of a key server',
      'from: sleep.foo\nexpect:\n  columns: [valid]\n  http://${keyServers.keys.host}/get_jwks: [{ code: 200, body: { jwks: sample } }]',
    ],
    [
      'with an address from a template',
      'from: sleep.foo\nrequest: { url: "http://${keyServers.keys.host}:80" }\nexpect: { columns: [valid], /: [200] }',
    ],
    [
      'with expectations that use the row',
      'through: ingress\nexpect: { columns: [valid], /: [{ code: 200, headers: { x-path: "${row}" }, body: { contains: "${issuers.sample.issuer}" } }] }',
    ],
    [
      'with cases',
      'through: ingress\nexpect: { columns: [valid], /: [[{ when: { istio: "<1.20 || 1.22.x", row: "/*" }, code: 200 }, { when: { asm: ">=1.13" }, code: 401 }, 403]] }',
    ],
  ])('%s are right', (_, lines) => {
    expect(mistakesOf(table(lines))).toEqual([]);
  });

  test('have a mistake in request.token reported once', () => {
    const lines =
      'through: ingress\nrequest: { path: /, token: "${row} ${column}" }\nexpect: { columns: [a, b], x: [200, 200], y: [200, 200] }';
    expect(mistakesOf(table(lines))).toEqual(['10:32 there is no token "x a", for row "x" and column "a"']);
  });
});

test('a check has an id of its own, even where names join to the same', () => {
  const lines =
    'through: ingress\nrequest: { path: /, token: no token }\nexpect: { columns: [x, y/x], a: [200, 200], a/y: [200, 200] }';
  expect(mistakesOf(head + step(lines))).toEqual(['8:55 there already is a check "sample/first/a/y/x"']);
});

test('a step may only delete, or only apply, and defaults are filled in', () => {
  const scenario = scenarioOf(
    `${head}keyServers: { keys: { serves: sample } }\nissuers: { sample: { issuer: me } }\n${step(
      'delete: [{ apiVersion: v1, kind: Service, name: a }]',
    )}  - name: second
    apply: [{ apiVersion: v1, kind: Service, metadata: { name: a } }]
  - name: third
    fetched: { from: keys, by: nobody }
`,
  );
  expect(scenario).toMatchObject({
    apps: [],
    tags: [],
    requires: [],
    tokens: {},
    keyServers: { keys: { where: 'external', path: '/get_jwks' } },
  });
});

describe('conditions', () => {
  const cases = (more: string, rows: string) =>
    `${head}${more}issuers: { sample: { issuer: me } }
lists: { alg: [ES256, RS256] }
tokens: { '\${alg}': { issuer: sample }, valid: { issuer: sample } }
${step(`through: ingress\nexpect:\n  columns: [/]\n${rows.replace(/^/gm, '  ')}`)}`;

  test.each([
    ['that counts for one of the rows of a list', '', '${alg}: [[{ when: { row: RS* }, code: 200 }, 401]]'],
    [
      'that one before it hides in some of the rows of a list only',
      '',
      '${alg}: [[{ when: { asm: <1.13, row: RS* }, code: 200 }, { when: { asm: <1.13 }, code: 401 }, 403]]',
    ],
    [
      'that an alias repeats where it never counts',
      '',
      'valid: [&both [{ when: { row: RS* }, code: 200 }, 401]]\nRS256: [*both]',
    ],
    [
      'that is wider than one before it',
      '',
      'valid: [[{ when: { istio: 1.30.x }, code: 200 }, { when: { istio: ">=1.29" }, code: 401 }]]',
    ],
    [
      'for pre-releases alone',
      '',
      'valid: [[{ when: { istio: ">=1.32.0-alpha <1.32.0" }, code: 200 }, 401]]',
    ],
    [
      'within the ranges around it',
      'when: { istio: "<1.20 || >=1.30" }\n',
      'valid: [[{ when: { istio: "1.19.x" }, code: 200 }, 401]]',
    ],
    ['for ASM', 'when: { target: [kind, cluster] }\n', 'valid: [[{ when: { asm: ">=0" }, code: 200 }, 401]]'],
  ])('of a case %s are right', (_, more, rows) => {
    expect(mistakesOf(cases(more, rows))).toEqual([]);
  });

  test.each([
    ['>1.2 <1.1'],
    ['>1.2 <1.3'],
    ['1.30.1 1.30.2'],
    ['1.30 - 1.20'],
    ['<0'],
    ['<0.0.0'],
    ['1.30.x || >1.2 <1.1'],
    ['1.30.x ||'],
    ['* || 1.30.x'],
    ['99999999999999999999.1'],
  ])('with the range "%s" are wrong', (range) => {
    expect(mistakesOf(cases('', `valid: [[{ when: { istio: "${range}" }, code: 200 }, 401]]`))).toHaveLength(
      1,
    );
    expect(mistakesOf(cases(`when: { kubernetes: "${range}" }\n`, 'valid: [200]'))).toHaveLength(1);
  });

  test.each(['1e3', 'x', '1.30.x ||', '', '>1.2 <1.1'])(
    'with the range "%s" hide no case after them, and are told',
    (range) => {
      const row = `valid: [[{ when: { istio: "${range}" }, code: 200 }, { when: { istio: ">=1.31" }, code: 401 }, 403]]`;
      expect(mistakesOf(cases('', row))).toEqual([expect.stringMatching(/^12:\d+ .*(range|version)/)]);
    },
  );

  test('need a mesh on which all of them hold, however they are joined', () => {
    const rows = 'valid: [[{ when: { istio: "1.21.x || 1.31.x" }, code: 200 }, 401]]';
    expect(mistakesOf(cases('when: { istio: "<1.20 || >=1.40" }\n', rows))).toEqual([
      '13:33 "istio: 1.21.x || 1.31.x" can never hold here',
    ]);
    expect(mistakesOf(cases('when: { istio: "<1.20 || 1.31.1" }\n', rows))).toEqual([]);
  });
});
