import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import {
  escapeTemplate,
  parseTemplate,
  references,
  resolve,
  substitute,
  whole,
} from '../../src/scenario/template.ts';

const place = { file: 'a.yaml', line: 3, column: 7 };
const context = {
  issuers: { sample: { issuer: 'me', jwks: '{"keys":[]}' } },
  tokens: { valid: 'a.b.c', 'not a JWT': 'x', 'with.dot': 'y', "it's": 'z' },
  keyServers: { 'key-server': { host: 'keys.test', ip: '10.0.0.1', url: 'http://keys.test' } },
  settings: { port: 8000, on: true, empty: {} },
  now: 1_700_000_000,
  row: '/headers',
};
const failure = (value: unknown): HarnessError => {
  try {
    resolve(value, context, place);
  } catch (error) {
    return error as HarnessError;
  }
  throw new Error('it was resolved');
};

/** Any value that YAML can hold. */
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.string(),
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('json'), { maxKeys: 3 }),
  ),
}));
const texts = fc.oneof(
  fc.string(),
  fc.array(fc.constantFrom('$', '{', '}', '${', '$${', 'now', 'a'), { maxLength: 8 }).map((p) => p.join('')),
);
const hasTemplate = (value: unknown) => JSON.stringify(value).includes('${');

test('a value may have parts', () => {
  const parts = { token: { [whole]: 'a.b.c', payload: 'b' } };
  expect(resolve(['${token}', 'x ${token.payload}'], parts)).toEqual(['a.b.c', 'x b']);
  expect(() => resolve('${token.other}', parts)).toThrow('there is no "other" in token');
});

describe('parseTemplate', () => {
  test('takes a text apart without losing anything', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(
          parseTemplate(text)
            .map(({ source }) => source)
            .join(''),
        ).toBe(text);
      }),
    );
  });

  test('tells text, expressions and mistakes apart', () => {
    expect(parseTemplate('a$${b ${now-1}${x.y["z"]}${').map(({ kind, source }) => [kind, source])).toEqual([
      ['text', 'a$${b '],
      ['expression', '${now-1}'],
      ['expression', '${x.y["z"]}'],
      ['wrong', '${'],
    ]);
  });
});

