/** Secrets that are known are found in whatever form they are written, and nothing else is. */
import { describe, expect, test } from 'vitest';
import { KnownSecrets } from '../../src/token/known-secrets.ts';

const secret = 'c2lnbmF0dXJl-W9mLWEtcmVhbC10b2tlbi1ub_QtdG8tYmUtc2hvd24';
const shown = '<left out>';

function knowing(...secrets: string[]) {
  const known = new KnownSecrets();
  for (const each of secrets) known.add(each);
  return (text: string) => known.hide(text, shown);
}
const hide = knowing(secret);

describe('a secret', () => {
  test.each([
    ['alone', secret, shown],
    ['twice, with text around', `a ${secret}, and "${secret}".`, `a ${shown}, and "${shown}".`],
    ['at the end of more of its alphabet', `abcdef${secret}`, `abcdef${shown}`],
    ['with more of its alphabet behind it', `${secret}abcdef`, `${shown}abcdef`],
    ['in the alphabet of base64', secret.replace('-', '+').replace('_', '/'), shown],
    ['with padding', `${secret}==`, `${shown}==`],
    ['in an address', `x=${secret.replace('-', '%2D')}&y`, `x=${shown}&y`],
    ['in lines', `x: ${secret.replace(/.{20}/g, '$&\n  ')} y`, `x: ${shown} y`],
    ['in lines of JSON', `"${secret.replace(/.{20}/g, '$&\\n')}"`, `"${shown}"`],
    ['cut off', `${secret.slice(0, 16)}…`, `${shown}…`],
    ['cut off at the end', `x ${secret.slice(0, 30)}`, `x ${shown}`],
    [
      'cut off and followed by others',
      `${secret.slice(0, 20)}${'A'.repeat(20)}`,
      `${shown}${'A'.repeat(20)}`,
    ],
    ['behind its own beginning', `${secret.slice(0, 12)}${secret}`, `${secret.slice(0, 12)}${shown}`],
  ])('is left out: %s', (_, text, expected) => {
    expect(hide(text)).toBe(expected);
  });

  test.each([
    ['cut off where it could be a word', `${secret.slice(0, 15)}… and more text`],
    ['without its beginning', `x ${secret.slice(1)} y`],
    ['not at all', 'Some text, which is longer than a secret, of other words.'],
    ['in an alphabet that is not its own', secret.replaceAll('l', 'ĺ')],
    ['', ''],
  ])('is not found: %s', (_, text) => {
    expect(hide(text)).toBe(text);
  });

  test.each(['', 'u', 'us', 'user:', 'ab:', 'longer-name:'])(
    'is left out of base64, behind "%s"',
    (before) => {
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = Buffer.from(`${before}${secret}:x`).toString(encoding);
        const hidden = hide(`Basic ${text} and more`);
        expect(hidden).toContain(shown);
        expect(hidden).toMatch(/^Basic .* and more$/);
        const rest = hidden.slice('Basic '.length, -' and more'.length).split(shown);
        // What is left are its neighbours, and at most a bit of its first and last character.
        expect(rest.join('').length).toBeLessThan(text.length - Math.floor((secret.length * 4) / 3) + 3);
      }
    },
  );
});

test('several secrets are told from each other, also where they begin alike', () => {
  const other = `${secret.slice(0, 20)}${'B'.repeat(20)}`;
  const both = knowing(other, secret);
  expect(both(`${secret} ${other} x`)).toBe(`${shown} ${shown} x`);
  expect(knowing(other)(`${secret} x`)).toBe(`${shown}${secret.slice(20)} x`);
});

test('who knows none hides nothing', () => {
  expect(knowing()(`a ${secret}`)).toBe(`a ${secret}`);
});

test('what is too short, or is no base64, is no secret', () => {
  const text = `${secret.slice(0, 15)} is a word, and so is "some words with blanks"`;
  expect(knowing(secret.slice(0, 15))(text)).toBe(text);
  expect(knowing(secret.slice(0, 16))(`${secret.slice(0, 16)}`)).toBe(shown);
  expect(knowing('some words with (brackets)')('some words with (brackets)')).toBe(
    'some words with (brackets)',
  );
});

test('a secret may be added again', () => {
  expect(knowing(secret, secret)(secret)).toBe(shown);
});
