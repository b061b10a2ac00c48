/** A signing key of the user's own, whose public part a server of theirs serves. */
import {
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { statSync } from 'node:fs';
import { HarnessError } from '../base/errors.ts';
import { readLimited, whyUnreadable } from '../base/files/limited-file.ts';
import { limits } from '../base/files/limits.ts';
import { isMap } from '../base/kube-object.ts';
import { rememberSecret } from './decode.ts';
import type { IssuerKey, IssuerKeys } from './issuer-keys.ts';

/** Of an RSA private key (RFC 7518, section 6.3.2). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

/**
 * Reads a private RSA key in the form of a JWK (RFC 7517). No message has anything of it but its `kid`.
 *
 * @param source which setting names the file, for messages
 * @throws HarnessError E_USAGE when others may read the file, or it has no such key
 */
export function readOwnKey(file: string, source: string): IssuerKey {
  const wrong = (why: string, hint: string, cause?: unknown) =>
    new HarnessError('E_USAGE', `${source}: ${file} ${why}`, { hint, cause });
  let text: string;
  try {
    const { mode } = statSync(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      throw wrong(`has a private key, and others may read it (mode ${shown})`, `chmod 600 ${file}`);
    }
    text = readLimited(file, limits.yamlBytes).toString('utf8');
  } catch (thrown) {
    if (thrown instanceof HarnessError) throw thrown;
    const { why, hint = 'Name a file that is there, with a private key in the form of a JWK.' } =
      whyUnreadable(thrown);
    throw wrong(why, hint, thrown);
  }
  const jwk = parsed(text);
  // Before anything is said about it.
  for (const member of secretMembers) if (typeof jwk?.[member] === 'string') rememberSecret(jwk[member]);
  const form =
    'It must be one private RSA key as a JWK: an object with kty "RSA", kid, n, e, d, p, q, dp, dq and qi.';
  if (jwk === undefined) throw wrong('is not a JSON object', form);
  if (jwk.kty !== 'RSA') throw wrong('has no key of kty "RSA"; scenarios sign with RS256', form);
  if (jwk.alg !== undefined && jwk.alg !== 'RS256')
    throw wrong('has a key that is not for alg "RS256"', form);
  if (typeof jwk.kid !== 'string' || jwk.kid === '')
    throw wrong('has a key without a "kid", by which proxies find it among others', form);
  const privateKey = keyIn(jwk);
  if (privateKey === undefined) throw wrong('has no private RSA key', form);
  const { n, e } = createPublicKey(privateKey).export({ format: 'jwk' });
  const { kid } = jwk;
  return {
    kid,
    algorithm: 'RS256',
    privateKey,
    publicJwk: { kty: 'RSA', kid, use: 'sig', alg: 'RS256', n: n ?? '', e: e ?? '' },
  };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function keyIn(jwk: Record<string, unknown>): KeyObject | undefined {
  try {
    const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
    // Its parts may not belong together, which Node does not look at before it signs.
    const text = Buffer.from('a sample');
    return verify('sha256', text, createPublicKey(key), sign('sha256', text, key)) ? key : undefined;
  } catch {
    // What Node says of it may have parts of the key.
    return undefined;
  }
}

/** The keys of an issuer that signs with this one alone. */
export function issuerWith(key: IssuerKey, name: string, issuer: string): IssuerKeys {
  return { name, issuer, keys: new Map([['default', key]]), jwks: () => ({ keys: [{ ...key.publicJwk }] }) };
}
