/** What is in a file is what a scenario has: merged, exact, and under the names that it says. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../src/scenario/yaml/yaml-file.ts';
import { planOf } from '../../plan/support.ts';
import { mistakesOf, scenarioOf, textAt } from '../support.ts';

const read = (source: string) => {
  const { data, errors } = parseYaml(source, 'sample.yaml');
  return { data, errors: errors.map(({ message }) => message) };
};

describe('merge keys', () => {
  const source = `one: &one { a: 1, b: 2 }
two: &two { b: 3, c: { d: 4 } }
merged: { a: 0, <<: [*one, *two] }
again:
  <<: *two
  c: 5
inner: { <<: { <<: *one, e: 6 } }
"text": { "<<": 7 }
`;

  test('bring in what is not there, the first of several maps before the others', () => {
    const { data, errors } = read(source);
    expect(errors).toEqual([]);
    expect(data).toMatchObject({
      merged: { a: 0, b: 2, c: { d: 4 } },
      again: { b: 3, c: 5 },
      inner: { a: 1, b: 2, e: 6 },
      text: { '<<': 7 },
    });
    expect(data).not.toHaveProperty(['merged', '<<']);
  });

  test('leave every value its place, where it is written', () => {
    const file = parseYaml(source, 'sample.yaml');
    const shown = (...path: string[]) => textAt(source, file.place(path));
    expect(shown('merged', 'a')).toMatch(/^0, <</);
    expect(shown('merged', 'b')).toMatch(/^2 }/);
    expect(shown('merged', 'c', 'd')).toMatch(/^4 }/);
    expect(shown('again', 'c')).toBe('5');
    expect(shown('inner', 'a')).toMatch(/^1, b/);
    expect(textAt(source, file.keyPlace(['again', 'b']))).toMatch(/^b: 3/);
  });

  test('have mistakes of what is merged told there', () => {
    expect(
      mistakesOf(`name: sample
title: A sample
source: { document: FAQ, section: Sample }
tokens:
  a: &a { issuer: nobody }
  b: { <<: *a, key: x }
steps:
  - { name: first, through: ingress, expect: { columns: [/], a: [200] } }
`),
    ).toEqual(['5:19 there is no issuer "nobody"']);
  });

  test('that would multiply without end are refused', () => {
    const levels = Array.from({ length: 9 }, (_, i) => {
      const before = Array.from({ length: 9 }, () => `*a${i}`).join(', ');
      return `a${i + 1}: &a${i + 1} { <<: [${before}] }`;
    });
    expect(read(['a0: &a0 { x: 1 }', ...levels].join('\n')).errors).toEqual([
      'the aliases up to here stand for more than 50000 keys and list entries',
    ]);
  });
});

describe('numbers', () => {
  test.each([
    '9007199254740991',
    '-1',
    '0',
    '0.1',
    '1.50',
    '1e3',
    '1E+21',
    '0x1f',
    '0o17',
    '10000000000000000000',
  ])('%s is the number that it says', (text) => {
    expect(read(`a: ${text}`)).toEqual({ data: { a: Number(text) }, errors: [] });
  });

  test.each([
    '9007199254740993',
    '-9007199254740993',
    '18446744073709551615',
    '0.12345678901234567890',
    '1.00000000000000000001',
    '1e-400',
    '0x20000000000001',
    '1e400',
    '.inf',
    '-.inf',
    '.nan',
    '007',
  ])('%s is refused, and text in quotes', (text) => {
    expect(read(`a: [b, { c: ${text} }]`).errors).toHaveLength(1);
    expect(read(`a: "${text}"`)).toEqual({ data: { a: text }, errors: [] });
  });

  test('are never changed in silence, whatever they are', () => {
    // JSON writes larger ones with an exponent.
    const digits = fc.bigInt({ min: -(10n ** 21n) + 1n, max: 10n ** 21n - 1n });
    fc.assert(
      fc.property(digits, (number) => {
        const { data, errors } = read(`a: ${number}`);
        if (errors.length === 0) expect(JSON.stringify(data)).toBe(`{"a":${number}}`);
        else expect(Number.isSafeInteger(Number(number))).toBe(false);
      }),
    );
  });
});

describe('names', () => {
  /** Headers cannot be called anything (RFC 9110, section 5.1); lists may make it a name. */
  const headerOf = (name: string) => (/^[\w.${}-]+$/.test(name) ? name : 'x-other');
  const scenario = (name: string) => {
    const key = JSON.stringify(name);
    return `name: sample
title: A sample
source: { document: FAQ, section: Sample }
issuers: { ${key}: { issuer: me, keys: { ${key}: {} } } }
tokens: { ${key}: { issuer: ${key}, key: ${key}, claims: { ${key}: 1 }, header: { ${key}: { ${key}: 2 } } } }
keyServers: { ${key}: { serves: ${key} } }
steps:
  - name: ${key}
    apply: [{ apiVersion: v1, kind: ConfigMap, metadata: { name: a, namespace: foo }, data: { ${key}: x } }]
    through: ingress
    request: { headers: { ${JSON.stringify(headerOf(name))}: a } }
    expect:
      columns: [/a]
      ${key}: [{ code: 200, headers: { ${JSON.stringify(headerOf(name))}: b } }]
    fetched: { from: ${key}, by: nobody }
  - name: columns
    through: ingress
    expect: { columns: [${key}], /a: [200] }
`;
  };

  test.each([
    'constructor',
    'toString',
    'valueOf',
    'hasOwnProperty',
    '__defineGetter__',
    'prototype',
    'length',
    '0',
    '-1',
    'null',
    'true',
    '1.10',
    '<<',
    ' ',
    '😀',
  ])('"%s" is a name like any other', (name) => {
    const loaded = scenarioOf(scenario(name));
    expect(Object.keys(loaded.issuers)).toEqual([name]);
    expect(Object.keys(loaded.keyServers)).toEqual([name]);
    expect(Object.entries(loaded.tokens)).toEqual([
      [name, { issuer: name, key: name, claims: { [name]: 1 }, header: { [name]: { [name]: 2 } } }],
    ]);
    const [planned] = planOf([loaded]).scenarios;
    expect(planned?.steps.flatMap(({ checks }) => checks.map(({ row, column }) => [row, column]))).toEqual([
      [name, '/a'],
      [`keys of ${name}`, 'fetched by'],
      ['/a', name],
    ]);
    expect(planned?.steps[0]?.checks[0]).toMatchObject({
      request: { token: name, headers: [[headerOf(name), 'a']] },
      expected: { headers: { [headerOf(name)]: 'b' } },
    });
  });

  test('"__proto__" is refused wherever it is a key, also when lists make it one', () => {
    expect(
      mistakesOf(scenario('__proto__')).filter((text) => text.includes('cannot be called')),
    ).toHaveLength(11);
    const listed = scenario('${x}').replace('steps:', 'lists: { x: [__proto__] }\nsteps:');
    expect(mistakesOf(listed)).toContain('4:12 with the values of the lists, an entry is called "__proto__"');
  });

  test('without a value are told as such, whatever they are', () => {
    expect(mistakesOf(scenario('a').replace('tokens: {', 'tokens: { constructor: , '))).toEqual([
      '5:11 "constructor" has no value',
    ]);
  });

  test.each([
    ['1: a\n"1": b', 'the key "1" is there twice'],
    ['true: a\n"true": b', 'the key "true" is there twice'],
    ['a: 1\na: 2', 'the key "a" is there twice'],
    ['1.10: a', 'the key 1.10 would become "1.1"'],
    ['0x10: a', 'the key 0x10 would become "16"'],
    ['~: a', 'the key ~ would become ""'],
  ])('%j are not lost', (source, message) => {
    expect(read(source).errors).toEqual([message]);
  });
});
