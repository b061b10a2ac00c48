import { describe, expect, test } from 'vitest';
import { difference } from '../../../src/run/answers/compare.ts';
import { valueDifference, wantedText } from '../../../src/run/answers/header-values.ts';
import { receivedDifference, receivedText } from '../../../src/run/answers/received.ts';
import type { HttpResponse } from '../../../src/target/target.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { run, scenarioSource } from '../support.ts';

const response = (body: unknown, status = 200): HttpResponse => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: {},
  at: 1,
  durationMs: 0,
});
/** As go-httpbin writes it: a list for each header. */
const echo = response({
  headers: { Host: ['httpbin.foo:8000'], 'X-Jwt-Iss': ['me'], 'X-Twice': ['a', 'b'], 'X-Word': ['absent'] },
  method: 'POST',
  url: 'http://httpbin.foo:8000/anything//a?b=c',
});

describe('what the application received', () => {
  test.each([
    [{ headers: { 'x-jwt-iss': 'me', authorization: 'absent' } }, undefined],
    [{ headers: { 'X-JWT-ISS': { matches: 'm?' } } }, undefined],
    [{ headers: { 'x-twice': ['a', { matches: '*' }] } }, undefined],
    [{ headers: { 'x-word': ['absent'] } }, undefined],
    [{ method: 'POST', path: '/anything//a?b=c' }, undefined],
    [
      { headers: { 'x-jwt-iss': 'you' } },
      'the header x-jwt-iss that the application received is "me" instead of "you"',
    ],
    [
      { headers: { 'x-jwt-iss': 'absent' } },
      'the header x-jwt-iss that the application received is "me" instead of absent',
    ],
    // A value must come exactly once.
    [
      { headers: { 'x-twice': 'a' } },
      'the header x-twice that the application received is "a" and "b" instead of "a"',
    ],
    [{ headers: { 'x-twice': { matches: '*' } } }, expect.stringContaining('instead of like "*"')],
    [{ headers: { 'x-twice': ['b', 'a'] } }, expect.stringContaining('instead of "b" and "a"')],
    [{ headers: { missing: { matches: '*' } } }, expect.stringContaining('is absent instead of like "*"')],
    [{ method: 'GET' }, 'the application received the method POST instead of GET'],
    [{ path: '/anything/a' }, 'the application received the path /anything//a?b=c instead of /anything/a'],
  ])('%j', (wanted, told) => {
    expect(receivedDifference(echo, wanted)).toEqual(told);
  });

  test("Python's httpbin has a text for each header", () => {
    const python = response({ headers: { 'X-Jwt-Iss': 'me' } });
    expect(
      receivedDifference(python, { headers: { 'x-jwt-iss': 'me', 'x-other': 'absent' } }),
    ).toBeUndefined();
  });

  test.each(['', '<html>', '[]', '{"headers": 1}', '{"header": {}}'])('%s is no echo', (body) => {
    expect(receivedDifference(response(body), { headers: { a: 'absent' } })).toContain(
      'it is no JSON with a map',
    );
  });

  test('what the echo does not say is not compared', () => {
    const short = response({ headers: {} });
    expect(receivedDifference(short, { path: '/' })).toContain('with which path');
    expect(receivedDifference(short, { method: 'GET' })).toContain('with which method');
  });

  test('the status decides before, and other headers of the response do, too', () => {
    const expected = {
      code: 200,
      headers: { 'www-authenticate': 'absent' },
      received: { headers: { a: 'b' } },
    };
    const differ = (answer: HttpResponse) => difference(answer, expected, new Map());
    expect(differ(response('', 401))).toBe('status 401 instead of 200');
    expect(differ({ ...echo, headers: { 'www-authenticate': 'Basic' } })).toBe(
      'header www-authenticate is "Basic" instead of absent',
    );
    expect(differ(echo)).toContain('the header a that the application received is absent');
  });

  test('is described in a sentence', () => {
    expect(
      receivedText({ method: 'GET', path: '/a', headers: { b: 'c', d: 'absent', e: ['f', 'absent'] } }),
    ).toBe('the application receives GET, /a, b: "c", d: absent, e: "f" and "absent"');
  });
});

test('a header of a response is a value, absent or like a pattern', () => {
  expect(valueDifference('a', ['a'])).toBeUndefined();
  expect(valueDifference('absent', [])).toBeUndefined();
  expect(valueDifference({ matches: 'Bearer realm="*", error="*"' }, ['Bearer realm="x?y", error="z"'])).toBe(
    undefined,
  );
  expect(valueDifference({ matches: 'a?' }, ['a'])).toBe('is "a" instead of like "a?"');
  expect(wantedText({ matches: '*' })).toBe('like "*"');
});

const step = `  - name: one
    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect:
      columns: [no token]
      /status/200: [{ code: 200, received: { headers: { authorization: absent } } }]
`;

test('without an echo there is no verdict: the instrument says nothing about the mesh', async () => {
  const target = new FakeTarget();
  const { checks } = await run([scenarioSource('blind', step)], { target });
  expect(checks).toEqual([
    expect.objectContaining({
      state: 'error',
      code: 'E_UNPROVEN',
      message: expect.stringContaining('does not say what the application received'),
      hint: expect.stringContaining('/anything'),
    }),
  ]);
});

test('reports say what is received as the scenario does: a token is another one in every run', async () => {
  const step = `  - name: one
    from: sleep.foo
    request: { url: "http://httpbin.foo:8000" }
    expect:
      columns: [valid]
      /anything: [{ code: 200, received: { headers: { authorization: "Bearer \${token}" } } }]
`;
  const target = new FakeTarget();
  const { checks } = await run([scenarioSource('same', step)], { target });
  expect(checks.map(({ expected }) => expected)).toEqual([
    '200 the application receives authorization: "Bearer ${token}"',
  ]);
});
