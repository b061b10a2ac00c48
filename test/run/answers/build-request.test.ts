import { describe, expect, test } from 'vitest';
import type { PlannedCheck, PlannedStep, RequestCheck } from '../../../src/plan/types.ts';
import { buildRequest, ownAgent, sentBy } from '../../../src/run/answers/build-request.ts';
import type { RunContext } from '../../../src/run/template-context.ts';
import { FakeTarget } from '../../support/fake-target.ts';
import { run, scenarioSource } from '../support.ts';

const step = (request: string, row: string, column = 'no token') => `  - name: one
    from: sleep.foo
    request: { url: "http://httpbin.foo:8000", ${request} }
    expect:
      columns: [${column}]
      "${row}": [200]
`;

// What the CA of a run looks like nobody knows before, but that it has several lines.
test.each([
  [
    'a value of a header',
    'headers: { x-ca: "a ${ca.pem}" }',
    '/headers',
    'the header "x-ca" has a line break in its value',
  ],
  ['the name of a header', 'headers: { "x-${ca.pem}": a }', '/headers', 'cannot be the name of a header'],
  ['the host', 'host: "${ca.pem}"', '/headers', 'the header "Host" has a line break in its value'],
  ['a path', 'method: GET', '/a?b=${ca.pem}', 'the path has a line break in it'],
  ['a path that was set', 'path: "/${ca.pem}${row}"', '/headers', 'the path has a line break in it'],
  ['a token', 'method: GET', '/headers', 'the header "Authorization" has a line break in its value'],
])(
  'nothing is sent with a line break in %s, which is known when it is filled in',
  async (what, request, row, message) => {
    const target = new FakeTarget();
    target.caCertificate = async () => 'first\r\nX-Evil: 1';
    const source = scenarioSource(
      'evil',
      step(request, row, what === 'a token' ? 'two lines' : undefined),
    ).replace('tokens: { ', 'tokens: { two lines: { raw: "${ca.pem}" }, ');
    const { checks, exitCode } = await run([source], { target });
    expect(checks).toEqual([
      expect.objectContaining({
        state: 'error',
        code: 'E_TEMPLATE',
        message: expect.stringContaining(`${message} once it is filled in`),
        hint: expect.any(String),
      }),
    ]);
    expect(target.seen).toEqual([]);
    expect(exitCode).toBe(4);
  },
);

test('what is filled in may have dollars and braces in it', async () => {
  const target = new FakeTarget();
  target.caCertificate = async () => '${ca.pem} in one line';
  await run([scenarioSource('fine', step('headers: { x-ca: "${ca.pem}" }', '/headers'))], { target });
  expect(target.seen[0]?.headers).toContainEqual(['x-ca', '${ca.pem} in one line']);
});

const place = { file: 'a.yaml', line: 3, column: 7 };
const context = {
  names: { port: 8000, tokens: {}, evil: '${ca\r\nX-Evil: 1}' },
  tokens: new Map([['valid', { value: 'the.valid.token' }]]),
} as unknown as RunContext;
const pod = { kind: 'pod', app: 'sleep', namespace: 'foo' } as const;
const ingress = { kind: 'ingress' } as const;

function checkOf(request: Partial<RequestCheck['request']>, more: Partial<PlannedCheck> = {}): RequestCheck {
  const all = { method: 'GET', url: 'http://httpbin.foo:${port}', path: '/headers', headers: [], ...request };
  return { kind: 'request', place, request: all, ...more } as unknown as RequestCheck;
}
const stepOf = (origin: PlannedStep['origin'], ...checks: PlannedCheck[]) =>
  ({ origin, checks }) as unknown as PlannedStep;
const built = (request: Partial<RequestCheck['request']>, origin: PlannedStep['origin'] = pod) => {
  const check = checkOf(request);
  return buildRequest(check, stepOf(origin, check), context, 'the id');
};

