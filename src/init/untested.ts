/** Rules of ALLOW policies that no request of the scenario matches: what they let in is not seen. */
import { isMatched, type Request } from './judge.ts';
import { isAccess, nameOf, type Policy, type Rule } from './policy.ts';
import { inline } from './text.ts';

/** A request, and the policies that it meets. */
export interface Tried {
  readonly request: Request;
  readonly policies: readonly Policy[];
}

type IsMet = (rule: Rule) => boolean;

/**
 * A line for each such rule, such as `no request here matches rule 2 of AuthorizationPolicy shop/orders: source namespaces
 * [admin]`. Rules are counted from 1.
 */
export function untestedRules(policies: readonly Policy[], tried: readonly Tried[]): string[] {
  return policies.filter(isAccess).flatMap((policy) => {
    if (policy.action !== 'ALLOW') return [];
    const own = tried.filter((each) => each.policies.includes(policy));
    const isMet: IsMet = (rule) => own.some((each) => isMatched(rule, each.request, each.policies));
    return policy.rules.flatMap((rule, index) =>
      isMet(rule)
        ? []
        : `no request here matches rule ${index + 1} of ${nameOf(policy.object)}: ${missingOf(rule, isMet)}`,
    );
  });
}

/** The parts of the rule that nothing matches, each taken by itself. */
function missingOf({ from = [], to = [], when = [] }: Rule, isMet: IsMet): string {
  const sources = from.map(({ source }) =>
    unmet('source', source, (part) => isMet({ from: [{ source: part }] })),
  );
  const operations = to.map(({ operation }) =>
    unmet('operation', operation, (part) => isMet({ to: [{ operation: part }] })),
  );
  const conditions = when
    .filter((condition) => !isMet({ when: [condition] }))
    .map(({ key, values, notValues }) => words(`condition ${key}`, { values, notValues }));
  // One source is enough, and one operation.
  const parts = [
    ...(sources.includes(undefined) ? [] : [sources.join(' or ')]),
    ...(operations.includes(undefined) ? [] : [operations.join(' or ')]),
    ...conditions,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'none has all that it asks for at once' : parts.join('; ');
}

type Lists = Readonly<Record<string, readonly string[] | undefined>>;

/** What of a source or an operation nothing matches; undefined when something matches all of it. */
function unmet<T extends Lists>(what: string, whole: T, test: (part: T) => boolean): string | undefined {
  if (test(whole)) return undefined;
  const missing = Object.entries(whole).filter(([name, values]) => !test({ [name]: values } as T));
  return words(what, missing.length === 0 ? whole : Object.fromEntries(missing));
}

/** `source namespaces [admin]`; in JSON what YAML has on several lines, because this ends up in a comment. */
function words(what: string, lists: Lists): string {
  const listed = Object.entries(lists).flatMap(([name, values]) =>
    values === undefined
      ? []
      : `${name} ${/\n/.test(inline(values)) ? JSON.stringify(values) : inline(values)}`,
  );
  return `${what} ${listed.join(', ')}`;
}
