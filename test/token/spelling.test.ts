import { describe, expect, test } from 'vitest';
import { characterAt, plainSpelling } from '../../src/token/spelling.ts';

describe('a character', () => {
  test.each([
    ['as it is', 'ab', 'a', 1],
    ['in an address', '%41b', 'A', 3],
    ['in an address in an address', '%2541', 'A', 5],
    ['and once more', '%25254f', 'O', 7],
    ['in JSON', '\\u0041b', 'A', 6],
    ['in JSON in JSON', '\\\\\\u002E', '.', 8],
    ['in a program', '\\x41', 'A', 4],
    ['that breaks a line', '\\n', '\n', 2],
    ['that breaks a line, in capitals', '\\R', '\r', 2],
    ['that is a tab', '\\t', '\t', 2],
    ['that need not be escaped', '\\\\/', '/', 3],
    ['at the end of a line that goes on', '\\\nb', '\n', 2],
    ['at the end of one of Windows', '\\\r\nb', '\n', 3],
    ['in HTML', '&#x2E;', '.', 6],
    ['in HTML by its number', '&#46;', '.', 5],
    ['in HTML by a number of three digits', '&#122;', 'z', 6],
    ['that begins nothing: a share', '%zz', '%', 1],
    ['that begins nothing: a backslash', '\\d', '\\', 1],
    ['that begins nothing: an ampersand', '&amp;', '&', 1],
    ['that is none', '', '', 1],
  ])('%s', (_, text, character, length) => {
    expect(characterAt(text, 0)).toEqual({ character, length });
  });

  test('is taken from its place, and not from behind it', () => {
    expect(characterAt('ab%41', 2)).toEqual({ character: 'A', length: 3 });
    expect(characterAt('ab%41', 1)).toEqual({ character: 'b', length: 1 });
    expect(characterAt('%zz%41', 0)).toEqual({ character: '%', length: 1 });
  });
});

test('a text is spelt in the alphabet of base64url, without padding', () => {
  expect(plainSpelling('a%2Bb\\/c+d/e-f_g==')).toBe('a-b_c-d_e-f_g');
  expect(plainSpelling('%3d\\u003d=')).toBe('');
});
