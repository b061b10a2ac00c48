/** What looks like a secret is left out of a text, and only that. The tokens are those of nobody. */
import { describe, expect, test } from 'vitest';
import { hiddenMembers, secretSections, withoutShapes } from '../../src/token/shapes.ts';

const shapes = (text: string) => withoutShapes(text, (each) => each);
const encode = (text: string) => Buffer.from(text).toString('base64url');
const encodedTimes = (times: number, text: string): string =>
  times === 0 ? text : encodedTimes(times - 1, encode(text));

const head = encode('{"alg":"RS256"}');
const encrypted = encode('{"alg":"dir","enc":"A128GCM"}');

describe('a token loses its signature, and nothing else is lost', () => {
  test.each([
    ['at the beginning', 'eyJh.eyJp.c2ln', 'eyJh.eyJp.<signature>'],
    ['behind a quote', '"eyJh.eyJp.c2ln"', '"eyJh.eyJp.<signature>"'],
    ['behind a quote and a dot', '".eyJh.eyJp.c2ln', '".eyJh.eyJp.<signature>'],
    ['behind a name and a dot', 'x.eyJh.eyJp.c2ln', 'x.eyJh.eyJp.<signature>'],
    ['with a word behind its padding', 'eyJh.eyJp.c2ln==next', 'eyJh.eyJp.<signature>next'],
    ['with dots behind it', 'eyJh.eyJp.c2ln..', 'eyJh.eyJp.<signature>.'],
    ['with more sections', 'eyJh.eyJp.c2ln.bW9y.ZQ', 'eyJh.eyJp.<signature>'],
    ['without claims', `${head}..c2ln`, `${head}..<signature>`],
    ['with nothing in its header', 'e30.e30.c2ln', 'e30.e30.<signature>'],
    [
      'printed with a line break first',
      `${encode('\n {\n\t"alg": "x"}')}.e30.c2ln`,
      `${encode('\n {\n\t"alg": "x"}')}.e30.<signature>`,
    ],
    ['with blanks before the signature', 'eyJh.eyJp. c2ln', 'eyJh.eyJp. <signature>'],
    ['with a signature that looks like a header', 'eyJh.eyJp. eyJx', 'eyJh.eyJp. <signature>'],
    ['with one that looks like a header and claims', 'eyJh.eyJp. eyJx.eyJy', 'eyJh.eyJp. <signature>'],
    ['behind an unsigned one', 'eyJh.eyJp. eyJx.eyJy.c2ln', 'eyJh.eyJp. eyJx.eyJy.<signature>'],
    [
      'one after the other, as sentences',
      'eyJh.eyJp.c2ln. eyJx.eyJy.c2ln. End',
      'eyJh.eyJp.<signature>. eyJx.eyJy.<signature>. End',
    ],
    [
      'printed prettily behind a word',
      `jwt-${encode('{ "alg": "x" }')}.e30.c2ln`,
      `jwt-${encode('{ "alg": "x" }')}.e30.<signature>`,
    ],
    ['encrypted', `${encrypted}.a2V5.aXY.dGV4dA.dGFn`, `${encrypted}.a2V5.<signature>`],
    ['encrypted, with blanks', `${encrypted} . . aXY . dGV4dA . dGFn`, `${encrypted} . . <signature>`],
    [
      'encrypted, with blanks, behind a word',
      `jwt-${encrypted} . . aXY . dGV4dA . dGFn`,
      `jwt-${encrypted} . . <signature>`,
    ],
    [
      'encrypted, with the base64 of a token in it',
      `${encrypted}.a2V5.aXY.${encode('a longer name: eyJh.eyJp.c2ln')}.dGFn and more`,
      `${encrypted}.a2V5.<signature> and more`,
    ],
  ])('%s', (_, text, expected) => {
    expect(shapes(text)).toBe(expected);
  });
});

describe('what only looks alike is left alone', () => {
  test.each([
    ['nothing', ''],
    ['a header', 'eyJh'],
    ['a header and claims', 'eyJh.eyJp'],
    ['a header that is cut off', `The token is ${head}...`],
    ['a value behind two sections', '?q=eyJh.eyJp=c2ln'],
    ['an object that does not begin the section', `${encode('x{"a":1}')}.b.c`],
    ['an object in what begins like one', `${encode('{!{"a":1}')}.b.c`],
    ['a long name, which is base64 of something', 'a-long-name_of-a-thing_which-is-no-secret_at-all-x'],
    ['base64 that is too short for a token', encode('eyJh.eyJp.c2ln')],
    ['the longest that is too short for a token', encode('eyJh.eyJp.c2lnbmF0dXJlc')],
  ])('%s', (_, text) => {
    expect(shapes(text)).toBe(text);
  });
});

