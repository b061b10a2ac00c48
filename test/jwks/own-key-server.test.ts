import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { OwnKeyServer } from '../../src/jwks/own-key-server.ts';
import { unaborted } from '../support/signals.ts';

const key = { kid: 'mine', n: 'sample-modulus', e: 'AQAB' };
const served = { kty: 'RSA', use: 'sig', ...key };

let server: Server | undefined;
afterEach(() => server?.close());

/** A server that answers so; the address of its keys. */
async function serving(body: unknown, status = 200): Promise<string> {
  server = createServer((_, response) => {
    response.statusCode = status;
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((done) => server?.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/get_jwks`;
}
const find = async (url: string) => OwnKeyServer.find(url, key, unaborted());

test('a server that has the key among others is found, and asked again', async () => {
  const url = await serving({ keys: [{ kty: 'RSA', kid: 'other', n: 'x', e: 'AQAB' }, served] });
  const handle = (await find(url)).handle('external-sample');
  expect(handle).toMatchObject({ name: 'external-sample', host: '127.0.0.1', ip: '127.0.0.1' });
  await handle.check('me', unaborted());
  await handle.stop();
  await handle.check('me', unaborted());
  server?.closeAllConnections();
  await new Promise((done) => server?.close(done));
  await expect(handle.check('me', unaborted())).rejects.toMatchObject({ code: 'E_KEY_SERVER' });
});

test('who has asked it is not known, and it does not do as a scenario says', async () => {
  const handle = (await find(await serving({ keys: [served] }))).handle('external');
  await expect(handle.logEnd()).rejects.toMatchObject({ code: 'E_KEY_SERVER' });
  await expect(handle.log('')).rejects.toMatchObject({ code: 'E_KEY_SERVER' });
  await expect(handle.set({ jwks: {}, certificate: 'trusted', fault: null })).rejects.toMatchObject({
    code: 'E_INTERNAL',
  });
});

test.each([
  ['another status', 'gone', 404, 'it answers 404'],
  ['no JSON', '<html>', 200, 'its answer is not JSON'],
  ['no keys', {}, 200, 'its answer has no list "keys", which a JWK Set must have'],
  ['an empty list', { keys: [] }, 200, 'no key has kid "mine"; there is none'],
  [
    'other keys',
    { keys: [{ ...served, kid: 'a' }, { kty: 'RSA' }] },
    200,
    'no key has kid "mine"; there is "a", none',
  ],
  [
    'another key of that kid',
    { keys: [{ ...served, n: 'other' }] },
    200,
    'the key with kid "mine" is another one',
  ],
  [
    'another alg',
    { keys: [{ ...served, alg: 'PS256' }] },
    200,
    'the key has alg "PS256", and scenarios sign with RS256',
  ],
  ['the private key', { keys: [{ ...served, d: 'secret' }] }, 200, 'it serves a private key, with "d"'],
])('a server with %s is refused', async (_, body, status, why) => {
  const url = await serving(body, status);
  await expect(find(url)).rejects.toMatchObject({
    code: 'E_KEY_SERVER',
    message: `--external-jwks: ${url} does not serve the key of --external-jwks-key: ${why}`,
    hint: expect.stringContaining('Nothing was applied.'),
  });
});

test('the message says what it should serve', async () => {
  const url = await serving({ keys: [] });
  await expect(find(url)).rejects.toMatchObject({
    details: `It should serve, with other keys or alone:\n${JSON.stringify({ keys: [{ kty: 'RSA', use: 'sig', alg: 'RS256', ...key }] })}`,
  });
});

test('a name without an address is refused', async () => {
  await expect(find('http://keys.invalid/get_jwks')).rejects.toMatchObject({
    code: 'E_KEY_SERVER',
    message: expect.stringContaining('the name keys.invalid has no address'),
  });
});
