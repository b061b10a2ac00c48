/** How tokens may be shown: header and claims, never the signature. */
import type { TokenView } from '../events.ts';

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

/**
 * Replaces the signature of everything in a text that looks like a JWT by `<signature>`: characters of base64url, with
 * dots, where one section starts as `{"` does when encoded (`eyI` to `eyL`) and is followed by two more. `e30` is `{}`.
 * Linear in the length of the text, whatever it is.
 */
export function redact(text: string): string {
  return text.replace(/[A-Za-z0-9_.-]+/g, (run) => {
    const sections = run.split('.');
    const start = sections.findIndex(
      (section, index) => (/ey[I-L]/.test(section) || section === 'e30') && !!sections[index + 2],
    );
    return start === -1 ? run : `${sections.slice(0, start + 2).join('.')}.<signature>`;
  });
}

/** A copy in which no text has the signature of a token: before it is written, for YAML may fold a token in two. */
export function withoutSignatures<T>(value: T): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map(withoutSignatures) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, withoutSignatures(each)]),
  ) as T;
}
