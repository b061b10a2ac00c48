/** Claims, as conditions of AuthorizationPolicies name them. */

/** `request.auth.claims[realm][roles]` → `realm`, `roles`; undefined for a key that is about something else. */
export function claimOf(key: string): string[] | undefined {
  const names = /^request\.auth\.claims((?:\[[^\]]+\])+)$/.exec(key)?.[1];
  if (names === undefined) return undefined;
  return [...names.matchAll(/\[([^\]]+)\]/g)].map((match) => match[1] ?? '');
}

/** The value at a path of claims within claims. */
export function valueAt(claims: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
    claims,
  );
}
