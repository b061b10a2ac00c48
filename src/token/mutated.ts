/** Forges a token in each of the ways of {@link mutations}. */
import { type KeyObject, randomBytes } from 'node:crypto';
import { HarnessError } from '../base/errors.ts';
import type { MutationName } from '../scenario/format/mutations.ts';
import type { Algorithm } from '../scenario/format/schema.ts';
import { encodePart, forge, forgeText, type SigningKey, signingInput } from './forge.ts';
import { type IssuerKey, makePair, publicKeyOf } from './issuer-keys.ts';

type Json = Readonly<Record<string, unknown>>;

/** The token as it would be without the mutation. */
interface Original {
  readonly name: string;
  readonly header: Json;
  readonly claims: Json;
  readonly value: string;
  readonly key: IssuerKey;
}

/**
 * @throws HarnessError `E_TOKEN` for a way that needs a public key, which a symmetric key has not, and for one that changes
 * nothing: the token would be accepted, and rightly
 */
export async function mutated(mutation: MutationName, of: Original): Promise<string> {
  const token = await ways[mutation](of);
  if (token !== of.value) return token;
  throw new HarnessError('E_TOKEN', `token "${of.name}": "${mutation}" changes nothing in it`, {
    hint: 'Give the token what is to be changed, or choose another way to forge it.',
  });
}

const ways: Readonly<Record<MutationName, (of: Original) => string | Promise<string>>> = {
  'alg none': unsignedAs('none'),
  'alg None': unsignedAs('None'),
  'alg NONE': unsignedAs('NONE'),
  'alg nOnE': unsignedAs('nOnE'),
  'alg none, signature kept': (of) => withHeader(of, { alg: 'none' }),
  'no signature': ({ value }) => value.slice(0, value.lastIndexOf('.') + 1),
  'no third part': ({ value }) => value.slice(0, value.lastIndexOf('.')),
  'signature cut': (of) => withSignature(of, (bytes) => bytes.subarray(0, bytes.length - 1)),
  // Once accepted for ECDSA (CVE-2022-21449).
  'signature of zeros': (of) => withSignature(of, (bytes) => Buffer.alloc(bytes.length)),
  'one bit of the signature': (of) =>
    withSignature(of, (bytes) => Buffer.from(bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte)))),
  'signature of another token': (of) => {
    const other = forge(of.header, { ...of.claims, jti: 'another' }, of.key.privateKey, of.key.algorithm);
    return `${signedPart(of)}.${other.split('.')[2]}`;
  },
  'other sub': (of) => withClaims(of, { sub: `${of.claims.sub ?? ''}-other` }),
  'other iss': (of) => withClaims(of, { iss: `${of.claims.iss ?? ''}-other` }),
  'other aud': (of) => withClaims(of, { aud: 'another-audience' }),
  'later exp': (of) => withClaims(of, { exp: Number(of.claims.exp ?? 0) + 4_000_000_000 }),
  'one more claim': (of) => withClaims(of, { admin: true }),
  'a claim twice': (of) => withPayload(of, JSON.stringify(of.claims).replace(/\}$/, ',"sub":"admin"}')),
  'no kid any more': (of) => withHeader(of, { kid: undefined, typ: undefined }),
  'other typ': (of) => withHeader(of, { typ: 'JWS-other' }),
  'other alg of the family': (of) => withHeader(of, { alg: otherAlg(of.key.algorithm) }),
  'HS256 with the public key in PEM': (of) => bySecret(of, pemOf(of)),
  'HS256 with the public key in PEM, no line break at its end': (of) => bySecret(of, pemOf(of).trimEnd()),
  'HS256 with the public key in DER': (of) =>
    bySecret(of, publicHalf(of).export({ type: 'spki', format: 'der' })),
  'HS256 with the public key as JWK': (of) => bySecret(of, JSON.stringify(of.key.publicJwk)),
  'HS256 with an empty secret': (of) => bySecret(of, ''),
  'HS256 with the secret "secret"': (of) => bySecret(of, 'secret'),
  'another key': (of) => byAnother(of, () => ({})),
  'another key as jwk': (of) => byAnother(of, (jwk) => ({ jwk })),
  'another key at jku': (of) => byAnother(of, () => ({ jku: 'https://attacker.example.com/jwks.json' })),
  'another key at x5u': (of) => byAnother(of, () => ({ x5u: 'https://attacker.example.com/chain.pem' })),
  'kid ../../../../dev/null': (of) => bySecret(of, '', { kid: '../../../../../../dev/null' }),
  'kid with SQL': (of) => bySecret(of, 'secret', { kid: "none' UNION SELECT 'secret'; --" }),
  'no alg': (of) => again(of, { alg: undefined }),
  'alg in lower case': (of) => again(of, { alg: of.key.algorithm.toLowerCase() }),
  'header no JSON': (of) => signText(of, '{"alg":', JSON.stringify(of.claims)),
  'payload no JSON': (of) => signText(of, JSON.stringify(of.header), '{"iss":'),
  'payload in UTF-16': (of) =>
    signText(of, JSON.stringify(of.header), Buffer.from(JSON.stringify(of.claims), 'utf16le')),
  'payload a list': (of) => signText(of, JSON.stringify(of.header), JSON.stringify([of.claims])),
  'no payload': (of) => signText(of, JSON.stringify(of.header), ''),
  // RFC 7515, section 7.2.2: not for HTTP headers.
  'JSON serialization': ({ value }) => {
    const [header, payload, signature] = value.split('.');
    return JSON.stringify({ payload, protected: header, signature });
  },
  'five parts, as if encrypted': () =>
    [
      encodePart(JSON.stringify({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })),
      ...[256, 12, 64, 16].map((size) => randomBytes(size).toString('base64url')),
    ].join('.'),
  'two tokens in one': ({ value }) => `${value}.${value}`,
};

