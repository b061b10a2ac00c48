/** Whether a text is the JWK Set that it should be. */
import { isMap } from '../base/kube-object.ts';

/** The members that a public key must have (RFC 7518 section 6, RFC 8037 section 2). */
const required: Readonly<Record<string, readonly string[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  oct: ['k'],
  OKP: ['crv', 'x'],
};
/** What only a private key has; `oct` is a secret as a whole and has none of these. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];
const encodedMembers = ['n', 'e', 'x', 'y', 'k'];

/**
 * Checks a body that should be a JWK Set (RFC 7517 section 5) with exactly these keys, in any order.
 *
 * @returns what is wrong with it, in one line, or undefined
 */
export function checkJwks(text: string, expectedKids: readonly string[]): string | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return text.trim() === '' ? 'the body is empty' : `the body is not JSON: ${excerpt(text)}`;
  }
  if (!isMap(body) || !Array.isArray(body.keys))
    return 'the body has no list "keys", which a JWK Set must have';
  for (const [index, key] of (body.keys as unknown[]).entries()) {
    const problem = checkKey(key);
    if (problem !== undefined) return `keys[${index}] ${problem}`;
  }
  const kids = (body.keys as { kid?: unknown }[]).map((key) => key.kid);
  const missing = expectedKids.filter((kid) => !kids.includes(kid));
  if (missing.length > 0) return `no key has kid ${list(missing)}; there is ${list(kids)}`;
  const unexpected = kids.filter((kid) => typeof kid !== 'string' || !expectedKids.includes(kid));
  if (unexpected.length > 0) return `there is a key with kid ${list(unexpected)}, which is not expected`;
  return undefined;
}

function checkKey(key: unknown): string | undefined {
  if (!isMap(key)) return 'is not a JSON object';
  if (typeof key.kty !== 'string') return 'has no "kty", which every JWK must have';
  const members = Object.hasOwn(required, key.kty) ? required[key.kty] : undefined;
  if (members === undefined) return `has kty "${key.kty}", which is not RSA, EC, oct or OKP`;
  for (const member of members) {
    const value = key[member];
    if (typeof value !== 'string' || value === '') return `of kty ${key.kty} has no "${member}"`;
    if (encodedMembers.includes(member) && !/^[A-Za-z0-9_-]+$/.test(value))
      return `has a "${member}" that is not base64url`;
  }
  const secret = privateMembers.find((member) => member in key);
  return secret === undefined ? undefined : `has "${secret}", a part of the private key`;
}

function list(kids: readonly unknown[]): string {
  return kids.length === 0 ? 'none' : kids.map((kid) => JSON.stringify(kid) ?? 'none').join(', ');
}

function excerpt(text: string): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
}
