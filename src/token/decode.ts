/** How tokens may be shown: header and claims, never the signature. */
import type { TokenView } from '../base/events.ts';
import { KnownSecrets } from './known-secrets.ts';
import { hiddenMembers, secretSections, signature, withoutShapes } from './shapes.ts';

/**
 * Decodes a token for reports. Lenient: a section that is no JSON object is null, and the text itself is then shown
 * as `raw`, without its signature.
 *
 * @param name name of the token in the scenario
 * @param value what is sent, which need not be a token at all
 */
export function viewToken(name: string, value: string): TokenView {
  const sections = value.split('.');
  const view = { name, header: decodeObject(sections[0]), claims: decodeObject(sections[1]) };
  const isToken = sections.length === 3 && view.header !== null && view.claims !== null;
  return isToken ? view : { ...view, raw: redact(value) };
}

function decodeObject(section = ''): object | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(section, 'base64url').toString('utf8'));
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

let known = new KnownSecrets();

/** For tests, of which many share a process: what one has called a secret may be a word of another. */
export function forgetSecrets(): void {
  known = new KnownSecrets();
}

/** The token is never shown from now on with what is secret about it, in whatever form it is written. */
export function rememberToken(token: string): void {
  for (const section of secretSections(token)) known.add(section);
}

/** The same for the secret of a symmetric key, in base64url. */
export function rememberSecret(secretKey: string): void {
  known.add(secretKey);
}

/** The same for a secret of any form: as it is written, or in base64. */
export function rememberOpaque(secret: string): void {
  known.add(secret);
  known.addText(secret);
}

/**
 * The text without signatures of tokens and private parts of keys: first those that this process knows, in whatever form
 * they are written, then all that looks like one. Header and claims of tokens stay.
 */
export function redact(text: string): string {
  const hide = (each: string) => known.hide(each, signature);
  return withoutShapes(hide(text), hide);
}

/**
 * A copy in which no text and no name has the signature of a token, and no key its private parts: before it is written,
 * for YAML may fold a token in two.
 */
export function withoutSignatures<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map(withoutSignatures) as T;
  if (typeof value !== 'object' || value === null) return value;
  const hidden = hiddenMembers(Object.keys(value));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [
      redact(name),
      each === undefined ? each : (hidden.get(name) ?? withoutSignatures(each)),
    ]),
  ) as T;
}
