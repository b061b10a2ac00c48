/**
 * The path as policies see it. istiod tells proxies to normalize it (MeshConfig.pathNormalization; Envoy's path_utility.cc,
 * which follows the canonical form of Chromium's URL library).
 */
import type { PathNormalization } from '../input.ts';

/**
 * @param ignoresParameters whether `..;a` is followed as `..` is
 * @returns with the query as it was; undefined when the proxy refuses the request as malformed
 */
export function normalizedPath(
  path: string,
  mode: PathNormalization,
  ignoresParameters = true,
): string | undefined {
  if (mode === 'NONE') return path;
  const plain = withoutQuery(path);
  const query = path.slice(plain.length).split('#')[0] ?? '';
  const decoded =
    mode === 'DECODE_AND_MERGE_SLASHES' ? plain.replace(/%2f/gi, '/').replace(/%5c/gi, '\\') : plain;
  const result = canonical(decoded, ignoresParameters);
  if (result === undefined || mode === 'BASE') return result === undefined ? undefined : result + query;
  // Of nothing but slashes two are left (PathTransformer::mergeSlashes).
  return (/^\/\/+$/.test(result) ? '//' : result.replace(/\/{2,}/g, '/')) + query;
}

/** Path and query as they are written in an address, or in what begins with them: a URL object would normalize them. */
export function pathAndQuery(address: string): string {
  const path = address.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/#.*$/, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** What policies look at. */
export function withoutQuery(path: string): string {
  return path.split(/[?#]/)[0] ?? '';
}

/**
 * Letters, digits and `-._~` need no escape, a few others and bytes beyond ASCII get one, and a NUL makes it malformed; backslashes become slashes;
 * `.` and `..` are followed.
 */
function canonical(path: string, ignoresParameters: boolean): string | undefined {
  if (!path.startsWith('/') || path.includes('%00')) return undefined;
  const plain = path
    .replace(/%([0-9a-f]{2})/gi, (whole, hex: string) => {
      const character = String.fromCharCode(Number.parseInt(hex, 16));
      return /[\w.~-]/.test(character) ? character : whole;
    })
    .replace(/["<>^`{|}\u0080-\u00ff]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return withoutDots(plain.replaceAll('\\', '/'), (part) =>
    ignoresParameters ? part.replace(/^(\.\.?);.*$/, '$1') : part,
  );
}

/**
 * `.` and `..` of a path without a query are followed (RFC 3986, section 5.2.4).
 *
 * @param plain what a part is for this; default: what it is
 */
export function withoutDots(path: string, plain: (part: string) => string = (part) => part): string {
  const parts = path.split('/').slice(1);
  const kept: string[] = [];
  for (const [index, part] of parts.entries()) {
    const dots = plain(part);
    if (dots === '..') kept.pop();
    else if (dots !== '.') kept.push(part);
    if (index === parts.length - 1 && /^\.\.?$/.test(dots)) kept.push('');
  }
  return `/${kept.join('/')}`;
}
