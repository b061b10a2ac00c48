import { expect, test } from 'vitest';
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
