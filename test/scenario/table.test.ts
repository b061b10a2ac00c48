import { describe, expect, test } from 'vitest';
import { cellRequest } from '../../src/scenario/table.ts';

const requests = {
  'as a cookie': { headers: { cookie: 'session=${token}' } },
  'with ${row}': {},
  twice: { headers: { 'x-a': ['1', '${column}'], 'x-b': '${token}' } },
  'by POST': { method: 'POST', path: '${row}?a=b', host: 'a.test' },
  'with nothing': { token: 'no token' },
};
const base = { url: 'http://web', path: '/anything', headers: { 'x-c': '3' } };
const headersOf = (...of: Parameters<typeof cellRequest>) => {
  const made = cellRequest(...of);
  return 'message' in made ? made : made.headers;
};

describe('a request that a row or a column names', () => {
  test('is added to that of the step', () => {
    expect(cellRequest(base, 'as a cookie', 'valid', requests)).toEqual({
      method: 'GET',
      url: 'http://web',
      path: '/anything',
      token: 'valid',
      host: undefined,
      headers: [
        ['x-c', '3'],
        ['cookie', 'session=${token}'],
      ],
    });
    expect(cellRequest(base, '/a', 'by POST', requests)).toMatchObject({
      method: 'POST',
      path: '/a?a=b',
      host: 'a.test',
      token: undefined,
    });
    expect(cellRequest(base, 'with nothing', 'answer', requests)).toMatchObject({ token: undefined });
  });

  test('may send a header several times, and none with a token where there is no token', () => {
    expect(headersOf(undefined, '/a', 'twice', requests)).toEqual([
      ['x-a', '1'],
      ['x-a', 'twice'],
    ]);
    expect(headersOf(base, 'twice', 'valid', requests)).toContainEqual(['x-b', '${token}']);
  });

  test('leaves one of two names for the token', () => {
    expect(cellRequest({ path: '/' }, 'twice', 'valid', requests)).toMatchObject({ token: 'valid' });
    expect(cellRequest({ path: '/' }, 'other', 'valid', requests)).toMatchObject({
      message: expect.stringContaining('which is the token?'),
    });
    // The names of what every object has are names like others.
    expect(cellRequest({ path: '/' }, 'constructor', '/a', requests)).toMatchObject({ token: 'constructor' });
  });
});

test('a request says how it is sent, which tokens come before it, and where it starts', () => {
  const special = {
    first: { http: '2', before: ['valid', '${column}', 'no token'], from: 'stranger.bar' },
    second: { absoluteForm: true, upgrade: 'websocket' },
    third: { absoluteForm: false },
  } as const;
  expect(cellRequest(base, 'first', 'expired', special as never)).toMatchObject({
    http: '2',
    before: ['valid', 'expired', undefined],
    token: 'expired',
    client: { kind: 'pod', app: 'stranger', namespace: 'bar' },
  });
  expect(cellRequest(base, 'second', 'expired', special as never)).toMatchObject({
    absoluteForm: true,
    upgrade: 'websocket',
  });
  expect(cellRequest(base, 'third', 'expired', special as never)).not.toHaveProperty('absoluteForm');
});
