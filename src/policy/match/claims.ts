/** Claims, as conditions of AuthorizationPolicies name them. */
import { isMap } from '../../base/kube-object.ts';
import { rememberedByText } from '../../base/remembered.ts';

/** Claims that conditions have other names for. */
const renamed: ReadonlyMap<string, readonly string[]> = new Map([
  ['request.auth.audiences', ['aud']],
  ['request.auth.presenter', ['azp']],
]);

/**
 * `request.auth.claims[realm][roles]` → `realm`, `roles`; undefined for a key that is about something else. Brackets that are
 * not one pair after the other are part of one name (pilot/pkg/security/authz/model/util.go, extractNameInNestedBrackets).
 */
export const claimOf = rememberedByText((key): readonly string[] | undefined => {
  const known = renamed.get(key);
  if (known !== undefined) return known;
  const text = /^request\.auth\.claims(\[.+\])$/s.exec(key)?.[1];
  if (text === undefined) return undefined;
  if (!/^(\[[^[\]]*\])+$/.test(text)) return [text.slice(1, -1)];
  return [...text.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '');
});

/** `request.headers[X-Name]` → `X-Name`; undefined for a key that is about something else. */
export const headerOf = rememberedByText((key) => /^request\.headers\[(.+)\]$/.exec(key)?.[1]);

/** The value at a path of claims within claims. */
export function valueAt(claims: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) => (isMap(value) && Object.hasOwn(value, name) ? value[name] : undefined),
    claims,
  );
}

/** Claims with a value at a path; undefined: without it, and without a map that would be left empty. */
export function withClaim(
  claims: Readonly<Record<string, unknown>>,
  [name = '', ...rest]: readonly string[],
  value: unknown,
): Readonly<Record<string, unknown>> {
  const inner = claims[name];
  const next = rest.length === 0 ? value : withClaim(isMap(inner) ? inner : {}, rest, value);
  const isGone = next === undefined || (rest.length > 0 && Object.keys(Object(next)).length === 0);
  const { [name]: _, ...others } = claims;
  return isGone ? others : { ...claims, [name]: next };
}
