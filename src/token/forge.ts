/** Tokens that jose refuses to make: assembled by hand, with a real signature over whatever the header says. */
import { constants, createHmac, KeyObject, sign } from 'node:crypto';
import type { CryptoKey } from 'jose';
import { algorithmInfo } from '../scenario/format/algorithms.ts';
import type { Algorithm } from '../scenario/format/schema.ts';

/** `BASE64URL(header).BASE64URL(payload)`, the JWS Signing Input of RFC 7515 section 5.1. */
export function signingInput(header: unknown, payload: unknown): string {
  return `${encode(header)}.${encode(payload)}`;
}

/** BASE64URL of a text or of bytes (RFC 7515, section 2). */
export function encodePart(text: string | Buffer): string {
  return Buffer.from(text).toString('base64url');
}

function encode(value: unknown): string {
  return encodePart(JSON.stringify(value));
}

/** A key that signs: of Web Crypto, of node:crypto, or the bytes of a secret. */
export type SigningKey = CryptoKey | KeyObject | Uint8Array;

/** How the parts of a token are written, where it is not as RFC 7515 says. */
type Form = 'padded' | 'base64' | 'der';

/**
 * Signs with this algorithm, whatever the header claims.
 *
 * @param key made for an algorithm of the same key type; see `canSign`
 * @returns a compact JWS (RFC 7515 section 7.1)
 */
export function forge(header: unknown, payload: unknown, key: SigningKey, algorithm: Algorithm): string {
  return forgeText(JSON.stringify(header), JSON.stringify(payload), key, algorithm);
}

/**
 * The same for a header and a payload of any text or bytes.
 *
 * @param form `padded`: base64url with "="; `base64`: the alphabet with "+" and "/", padded too; `der`: an ECDSA signature as
 * ASN.1 has it (RFC 3279, section 2.2.3)
 */
export function forgeText(
  header: string | Buffer,
  payload: string | Buffer,
  key: SigningKey,
  algorithm: Algorithm,
  form?: Form,
): string {
  const write = (part: string | Buffer) => written(Buffer.from(part), form);
  const input = `${write(header)}.${write(payload)}`;
  return `${input}.${write(signature(Buffer.from(input), key, algorithm, form === 'der'))}`;
}

function written(bytes: Buffer, form: Form | undefined): string {
  if (form === 'base64') return bytes.toString('base64');
  const text = bytes.toString('base64url');
  return form === 'padded' ? text.padEnd(Math.ceil(text.length / 4) * 4, '=') : text;
}

function signature(input: Buffer, key: SigningKey, algorithm: Algorithm, isDer = false): Buffer {
  const { kty, hash } = algorithmInfo[algorithm];
  if (key instanceof Uint8Array) {
    if (kty !== 'oct' || hash === undefined) throw new TypeError(`a secret cannot sign ${algorithm}`);
    return createHmac(hash, key).update(input).digest();
  }
  const privateKey =
    key instanceof KeyObject ? key : KeyObject.from(key as Parameters<typeof KeyObject.from>[0]);
  // RFC 7518: ES signatures are r and s side by side (3.4); the salt of PS is as long as the digest (3.5).
  if (kty === 'EC') return sign(hash, input, { key: privateKey, dsaEncoding: isDer ? 'der' : 'ieee-p1363' });
  if (!algorithm.startsWith('PS')) return sign(hash, input, privateKey);
  return sign(hash, input, {
    key: privateKey,
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  });
}

/**
 * Changes the payload of a signed token and leaves its signature: `sub` becomes somebody else, or a claim
 * `tampered` is added where there is no `sub`. Every other claim stays, so that only the signature can give it away.
 */
export function tamperPayload(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header, , signed] = token.split('.');
  const changed =
    typeof claims.sub === 'string'
      ? { ...claims, sub: `${claims.sub}-tampered` }
      : { ...claims, tampered: true };
  return `${header}.${encode(changed)}.${signed}`;
}

/** Inverts one byte in the middle of the signature, which stays base64url of the same length. */
export function tamperSignature(token: string): string {
  const end = token.lastIndexOf('.') + 1;
  const bytes = Buffer.from(token.slice(end), 'base64url');
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0xff, middle);
  return token.slice(0, end) + bytes.toString('base64url');
}
