/**
 * What in policies is probably a mistake, whatever requests come: rules that can never decide, and values that can match
 * nothing or less than they seem to.
 */
import type { KubeObject, Survey } from '../../target/target.ts';
import { actionOf, type Rule, rulesOf } from '../rules.ts';
import { holdsFor, isDryRun, nameOf } from '../selection.ts';
import { jwtRulesOf } from '../token-locations.ts';
import { alternativesOf, type Constraint } from './constraints.ts';
import { doubtAbout } from './value-doubts.ts';

export interface Doubt {
  readonly policy: KubeObject;
  /** A whole sentence, with the rule counted from 1. */
  readonly text: string;
}

interface Access {
  readonly policy: KubeObject;
  readonly action: string;
  readonly rules: readonly Rule[];
  /** Names of the pods that it holds for. */
  readonly pods: ReadonlySet<string>;
}

/** @param survey with the policies among its objects; those that hold for no pod are passed over: others speak of them */
export function doubtsAbout(survey: Survey): Doubt[] {
  const podsOf = (object: KubeObject) =>
    survey.pods.filter((pod) => holdsFor(object, pod, survey.rootNamespace));
  const authentications = survey.objects.filter(({ kind }) => kind === 'RequestAuthentication');
  const accesses = survey.objects
    .filter((object) => object.kind === 'AuthorizationPolicy' && !isDryRun(object))
    .map((policy): Access => {
      const pods = new Set(podsOf(policy).map(({ namespace, name }) => `${namespace}/${name}`));
      return { policy, action: actionOf(policy), rules: rulesOf(policy), pods };
    })
    .filter(({ pods }) => pods.size > 0);
  return [
    ...authentications.flatMap(aboutPlaces),
    ...accesses.flatMap((access) => {
      const withTokens = podsOf(access.policy).filter((pod) =>
        authentications.some((each) => holdsFor(each, pod, survey.rootNamespace)),
      );
      return aboutAccess(access, accesses, withTokens.length > 0);
    }),
  ];
}

/** Without a prefix the whole value of the header is taken for a token, and `Bearer` is part of it. */
function aboutPlaces(policy: KubeObject): Doubt[] {
  return jwtRulesOf(policy).flatMap(({ fromHeaders = [] }, index) =>
    fromHeaders
      .filter(({ name, prefix = '' }) => name.toLowerCase() === 'authorization' && prefix === '')
      .map(() => ({
        policy,
        text: `rule ${index + 1} takes all of the header Authorization for a token, and "Bearer" in front of one is no part of it: write prefix: "Bearer "`,
      })),
  );
}

function aboutAccess(access: Access, all: readonly Access[], hasTokens: boolean): Doubt[] {
  const { policy, action, rules } = access;
  return rules.flatMap((rule, index): Doubt[] => {
    const about = (text: string): Doubt => ({ policy, text: `rule ${index + 1} ${text}` });
    const constraints = alternativesOf(rule).flat();
    const values = [...new Set(constraints.flatMap((each) => doubtfulValues(each, action)))];
    const never = whyNever(access, index, all) ?? whyNobody(constraints, hasTokens);
    return [...(never === undefined ? [] : [about(never)]), ...values.map(about)];
  });
}

/** Why a rule decides about no request at all. */
function whyNever(access: Access, index: number, all: readonly Access[]): string | undefined {
  const own = alternativesOf(access.rules[index] ?? {});
  const [contradiction] = own.map(contradictionOf).filter((each) => each !== undefined);
  if (contradiction !== undefined && own.every((each) => contradictionOf(each) !== undefined))
    return `can never match: ${contradiction} leave nothing of each other`;
  for (const other of all) {
    const denies = other.action === 'DENY' && access.action === 'ALLOW';
    if (other.action !== access.action && !denies) continue;
    if (![...access.pods].every((pod) => other.pods.has(pod))) continue;
    for (const [at, rule] of other.rules.entries()) {
      if (other === access && at === index) continue;
      const wide = alternativesOf(rule);
      const isCovered = (narrow: typeof own, by: typeof own) =>
        narrow.every((each) => by.some((one) => covers(one, each)));
      if (!isCovered(own, wide)) continue;
      // Of two that say the same, the one that comes later is too much.
      const isBefore = all.indexOf(other) - all.indexOf(access) || at - index;
      if (!denies && isBefore > 0 && isCovered(wide, own)) continue;
      const whose = other === access ? '' : ` of ${nameOf(other.policy)}`;
      return `never decides: rule ${at + 1}${whose} ${denies ? 'denies' : 'holds for'} every request that it holds for`;
    }
  }
  return undefined;
}

