/** What an alternative of a rule wants of a request, and values that it takes. */

import { ofConditions, ofFields } from '../../policy/doubts/constraints.ts';
import { claimOf } from '../../policy/match/claims.ts';
import { matchesPath } from '../../policy/match/patterns.ts';
import type { Rule } from '../../policy/rules.ts';

/** Values of which one is wanted, and values that must not be. */
export interface Wanted {
  readonly values: readonly string[];
  readonly notValues: readonly string[];
}

/**
 * By what is looked at: `paths`, `methods`, `hosts`, `ports`, `principal` of the token, `claims`, `headers`, and of the
 * client `principals`, `namespaces` and `serviceAccounts`.
 */
export interface Alternative {
  readonly of: Readonly<Record<string, Wanted>>;
  readonly claims: readonly (Wanted & { readonly path: readonly string[] })[];
  readonly headers: readonly (Wanted & { readonly name: string })[];
}

/** More alternatives than these make tables that nobody reads. */
const most = 8;

/** Each source and each operation at least once. */
export function alternativesOf({ from = [], to = [], when = [] }: Rule): Alternative[] {
  const count = Math.min(most, Math.max(from.length, to.length, 1));
  return Array.from({ length: count }, (_, index) => {
    const source = from[index % Math.max(from.length, 1)]?.source ?? {};
    const operation = to[index % Math.max(to.length, 1)]?.operation ?? {};
    const constraints = [...ofFields({ ...source, ...operation }), ...ofConditions({ when })];
    const about = (key: string): Wanted => {
      const of = (isNot: boolean) =>
        constraints
          .filter((each) => each.key === key && each.isNot === isNot)
          .flatMap(({ values }) => values);
      return { values: of(false), notValues: of(true) };
    };
    const conditions = when.map(({ key, values = [], notValues = [] }) => ({ key, values, notValues }));
    return {
      of: {
        paths: about('paths'),
        methods: about('methods'),
        hosts: about('hosts'),
        ports: about('destination.port'),
        principal: about('request.auth.principal'),
        principals: about('source.principal'),
        namespaces: about('source.namespace'),
        serviceAccounts: about('source.serviceAccount'),
      },
      claims: conditions.flatMap(({ key, ...wanted }) => {
        const path = claimOf(key);
        return path === undefined ? [] : [{ path, ...wanted }];
      }),
      headers: conditions.flatMap(({ key, ...wanted }) => {
        const name = /^request\.headers\[([\w-]+)\]$/.exec(key)?.[1];
        return name === undefined ? [] : [{ name, ...wanted }];
      }),
    };
  });
}

/** The first of the candidates that is wanted. */
export function pick(
  { values, notValues }: Wanted,
  candidates: readonly string[],
  matches: (pattern: string, text: string) => boolean,
): string | undefined {
  return candidates.find(
    (text) =>
      (values.length === 0 || values.some((each) => matches(each, text))) &&
      !notValues.some((each) => matches(each, text)),
  );
}

/** A text that the pattern matches: a star counts at its beginning or at its end. */
export function textFor(pattern: string): string {
  if (pattern.startsWith('*')) return `x${pattern.slice(1)}`;
  return pattern.endsWith('*') ? `${pattern.slice(0, -1)}x` : pattern;
}

/** Paths that the pattern matches, and what its author may have meant by a star that stands within it. */
export function pathsFor(pattern: string): string[] {
  const plain = /\{\*\*?\}/.test(pattern)
    ? pattern.replaceAll(/\{\*\*?\}/g, 'x')
    : textFor(pattern.replace(/([^/*])\*$/, '$1/*'));
  const path = plain.startsWith('/') ? plain : `/${plain}`;
  const meant = plain.includes('*') ? [path.replaceAll('*', 'x')] : [];
  const all = [path, ...meant];
  // To scenarios ${ begins a template, and in names of columns it cannot be written otherwise.
  return all.filter((each) => /^[\w\-.~!$&'()*+,;=:@%/]+$/.test(each) && !each.includes('${'));
}

/** A path that none of the patterns matches. */
export function otherPath(patterns: readonly string[]): string | undefined {
  if (patterns.length === 0) return '/';
  return ['/anything-else', '/'].find((path) => !patterns.some((pattern) => matchesPath(pattern, path)));
}
