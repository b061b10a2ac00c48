import { expect, test } from 'vitest';
import { ownKeysOf } from '../../src/engine/own-keys.ts';

const key = { 'external-jwks-key': 'key.json' };

test('without either setting there is no such server', () => {
  expect(ownKeysOf({})).toBeUndefined();
});

test.each([
  [{ 'external-jwks': 'http://keys.example.com/get_jwks' }, '--external-jwks needs --external-jwks-key'],
  [key, '--external-jwks-key needs --external-jwks'],
])('one needs the other: %j', (values, message) => {
  expect(() => ownKeysOf(values)).toThrow(message);
});

test.each([
  'keys.example.com/get_jwks',
  'ftp://keys.example.com/get_jwks',
  'http://keys.example.com',
  'http://keys.example.com:8080/get_jwks',
  'http://me:secret@keys.example.com/get_jwks',
  'http://keys.example.com/get_jwks?a=b',
  'http://keys.example.com/get_jwks#a',
])('%s is no address that scenarios have', (url) => {
  expect(() => ownKeysOf({ ...key, 'external-jwks': url })).toThrow(
    /^--external-jwks must be such as https:/,
  );
});

test('an address that scenarios have is taken, so that the file of the key is asked for', () => {
  expect(() => ownKeysOf({ ...key, 'external-jwks': 'https://keys.example.com:443/get_jwks' })).toThrow(
    '--external-jwks-key: key.json does not exist',
  );
});