describe('a request', () => {
  test('has its headers, then the host, then the token, and a name by which it is found', () => {
    const headers = [['x-a', 'b ${port}']] as const;
    expect(built({ method: 'POST', headers, host: 'other', token: 'valid' })).toEqual({
      id: 'the id',
      method: 'POST',
      url: 'http://httpbin.foo:8000/headers',
      headers: [
        ['x-a', 'b 8000'],
        ['Host', 'other'],
        ['Authorization', 'Bearer the.valid.token'],
      ],
    });
    expect(ownAgent('abc123')).toBe('jwt-e2e/abc123-');
  });

  test.each([
    ['/a?to=http://other', 'http://httpbin.foo:8000/a?to=http://other'],
    ['http://other/a', 'http://other/a'],
    ['https://other/a', 'https://other/a'],
  ])('goes to what the path %s says, from a pod', (path, url) => {
    expect(built({ path }).url).toBe(url);
  });

  test('goes to the path alone, through the ingress', () => {
    expect(built({ path: '/headers' }, ingress).url).toBe('/headers');
  });

  test('has the host that its headers say, and not that of the certificate of a gateway besides', () => {
    const https = { certificate: 'edge', host: 'edge.example.com' };
    const origin = { kind: 'ingress', gateway: { namespace: 'foo', name: 'edge', https } } as const;
    expect(built({ path: '/' }, origin).headers).toContainEqual(['Host', 'edge.example.com']);
    expect(built({ path: '/', headers: [['host', 'a']] }, origin).headers).not.toContainEqual([
      'Host',
      'edge.example.com',
    ]);
  });

  test('with a token that is not there is none', () => {
    expect(() => built({ token: 'typo' })).toThrow(
      expect.objectContaining({ code: 'E_TEMPLATE', message: 'there is no token "typo"', place }),
    );
  });

  test('is refused at its place for a line break in what was filled in, also where that looks like a template', () => {
    expect(() => built({ headers: [['x-a', '${evil}']] })).toThrow(
      expect.objectContaining({
        message: 'the header "x-a" has a line break in its value once it is filled in',
        hint: 'Remove it: nothing could send it as one header.',
        place,
      }),
    );
  });
});

describe('what steps send, as far as it matters which way it goes', () => {
  const sent = (...steps: PlannedStep[]) =>
    sentBy(steps, [], context).map(({ origin, request: { url, headers } }) => [
      origin.kind,
      url,
      ...headers.flat(),
    ]);

  test('is one request for each server and host, whatever else is in it', () => {
    const step = stepOf(
      pod,
      checkOf({ path: '/a' }),
      checkOf({ path: '/b', method: 'POST', token: 'valid', headers: [['x-a', 'b']] }),
      checkOf({ url: 'http://other' }),
      checkOf({ host: 'named' }),
      checkOf({ headers: [['host', 'lower']] }),
    );
    expect(sent(step)).toEqual([
      ['pod', 'http://httpbin.foo:8000/a'],
      ['pod', 'http://other/headers'],
      ['pod', 'http://httpbin.foo:8000/headers', 'Host', 'named'],
      ['pod', 'http://httpbin.foo:8000/headers', 'host', 'lower'],
    ]);
  });

  test('is one request for each place that it comes from', () => {
    const steps = [pod, { ...pod, namespace: 'bar' }, ingress, ingress].map((origin) =>
      stepOf(origin, checkOf({})),
    );
    expect(sentBy(steps, [], context).map(({ origin }) => origin)).toEqual([
      pod,
      { ...pod, namespace: 'bar' },
      ingress,
    ]);
    expect(sent(...steps)[2]).toEqual(['ingress', '/headers']);
  });

  test('is nothing where a step sends nothing, or not here', () => {
    const skipped = checkOf({}, { skip: 'not for this mesh' });
    const fetched = { kind: 'fetched', keyServer: 'outside', by: 'istiod' } as unknown as PlannedCheck;
    expect(sent(stepOf(undefined, checkOf({})), stepOf(pod, skipped, fetched))).toEqual([]);
  });
});