function signedPart({ value }: Original): string {
  return value.slice(0, value.lastIndexOf('.'));
}

function unsignedAs(alg: string) {
  return ({ header, claims }: Original) => `${signingInput({ ...header, alg }, claims)}.`;
}

/** What the header says is changed, and its signature stays. */
function withHeader({ header, value }: Original, changes: Json): string {
  const [, payload, signature] = value.split('.');
  return `${encodePart(JSON.stringify({ ...header, ...changes }))}.${payload}.${signature}`;
}

function withClaims(of: Original, changes: Json): string {
  return withPayload(of, JSON.stringify({ ...of.claims, ...changes }));
}

function withPayload({ value }: Original, payload: string): string {
  const [header, , signature] = value.split('.');
  return `${header}.${encodePart(payload)}.${signature}`;
}

function withSignature(of: Original, change: (bytes: Buffer) => Buffer): string {
  const bytes = Buffer.from(of.value.slice(of.value.lastIndexOf('.') + 1), 'base64url');
  return `${signedPart(of)}.${change(bytes).toString('base64url')}`;
}

/** Signed anew by the issuer, with another header. */
function again({ header, claims, key }: Original, changes: Json): string {
  return forge({ ...header, ...changes }, claims, key.privateKey, key.algorithm);
}

function signText({ key }: Original, header: string, payload: string | Buffer): string {
  return forgeText(header, payload, key.privateKey, key.algorithm);
}

function bySecret({ header, claims }: Original, secret: string | Buffer, changes: Json = {}): string {
  return forge({ ...header, alg: 'HS256', ...changes }, claims, Buffer.from(secret), 'HS256');
}

/** Signed by a key that the issuer has never had, of the same kind. */
async function byAnother(of: Original, changes: (jwk: object) => Json): Promise<string> {
  const { header, claims, key } = of;
  publicHalf(of);
  const { privateKey, jwk } = await another(key.algorithm);
  return forge({ ...header, ...changes({ ...jwk, kid: key.kid }) }, claims, privateKey, key.algorithm);
}

const others = new Map<Algorithm, Promise<{ privateKey: SigningKey; jwk: object }>>();

function another(algorithm: Algorithm) {
  const made = others.get(algorithm) ?? makeAnother(algorithm);
  others.set(algorithm, made);
  return made;
}

async function makeAnother(algorithm: Algorithm) {
  const [privateKey, jwk] = await makePair(algorithm);
  return { privateKey, jwk: { ...jwk, alg: algorithm } };
}

/** RS256 becomes RS512, ES384 becomes ES512, and EdDSA the name that RFC 9864 has for it. */
function otherAlg(algorithm: Algorithm): string {
  if (algorithm === 'EdDSA') return 'Ed25519';
  if (algorithm === 'Ed448') return 'EdDSA';
  if (algorithm === 'ES256K') return 'ES256';
  return algorithm.endsWith('512') ? algorithm.replace('512', '256') : algorithm.replace(/\d+$/, '512');
}

function pemOf(of: Original): string {
  return publicHalf(of).export({ type: 'spki', format: 'pem' }).toString();
}

function publicHalf({ name, key }: Original): KeyObject {
  if (!(key.privateKey instanceof Uint8Array)) return publicKeyOf(key.privateKey);
  throw new HarnessError('E_TOKEN', `token "${name}": its key is a secret and has no public half`, {
    hint: 'Let an issuer with RS256 or ES256 sign it, or make a list of mutations that need no public key.',
  });
}
