/** Why an answer is as it is, for people: a line for each policy that could have decided, the nearest miss first. */
import { nameOfKey } from '../base/names.ts';
import { hintOf } from './hints.ts';
import type { Answer, FieldTrace, PolicyTrace, RuleTrace } from './input.ts';

export function reasonsOf(answer: Answer): string[] {
  // A token that is refused is the end: nobody has asked the other policies.
  const isRefused = answer.decidedBy === 'RequestAuthentication';
  return [...new Set([...tokenReasons(answer), ...(isRefused ? [] : policyReasons(answer))])];
}

/** What each rule of a RequestAuthentication made of the request. */
export function tokenReasons({ tokens }: Answer): string[] {
  return tokens.map(({ policy, issuer, places, place, status, note }) => {
    const more = note === undefined ? '' : `: ${note}`;
    const name = nameOfKey({ kind: 'RequestAuthentication', ...policy });
    const whose = issuer === '' ? 'of any issuer' : `of ${issuer}`;
    if (place === undefined) return `${name}: no token ${whose} was seen in ${places.join(' or ')}${more}`;
    if (status === 'Ok') return `${name}: the token ${whose} in ${place} is good`;
    const rule = `its rule ${whose.replace(/^of/, 'for')}`;
    if (status === 'unknown')
      return `${name}: whether ${rule} takes the token in ${place} is not known here${more}`;
    return `${name}: the token in ${place} is refused by ${rule}: ${status}${more}`;
  });
}

/** Those in force; what only records what it would do decides nothing. */
export function policyReasons({ policies }: Answer): string[] {
  const inForce = policies.filter(({ dryRun, action }) => dryRun !== true && action !== 'AUDIT');
  return inForce
    .map((policy) => ({ policy, nearest: nearestOf(policy) }))
    .sort((a, b) => missesOf(a.nearest[0]) - missesOf(b.nearest[0]))
    .flatMap(({ policy, nearest }) => {
      const others = inForce.filter((each) => each !== policy && each.action === 'ALLOW');
      const isOneOf = policy.action === 'ALLOW' && others.some(({ matched }) => matched !== true);
      return nearest.length === 0
        ? lineOf(policy, undefined, isOneOf)
        : nearest.map((rule) => lineOf(policy, rule, isOneOf));
    });
}

/** The first rule that holds, or those of which the fewest fields do not. */
function nearestOf({ rules }: PolicyTrace): readonly RuleTrace[] {
  const fewest = Math.min(...rules.map(missesOf));
  const nearest = rules.filter((rule) => missesOf(rule) === fewest);
  return fewest === 0 ? nearest.slice(0, 1) : nearest;
}

/** How many fields of a rule do not hold; more than any number where there is no rule. */
export function missesOf(rule: RuleTrace | undefined): number {
  if (rule === undefined) return Number.POSITIVE_INFINITY;
  return rule.matched === true
    ? 0
    : Math.max(1, rule.fields.filter(({ matched }) => matched !== true).length);
}

/** @param isOneOf there are other ALLOW policies, of which one does not match */
function lineOf(policy: PolicyTrace, rule: RuleTrace | undefined, isOneOf: boolean): string {
  const { namespace, action, scope } = policy;
  const reach = {
    mesh: ', for every workload of the mesh',
    namespace: `, for every workload of namespace ${namespace}`,
  };
  const head = `${nameOfKey(policy)} (${action}${scope === undefined ? '' : reach[scope]})`;
  if (rule === undefined) return `${head} has no rules, so it matches nothing`;
  const number = `rule ${rule.index + 1}`;
  if (rule.matched === true) {
    const others = policy.rules.filter((each) => each !== rule && each.matched !== true).length;
    const what = others > 0 && action === 'ALLOW' ? 'its rules' : isOneOf ? 'ALLOW policies' : undefined;
    const alternative =
      what === undefined ? '' : `; ${what} are alternatives, so what another one wants is not needed`;
    const why = rule.fields.filter(({ matched }) => matched === true).map(fieldText);
    return `${head}: ${number} matches${why.length === 0 ? ', as it does everything' : `: ${why.join('; ')}`}${alternative}`;
  }
  const verb = rule.matched === undefined ? 'may match' : 'does not match';
  return `${head}: ${number} ${verb}: ${ruleText(rule)}`;
}

/** What of a rule does not match: what it wants, and what the request has. */
export function ruleText({ fields }: RuleTrace): string {
  const misses = fields.filter(({ matched }) => matched !== true).map(fieldText);
  return [...new Set(misses)].join('; ');
}

/** `wants request.auth.claims[role] = admin; the token has user`. */
function fieldText({ field, wants, has, note, matched }: FieldTrace): string {
  const isNot = /\bnot[A-Z]\w*$/.test(field);
  const plain = field.replace(/^(?:from|to)\[\d+\]\.(?:source|operation)\./, '').replace(/^when\[\d+\] /, '');
  const what = plain.replace(/\.(?:notV|v)alues$/, '');
  const wanted = `${isNot && plain !== what ? 'not ' : ''}${what} = ${wants.join(' or ')}`;
  const known = has === undefined ? (note ?? 'the request has none') : `the request has ${has}`;
  const more = has !== undefined && note !== undefined ? ` (${note})` : '';
  const hint = matched === false && !isNot ? hintOf(what, wants, has) : undefined;
  return `wants ${wanted}; ${known}${more}${hint === undefined ? '' : `; ${hint}`}`;
}
