import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ca, makeCa } from '../../../../src/jwks/certificates.ts';
import { AddressBlock } from '../../../../src/target/local/network/addresses.ts';
import { startKeyServer } from '../../../../src/target/local/network/key-server-process.ts';
import { Guardian } from '../../../../src/target/local/processes/guardian.ts';
import { Part } from '../../../../src/target/local/processes/part.ts';
import { unaborted } from '../../../support/signals.ts';
import { ends } from '../processes.ts';

let folder: string;
let guardian: Guardian;
let block: AddressBlock;
let ca: Ca;
const parts: Part[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  guardian = new Guardian(folder);
  [block, ca] = await Promise.all([AddressBlock.claim(), makeCa('keys')]);
  parts.length = 0;
});
afterEach(async () => {
  await guardian.end();
  block.release();
  rmSync(folder, { recursive: true, force: true });
});

/** @param change what is started instead */
async function startOne(signal = unaborted(), change: { program?: string } = {}) {
  const jwks = { keys: [{ kid: 'one' }] };
  const options = {
    name: 'keys',
    path: '/jwks',
    jwks,
    certificate: 'trusted',
    fault: null,
    discovery: true,
    http2Only: false,
    host: 'keys.test',
    ip: block.next(),
  } as const;
  const startPart: Parameters<typeof startKeyServer>[2] = async (part) => {
    const made = await Part.start(
      { ...part, ...change, folder, logFile: join(folder, 'log') },
      guardian,
      () => {},
    );
    parts.push(made);
    return made;
  };
  const authority = async (trust: string) => (trust === 'trusted' ? ca : makeCa('untrusted'));
  return startKeyServer(options, authority, startPart, signal);
}

const state = { jwks: { keys: [] }, certificate: 'trusted', fault: null } as const;

test('it serves its keys over HTTP and HTTPS at its address, under its name', async () => {
  const server = await startOne();
  expect(server).toMatchObject({ name: 'keys', host: 'keys.test', external: { ip: server.ip } });
  const { 80: http, 443: https } = server.external.ports;
  const start = await server.logEnd();
  const { body } = await request(`http://${server.ip}:${http}/jwks`);
  expect(await body.json()).toEqual({ keys: [{ kid: 'one' }] });
  await server.set(state);
  const agent = new Agent({ connect: { ca: ca.certPem, servername: 'keys.test' } });
  const secure = await request(`https://${server.ip}:${https}/jwks`, { dispatcher: agent });
  expect(await secure.body.json()).toEqual({ keys: [] });
  await agent.destroy();
  expect(await server.log(start)).toMatchObject([
    { path: '/jwks', status: 200 },
    { path: '/jwks', status: 200 },
  ]);
  await server.stop();
  await ends(parts[0]!.pid);
});

test('it does not go on when its start is interrupted', async () => {
  const aborted = new AbortController();
  const starting = startOne(aborted.signal, { program: join(folder, 'never') }).catch((thrown) => thrown);
  expect(await starting).toMatchObject({ code: 'E_PROGRAM' });
  const hanging = startOne(aborted.signal, { program: 'yes' });
  hanging.catch(() => {});
  await expect.poll(() => parts.length).toBe(1);
  aborted.abort('SIGINT');
  await expect(hanging).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  await ends(parts[0]!.pid);
});

test('it works as long as it answers with the keys that it was given last', async () => {
  const server = await startOne();
  const before = await server.logEnd();
  await server.check('me', unaborted());
  await server.set(state);
  await server.check('me', unaborted());
  expect(await server.log(before)).toMatchObject(
    Array.from({ length: 4 }, () => ({ status: 200, by: 'other', userAgent: 'me' })),
  );
  await parts[0]!.stop(true);
  await expect(server.check('me', unaborted())).rejects.toMatchObject({
    code: 'E_KEY_SERVER',
    message: expect.stringMatching(/^the key server keys does not answer with its keys: .*ECONNREFUSED/),
  });
});

test('it fails as it is told to, which is how it works then', async () => {
  const server = await startOne();
  const { 80: http = 0, 443: https = 0 } = server.external.ports;
  const plain = `http://${server.ip}:${http}/jwks`;
  const status = async () => (await request(plain, { reset: true })).statusCode;
  await server.set({ ...state, fault: { status: 503 } });
  expect(await status()).toBe(503);
  await server.check('me', unaborted());
  await server.set({ ...state, fault: { closed: true } });
  await expect(status()).rejects.toThrow('ECONNREFUSED');
  await server.check('me', unaborted());
  // From one failure to another one, with another certificate.
  await server.set({ ...state, certificate: 'wrong-host', fault: { redirect: 'http://other.test/' } });
  const moved = await request(plain, { reset: true });
  expect([moved.statusCode, moved.headers.location]).toEqual([302, 'http://other.test/']);
  await server.set(state);
  expect(await status()).toBe(200);
  await server.check('me', unaborted());
  const handshake = (own: Ca) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: server.ip, port: https, ca: own.certPem, servername: 'keys.test' });
      socket
        .on('secureConnect', () => resolve('secure'))
        .on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
    });
  expect(await handshake(ca)).toBe('secure');
  await server.set({ ...state, certificate: 'expired' });
  expect(await handshake(ca)).toBe('CERT_HAS_EXPIRED');
  await server.set({ ...state, certificate: 'wrong-host' });
  expect(await handshake(ca)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  await server.set({ ...state, certificate: 'untrusted' });
  expect(await handshake(ca)).toMatch(/SELF_SIGNED|UNABLE_TO|SIGNATURE/);
});