/** Whether all that the wide one demands follows from what the narrow one demands. Where that is not certain it does not. */
export function covers(wide: readonly Constraint[], narrow: readonly Constraint[]): boolean {
  return wide.every((wanted) =>
    narrow.some((given) => {
      if (given.key !== wanted.key || given.isNot !== wanted.isNot) return false;
      const [inner, outer] = given.isNot ? [wanted, given] : [given, wanted];
      return isWithin(inner, outer);
    }),
  );
}

/** The names of two constraints that nothing can satisfy together; undefined when there are none. */
export function contradictionOf(all: readonly Constraint[]): string | undefined {
  for (const wanted of all.filter(({ isNot }) => !isNot)) {
    const refused = all.find(
      ({ key, isNot, ...rest }) => isNot && key === wanted.key && isWithin(wanted, { key, isNot, ...rest }),
    );
    if (refused !== undefined) return `${wanted.name} and ${refused.name}`;
  }
  return undefined;
}

/** Every value of the one matches only what a value of the other matches as well. */
function isWithin(inner: Constraint, outer: Constraint): boolean {
  return inner.values.every((each) => outer.values.some((other) => contains(other, each, inner.key)));
}

function contains(wide: string, narrow: string, key: string): boolean {
  if (key === 'hosts') return contains(wide.toLowerCase(), narrow.toLowerCase(), '');
  if (wide === narrow) return true;
  // Of request principals, addresses and templates of paths only the same is certainly as wide.
  if (key === 'request.auth.principal') return wide === '*';
  if (/\.ip$/.test(key) || wide.includes('{')) return false;
  if (wide === '*') return narrow !== '';
  if (narrow === '*' || narrow.includes('{')) return false;
  if (wide.endsWith('*')) return !narrow.startsWith('*') && narrow.startsWith(wide.slice(0, -1));
  return wide.startsWith('*') && !narrow.endsWith('*') && narrow.endsWith(wide.slice(1));
}

const ofTokens = /^request\.auth\./;

function whyNobody(constraints: readonly Constraint[], hasTokens: boolean): string | undefined {
  const wanted = constraints.find(({ key }) => ofTokens.test(key));
  if (hasTokens || wanted === undefined) return undefined;
  return `looks at ${wanted.name}, and no RequestAuthentication holds for the workload: ${wanted.isNot ? 'without one it holds for every request' : 'without one it never matches'}`;
}

function doubtfulValues({ key, name, values, isNot }: Constraint, action: string): string[] {
  return values.flatMap((value) => {
    const doubt = doubtAbout(key, name, value);
    if (doubt !== undefined) return `has ${doubt.what}: ${doubt.why}`;
    const isBare =
      key === 'hosts' && !/[:*]/.test(value) && !values.some((each) => each.startsWith(`${value}:`));
    // To be let through less often than was meant is noticed; to be denied less often is not.
    return isBare && (action === 'DENY') !== isNot
      ? `has the host ${value}, and a client may also send ${value}:80: write ${value}:* as well`
      : [];
  });
}

/** For people: `AuthorizationPolicy foo/x: rule 1 never decides …`. */
export function doubtText({ policy, text }: Doubt): string {
  return `${nameOf(policy)}: ${text}`;
}
