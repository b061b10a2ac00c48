/** What a reader of a scenario may overlook: rules that nothing matches, doors that are open, ways that are closed. */

import { nameOfKey } from '../../base/names.ts';
import type { Answer, RuleTrace } from '../../policy/input.ts';
import { missesOf, policyReasons, ruleText } from '../../policy/reasons.ts';
import { actionOf, rulesOf } from '../../policy/rules.ts';
import { isDryRun, nameOf } from '../../policy/selection.ts';
import { decidingOf, type Hop } from '../../run/explain/hops.ts';
import type { KubeObject } from '../../target/target.ts';
import type { TokenTry } from './tried-tokens.ts';
import { hopOf, type Judged, ruleOf, type Way } from './tried-ways.ts';

/** A request, and what the model says about it. */
export interface Told {
  readonly way: Way;
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined;
  readonly token: TokenTry | undefined;
  readonly judged: Judged;
}

/** A line for each rule that no request matches, or none of a way through a gateway. Rules are counted from 1. */
export function idleRules(policies: readonly KubeObject[], told: readonly Told[]): string[] {
  return policies.flatMap((policy) => {
    const [action, rules] = [actionOf(policy), rulesOf(policy)];
    if (policy.kind !== 'AuthorizationPolicy' || isDryRun(policy) || !['ALLOW', 'DENY'].includes(action))
      return [];
    const what = action === 'DENY' ? 'denies nothing' : 'lets nobody in';
    if (rules.length === 0) return [`${nameOf(policy)} (${action}) has no rules, so by itself it ${what}`];
    return rules.flatMap((_, index) => {
      const traced = told.flatMap(({ way, judged }): Traced[] => {
        const rule = ruleOf(judged.whole, policy, index);
        const isMet = ruleOf(judged.hops, policy, index)?.matched === true;
        const notes = hopOf(judged.whole, policy)?.notes ?? [];
        return rule === undefined ? [] : [{ way, rule, isMet, notes }];
      });
      const name = `rule ${index + 1} of ${nameOf(policy)} (${action})`;
      const isMet = (list: readonly Traced[]) => list.some((each) => each.isMet);
      if (traced.length === 0) return [];
      if (!isMet(traced)) {
        const isOpen = traced.some(({ rule }) => rule.matched !== false);
        return [`${name} ${isOpen ? 'is not tried' : what} here: ${whyNot(traced)}`];
      }
      return [...new Set(traced.map(({ way }) => way))].flatMap((way) => {
        const own = traced.filter((each) => each.way === way);
        return way.gateway === undefined || isMet(own) ? [] : [`${name} ${what} ${way.name}: ${whyNot(own)}`];
      });
    });
  });
}

interface Traced {
  readonly way: Way;
  readonly rule: RuleTrace;
  /** In the scenario it matches. */
  readonly isMet: boolean;
  /** What was done to the request before. */
  readonly notes: readonly string[];
}

/** By the nearest miss, and of several that which has something to compare. */
function whyNot(traced: readonly Traced[]): string {
  const bare = ({ rule }: Traced) =>
    rule.fields.filter(({ matched, has }) => matched !== true && has === undefined).length;
  const [nearest] = [...traced].sort(
    (one, other) =>
      missesOf(one.rule) - missesOf(other.rule) ||
      other.notes.length - one.notes.length ||
      bare(one) - bare(other),
  );
  return nearest === undefined ? '' : [...new Set([...nearest.notes, ruleText(nearest.rule)])].join('; ');
}

/** Where a port that a client has written after the host makes a difference. */
export function portsInHosts(told: readonly Told[]): string[] {
  const lines = told.flatMap(({ way, host = '', method, path, token, judged }) => {
    const plain = host.replace(/:\d+$/, '');
    const same = told.find(
      (each) =>
        each.way === way &&
        each.host === plain &&
        each.method === method &&
        each.path === path &&
        each.token === token,
    );
    if (plain === host || same === undefined || same.judged.code === judged.code) return [];
    return [
      `with host ${host} the answer is ${judged.code} instead of ${same.judged.code} ${way.name}: the port is a part of the host, for which rules have to name ${plain}:* as well`,
    ];
  });
  return [...new Set(lines)];
}