describe('resolve', () => {
  test('leaves everything without "${" as it is', () => {
    fc.assert(
      fc.property(json, (value) => {
        fc.pre(!hasTemplate(value));
        expect(resolve(value, {}, place)).toEqual(value);
      }),
    );
  });

  test('gives back any text that was escaped', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(resolve(escapeTemplate(text), {}, place)).toBe(text);
      }),
    );
  });

  test('keeps the type of what a text consists of, and makes text of what is part of a text', () => {
    const values = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(fc.integer()),
    );
    const around = fc.stringMatching(/^[a-z /]+$/);
    fc.assert(
      fc.property(values, around, (value, text) => {
        expect(resolve('${x}', { x: value })).toBe(value);
        expect(resolve(`${text}\${x}`, { x: value })).toBe(text + String(value));
      }),
    );
  });

  test('does not look into what it filled in', () => {
    expect(resolve('${x} ${y}', { x: '${y}', y: '$${z}' })).toBe('${y} $${z}');
  });

  test.each([
    ['${issuers.sample.jwks}', '{"keys":[]}'],
    ['${ issuers.sample.issuer }', 'me'],
    ['${keyServers.key-server.url}/get', 'http://keys.test/get'],
    ['${tokens["not a JWT"]}', 'x'],
    ["${tokens['not a JWT']}", 'x'],
    ['${tokens["with.dot"]} ${tokens["it\'s"]}', 'y z'],
    ['${settings.port}', 8000],
    ['${settings.on}', true],
    [':${settings.port}', ':8000'],
    ['${now}', 1_700_000_000],
    ['${now+60}', 1_700_000_060],
    ['${ now - 3600 }', 1_699_996_400],
    ['at ${now}', 'at 1700000000'],
    ['$${row}', '${row}'],
    ['$$${row}', '$${row}'],
    ['costs $5 {a}', 'costs $5 {a}'],
    ['$', '$'],
  ])('%s is %j', (text, value) => {
    expect(resolve(text, context, place)).toBe(value);
  });

  test('fills in keys and everything below', () => {
    const value = { '${row}': [{ deep: '${settings.port}' }, 1], other: null };
    expect(resolve(value, context)).toEqual({ '/headers': [{ deep: 8000 }, 1], other: null });
    expect(failure({ '${row}': 1, '/headers': 2 }).message).toBe(
      'the key "/headers" is there twice once it is filled in',
    );
  });

  test.each([
    ['${token.valid}', '${token.valid}: there is no "token"', 'Did you mean "tokens"?'],
    ['${tokens.vaild}', '${tokens.vaild}: there is no "vaild" in tokens', 'Did you mean "valid"?'],
    [
      '${keyServers.key-server.port}',
      '${keyServers.key-server.port}: there is no "port" in keyServers.key-server',
      'The names in keyServers.key-server are: host, ip, url.',
    ],
    [
      '${tokens.constructor}',
      '${tokens.constructor}: there is no "constructor" in tokens',
      /^The names in tokens/,
    ],
    [
      '${tokens.valid.x}',
      '${tokens.valid.x}: tokens.valid is a value, there is nothing in it',
      /tokens\.valid/,
    ],
    ['${issuers.sample}', '${issuers.sample} is not a value but a group of values', /issuer, jwks/],
    ['${settings.empty.x}', '${settings.empty.x}: there is no "x" in settings.empty', /There are no names/],
    ['${row', '"${" without a "}" that ends it', /\$\$\{/],
    ['${tokens["a}', '"${" without a "}" that ends it', /\$\$\{/],
    ['${}', '${} is not an expression', /Write a name/],
    ['${tokens.not a JWT}', '${tokens.not a JWT} is not an expression', /\$\{tokens\["not a JWT"\]\}/],
    ['${now*2}', '${now*2} is not an expression', /now\+60/],
    ['${.a}', '${.a} is not an expression', /issuers\.sample\.jwks/],
  ])('refuses %s and says why', (text, message, hint) => {
    const error = failure({ list: ['fine', text] });
    expect(error).toMatchObject({ code: 'E_TEMPLATE', message, place });
    expect(error.hint).toMatch(hint);
  });

  test('asks for the place of what is wrong', () => {
    const asked: unknown[] = [];
    const placeOf = (path: readonly (string | number)[]) => {
      asked.push(path);
      return { ...place, line: 99 };
    };
    expect(() => resolve({ a: [1, { b: '${nothing}' }] }, context, placeOf)).toThrow(
      expect.objectContaining({ place: { ...place, line: 99 } }),
    );
    expect(asked).toEqual([['a', 1, 'b']]);
  });

  test('never fails other than with an error that has a hint', () => {
    fc.assert(
      fc.property(texts, (text) => {
        try {
          resolve(text, context, place);
        } catch (error) {
          expect(error).toBeInstanceOf(HarnessError);
          expect((error as HarnessError).hint).toBeTruthy();
        }
      }),
    );
  });
});

describe('references', () => {
  test('lists expressions with where they are', () => {
    const found = references({ a: ['x ${row} ${now-5}'], '${column}': '$${no}', bad: '${' });
    expect(found).toEqual([
      { source: '${row}', path: ['a', 0], inKey: false, expression: { kind: 'name', names: ['row'] } },
      { source: '${now-5}', path: ['a', 0], inKey: false, expression: { kind: 'now', offset: -5 } },
      {
        source: '${column}',
        path: ['${column}'],
        inKey: true,
        expression: { kind: 'name', names: ['column'] },
      },
      expect.objectContaining({ source: '${', path: ['bad'], problem: expect.anything() }),
    ]);
  });

  test('finds nothing exactly when there is nothing to resolve', () => {
    fc.assert(
      fc.property(texts, (text) => {
        fc.pre(references(text).length === 0);
        expect(() => resolve(text, {})).not.toThrow();
      }),
    );
  });
});

describe('substitute', () => {
  test('fills in the names it is given and leaves the rest as it is written', () => {
    const known = { row: '/ip', column: 'valid' };
    expect(substitute('${row} ${ column }', known)).toBe('/ip valid');
    expect(substitute('${tokens.row} $${row} ${now+1} ${', known)).toBe('${tokens.row} $${row} ${now+1} ${');
  });

  test('changes nothing when it is given no names', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(substitute(text, {})).toBe(text);
      }),
    );
  });
});
