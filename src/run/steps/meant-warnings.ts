/** Warnings of an API server that are about what a scenario does on purpose. */
import type { KubeObject } from '../../target/target.ts';

const aboutSecret = /\bjwks key at index (\d+) contains private key material\b/;

/** What people are told instead of such a warning. */
const symmetric =
  'istiod warns of private key material. That is meant: keys of HMAC algorithms are secret, and these are made for this run';

/**
 * Why a warning is no reason to worry, by the warning; only of those that are none.
 *
 * A JWKS with symmetric keys has nothing but secrets (RFC 7518, section 6.4), and istiod warns of each of them. Of the
 * private part of another key it warns with the same words, and that is told.
 */
export function meantWarnings(
  warnings: readonly string[],
  objects: readonly KubeObject[],
): Readonly<Record<string, string>> {
  const lists = objects.filter(({ kind }) => kind === 'RequestAuthentication').flatMap(keysOf);
  return Object.fromEntries(
    warnings.flatMap((warning) => {
      const index = aboutSecret.exec(warning)?.[1];
      if (index === undefined) return [];
      const secret = lists
        .map((keys) => keys[Number(index)])
        .filter((key) => key?.d !== undefined || isSymmetric(key));
      return secret.length > 0 && secret.every(isSymmetric) ? [[warning, symmetric]] : [];
    }),
  );
}

type Key = Readonly<Record<string, unknown>>;

function isSymmetric(key: Key | undefined): boolean {
  return key?.kty === 'oct';
}

/** The keys of each rule that has its own. */
function keysOf({ spec }: KubeObject): (readonly Key[])[] {
  const { jwtRules } = Object(spec) as { jwtRules?: readonly { readonly jwks?: unknown }[] };
  return (Array.isArray(jwtRules) ? jwtRules : []).flatMap((rule: { readonly jwks?: unknown }) => {
    try {
      const { keys } = JSON.parse(String(rule.jwks)) as { keys: readonly Key[] };
      return Array.isArray(keys) ? [keys] : [];
    } catch {
      return [];
    }
  });
}