/** What passes although there is no token, where tokens are looked at; and ways on which nothing passes. */
export function doors(told: readonly Told[]): string[] {
  const ways = [...new Set(told.map(({ way }) => way))];
  return ways.flatMap((way) => {
    const own = told.filter((each) => each.way === way);
    const looksAtTokens = own.some(({ judged }) =>
      judged.hops.some(({ answer }) => answer.tokens.length > 0),
    );
    const passing = own.filter(({ judged }) => judged.code === 200);
    if (passing.length === 0) return [`nothing passes ${way.name}: ${whyClosed(own)}`];
    const open = passing.filter(({ token }) => token === undefined);
    if (!looksAtTokens || open.length === 0) return [];
    const byWhy = new Map<string, Told[]>();
    for (const each of open) byWhy.set(keyOf(each), [...(byWhy.get(keyOf(each)) ?? []), each]);
    return [...byWhy.values()].flatMap((same) => {
      const [first] = same;
      const what = new Set(
        same.map(
          ({ method, path, host }) => `${method} ${path}${host?.includes(':') ? ` with host ${host}` : ''}`,
        ),
      );
      return first === undefined
        ? []
        : [
            `without a token ${[...what].join(', ')} ${what.size === 1 ? 'passes' : 'pass'} ${way.name}: ${whyOpen(first)}`,
          ];
    });
  });
}

/** The same for requests that pass for the same reason, whatever their path is. */
function keyOf({ judged, host }: Told): string {
  return JSON.stringify([
    host?.includes(':'),
    judged.hops.map(({ notes, answer }) => [
      notes.length,
      answer.policies.map((policy) => [
        nameOfKey(policy),
        policy.rules.map(({ fields }) => fields.map(({ field, matched }) => [field, matched])),
      ]),
    ]),
  ]);
}

/** What is said about the request that was nearest to pass. */
function whyClosed(told: readonly Told[]): string {
  const hops = told
    .filter(({ judged }) => judged.code === 403)
    .flatMap(({ judged }) => decidingOf(judged.hops) ?? [])
    .sort((one, other) => nearestIn(one) - nearestIn(other) || other.notes.length - one.notes.length);
  const reasons =
    hops[0] === undefined ? [] : [...hops[0].notes, ...policyReasons(deciding(hops[0].answer)).slice(0, 1)];
  return reasons.length === 0 ? 'every token is refused' : [...new Set(reasons)].join('; ');
}

/** The answer with the policies alone that refused the request: the DENY policy that matched, or else those with ALLOW. */
function deciding(answer: Answer): Answer {
  const denying = answer.policies.filter((policy) => nameOfKey(policy) === answer.decidedBy);
  const policies = denying.length > 0 ? denying : answer.policies.filter(({ action }) => action === 'ALLOW');
  return { ...answer, policies };
}

/** How many things the nearest rule wants otherwise. */
function nearestIn({ answer }: Hop): number {
  const rules = answer.policies.filter(({ action }) => action === 'ALLOW').flatMap((policy) => policy.rules);
  return Math.min(Number.MAX_SAFE_INTEGER, ...rules.map(missesOf));
}

function whyOpen({ judged }: Told): string {
  const rules = judged.hops.flatMap(({ answer }) =>
    answer.policies.flatMap(({ kind, namespace, name, action, dryRun, rules: all }) => {
      const rule = all.find(({ matched }) => matched === true);
      if (action !== 'ALLOW' || dryRun === true || rule === undefined) return [];
      return [`rule ${rule.index + 1} of ${kind} ${namespace}/${name} asks for none`];
    }),
  );
  if (rules.length > 0) return [...new Set(rules)].join(', ');
  const denies = judged.hops.flatMap(({ notes, answer }) => {
    const reasons = policyReasons(answer);
    return reasons.length === 0 ? [] : [...notes, ...reasons];
  });
  return denies.length === 0
    ? 'no AuthorizationPolicy asks for one'
    : `no DENY rule matches: ${[...new Set(denies)].join('; ')}`;
}

/** Policies that only record what they would do. */
export function dryRuns(policies: readonly KubeObject[]): string[] {
  return policies.filter(isDryRun).map((policy) => `${nameOf(policy)} is a dry run: it decides nothing`);
}
