import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { redact } from '../../src/token/decode.ts';
import { mintTokens } from '../../src/token/mint.ts';
import { issuerWith, readOwnKey } from '../../src/token/own-key.ts';
import { temporaryFolder } from '../programs/downloads.ts';
import { fileOf, rsaJwk } from './own-key-file.ts';

const rsa = rsaJwk();
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

function refusal(file: string): HarnessError {
  try {
    readOwnKey(file, '--external-jwks-key');
  } catch (thrown) {
    if (thrown instanceof HarnessError) return thrown;
  }
  return expect.fail('it is refused');
}

test('tokens are signed with it, under its kid, and its public part verifies them', async () => {
  const key = readOwnKey(fileOf(rsa), '--external-jwks-key');
  expect(key.publicJwk).toEqual({ kty: 'RSA', kid: 'mine', use: 'sig', alg: 'RS256', n: rsa.n, e: rsa.e });
  const issuer = issuerWith(key, 'sample', 'me');
  const tokens = await mintTokens(
    { valid: { issuer: 'sample' } },
    new Map([['sample', issuer]]),
    async () => '',
  );
  const { payload, protectedHeader } = await jwtVerify(tokens.get('valid')?.value ?? '', key.publicJwk);
  expect([payload.iss, protectedHeader.kid, protectedHeader.alg]).toEqual(['me', 'mine', 'RS256']);
});

test('no part of it is shown from then on', () => {
  const { d = '', p = '' } = rsa;
  readOwnKey(fileOf(rsa), '--external-jwks-key');
  const shown = redact(`the key ${d} and ${p.slice(0, 40)}, and ${Buffer.from(d).toString('base64')}`);
  expect(shown).not.toContain(d.slice(4, 40));
  expect(shown).not.toContain(p.slice(4, 40));
  expect(shown).not.toContain(Buffer.from(d).toString('base64').slice(10, 60));
});

test.runIf(process.platform !== 'win32')('a file that others may read is refused', () => {
  const file = fileOf(rsa, 0o640);
  expect(refusal(file)).toMatchObject({
    code: 'E_USAGE',
    message: `--external-jwks-key: ${file} has a private key, and others may read it (mode 0640)`,
    hint: `chmod 600 ${file}`,
  });
});

test.each([
  ['no JSON', 'secret', 'is not a JSON object'],
  ['a list', [rsa], 'is not a JSON object'],
  ['another kind of key', { ...ec, kid: 'mine' }, 'has no key of kty "RSA"; scenarios sign with RS256'],
  ['a key for encryption', { ...rsa, alg: 'RSA-OAEP' }, 'has a key that is not for alg "RS256"'],
  [
    'a key without a kid',
    { ...rsa, kid: undefined },
    'has a key without a "kid", by which proxies find it among others',
  ],
  ['a public key', { kty: 'RSA', kid: 'mine', n: rsa.n, e: rsa.e }, 'has no private RSA key'],
  ['parts of two keys', { ...rsa, n: rsaJwk().n }, 'has no private RSA key'],
])('%s is refused, and nothing of it is in the message', (_, content, why) => {
  const file = fileOf(content);
  const { message, hint = '', details = '', cause } = refusal(file);
  expect(message).toBe(`--external-jwks-key: ${file} ${why}`);
  expect(cause).toBeUndefined();
  const { d = '' } = rsa;
  expect(message + hint + details).not.toContain(d.slice(0, 20));
  expect(message + hint + details).not.toContain('secret');
});

test('a file that is not there is named', () => {
  expect(refusal(join(temporaryFolder(), 'none.json')).message).toContain('none.json does not exist');
});