describe('a token in base64 loses its signature', () => {
  const decoded = (text: string) => Buffer.from(text, 'base64').toString();

  test('however short, if it may be one', () => {
    expect(decoded(shapes(encode('eyJh.eyJp.c2lnbmF0dXJlcw')))).toBe('eyJh.eyJp.<signature>');
  });

  test('with all that stands around it as it was', () => {
    expect(decoded(shapes(encode('Schlüssel “1”: eyJh.eyJp.c2ln, ü')))).toBe(
      'Schlüssel “1”: eyJh.eyJp.<signature>, ü',
    );
  });

  test('also behind the padding of another', () => {
    const base64 = (sign: string) => Buffer.from(`of a longer name: eyJh.eyJp.${sign}`).toString('base64');
    expect(base64('c2ln')).toMatch(/=$/);
    expect(shapes(base64('c2ln').repeat(2))).toBe(base64('<signature>').repeat(2));
  });

  test.each([1, 2, 3])('encoded %i times', (times) => {
    let text = shapes(encodedTimes(times, `user:${head}.eyJp.c2lnbmF0dXJl`));
    for (let time = 0; time < times; time += 1) text = decoded(text);
    expect(text).toBe(`user:${head}.eyJp.<signature>`);
  });

  test('but is not looked for in what is encoded four times', () => {
    const text = encodedTimes(4, `user:${head}.eyJp.c2lnbmF0dXJl`);
    expect(shapes(text)).toBe(text);
  });

  test('also when it is only known, and has no shape', () => {
    const hide = (text: string) => text.replace('hush', '?');
    expect(decoded(withoutShapes(encode('The word, which nobody knows, is hush.'), hide))).toBe(
      'The word, which nobody knows, is ?.',
    );
  });
});

describe('a key loses its private parts', () => {
  test.each([
    ['in JSON', '{"kty":"oct","k":"czM"}', '{"kty":"oct","k":"<secret>"}'],
    ['behind an object', '{"a":{"b":1},"kty":"oct","k":"czM"}', '{"a":{"b":1},"kty":"oct","k":"<secret>"}'],
    ['around an object', '{"kty":"oct","a":{"b":1},"k":"czM"}', '{"kty":"oct","a":{"b":1},"k":"<secret>"}'],
    ['close behind an object', '{in{}kty: oct, k: czM}', '{in{}kty: oct, k: <secret>}'],
    ['in an object', '{"a":1,"b":{"kty":"oct","k":"czM"}}', '{"a":1,"b":{"kty":"oct","k":"<secret>"}}'],
  ])('%s', (_, text, expected) => {
    expect(shapes(text)).toBe(expected);
  });

  test.each([
    ['what is no key', '{"a":{"k":"v"},"k":"v","d":1}'],
    ['a member beside a key', '{"keys":[{"kty":"RSA","n":"bg"}],"d":"v"}'],
    ['a member of an object in a key', '{"kty":"RSA","more":{"d":"v"}}'],
  ])('and not %s', (_, text) => {
    expect(shapes(text)).toBe(text);
  });

  test('and objects lose the same members', () => {
    expect(hiddenMembers(['kid', 'n'])).toEqual(new Map());
    expect(hiddenMembers(['kty']).get('d')).toBe('<secret>');
    expect([...hiddenMembers(['protected'])]).toEqual([['signature', '<signature>']]);
  });
});

test.each([
  ['eyJh.eyJp.c2ln', ['c2ln']],
  ['eyJh.eyJp.YS9i%2Bw==', ['YS9i-w']],
  [`${encrypted}.a2V5.aXY.dGV4dA.dGFn`, ['aXY', 'dGV4dA', 'dGFn']],
  ['eyJh.eyJp.c2ln. eyJx.eyJy.c2lo', ['c2ln', 'c2lo']],
  ['eyJh.eyJp.', []],
  ['some.invalid.token', []],
])('the secret sections of %s are %j', (token, sections) => {
  expect(secretSections(token)).toEqual(sections);
});
