/**
 * What a workload receives of a request: where a RequestAuthentication says what becomes of headers, no status code shows
 * it. Stand-ins tell it.
 */
import { valueAt, withClaim } from '../../policy/match/claims.ts';
import { isOfOthers } from '../../policy/rules.ts';
import { type JwtRule, jwtRulesOf, locationsOf } from '../../policy/token-locations.ts';
import { outputsOf } from '../../policy/token-outputs.ts';
import { absent } from '../../scenario/format/schema-answers.ts';
import { escapeTemplate } from '../../scenario/template.ts';
import type { KubeObject } from '../../target/target.ts';
import { issuerOf } from '../issuers.ts';
import { addTo, type Group } from './tried-requests.ts';
import { type Claims, derived, fixed, type TokenList, type TokenTry, textOf } from './tried-tokens.ts';
import type { Asking, Judged } from './tried-ways.ts';

/** What rules for tokens say of a request that passes. */
export interface Echo {
  /** In lower case, those alone that a stand-in can tell. */
  readonly headers: readonly string[];
  /** A token in the query stays there. */
  readonly path: boolean;
}

/** The expectation of a cell. */
export interface Received {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | { readonly matches: string }>>;
}

/** nginx passes over headers with other names. */
const tellable = /^[a-z0-9-]+$/i;

/** What a client writes into headers that only proxies are to write. */
export const spoofed = 'spoofed';

/** Whether nginx can write it between quotes in JSON: it escapes nothing. */
const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text) && !/["\\]/.test(text);

/** What a stand-in has to tell, so that it is seen whether these rules do what they say. */
export function toldBy(rules: readonly JwtRule[]): Echo {
  const names = namesIn(rules);
  return {
    headers: [...new Set(names.map((name) => name.toLowerCase()))].filter(canTell),
    path: rules.some(
      (rule) => rule.forwardOriginalToken === true && locationsOf(rule).some(({ kind }) => kind === 'param'),
    ),
  };
}

/** Why no check looks at a header that a policy writes or keeps, a line for each. */
export function untold(policy: KubeObject): string[] {
  return [...new Set(namesIn(jwtRulesOf(policy)))]
    .filter((name) => !canTell(name))
    .map((name) =>
      isOfOthers(name)
        ? `what becomes of the header ${name} is not looked at: clients and proxies write it themselves`
        : `what becomes of the header ${name} is not looked at: nginx, which stands in for your workloads, passes over headers whose names have more than letters, digits and dashes`,
    );
}

/**
 * For each issuer whose rules say something of headers a request that passes, with a token that has all that is written into
 * headers. The client sends headers of these names itself: what it writes must not come through.
 *
 * @param groups what else is tried on this way
 */
export function receivedGroups(asking: Asking, groups: readonly Group[], tokens: TokenList): Group[] {
  const telling = asking.rules().filter((rule) => isTelling(toldBy([rule])));
  const placed = asking.rules().flatMap((rule) => forwardedIn({ ...rule, forwardOriginalToken: true }));
  const outputs = telling
    .flatMap(outputsOf)
    .filter((name) => canTell(name) && !placed.some((each) => each.toLowerCase() === name.toLowerCase()));
  const found: Group[] = [];
  for (const home of new Set(telling.map(issuerOf))) {
    const base = passing(asking, groups, home, tokens);
    if (base === undefined) continue;
    const context = {
      ...base.context,
      headers: { ...base.context.headers, ...Object.fromEntries(outputs.map((name) => [name, spoofed])) },
      isTold: true,
    };
    const rules = telling.filter((rule) => issuerOf(rule) === home);
    const whole = withOutputs(base.token, rules);
    const isUsable = asking.ask(context, base.path, { ...base.valid, claims: whole }).code === 200;
    const claims = isUsable ? whole : base.token.claims;
    const token = tokens.take(derived(base.valid, claims, 'has what headers are made of'));
    const isOpen = asking.ask(context, base.path, undefined).code === 200;
    addTo(found, context, [base.path], [...(isOpen ? [undefined] : []), token]);
  }
  return found;
}

/**
 * What is expected of a request that passes.
 *
 * @param reference how the scenario names a part of the token, such as `.payload`, or all of it: ''
 * @returns undefined when there is nothing to expect, or the stand-in cannot tell it
 */
export function receivedIn(
  asking: Asking,
  { hops, code }: Judged,
  token: TokenTry | undefined,
  reference: (part: '' | '.payload') => string,
): Received | undefined {
  const told = toldBy(asking.rules());
  const answer = hops.at(-1)?.answer;
  if (code !== 200 || answer === undefined) return undefined;
  const text = token === undefined ? undefined : textOf(token);
  const [, payload] = text?.split('.') ?? [];
  const written = (value: string) => {
    if (text === undefined) return escapeTemplate(value);
    if (value === payload) return reference('.payload');
    return value.split(text).map(escapeTemplate).join(reference(''));
  };
  const valuesOf = (name: string) =>
    answer.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  if (!told.headers.flatMap(valuesOf).every(isPlain)) return undefined;
  const headers = told.headers.flatMap((name): [string, string | { matches: string }][] => {
    const [value, second] = valuesOf(name);
    // nginx joins several values, and nobody sees how many there were.
    if (second !== undefined) return [];
    if (value === undefined) return [[name, absent]];
    return [[name, value === absent ? { matches: absent } : written(value)]];
  });
  const isInQuery = told.path && text !== undefined && answer.path.includes(text);
  if (headers.length === 0 && !isInQuery) return undefined;
  return {
    ...(isInQuery ? { path: written(answer.path) } : {}),
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(headers) }),
  };
}

/** Whether rules say anything of what a workload receives. */
export function isTelling({ headers, path }: Echo): boolean {
  return headers.length > 0 || path;
}

function canTell(name: string): boolean {
  return tellable.test(name) && !isOfOthers(name);
}

/** Headers of which rules say something. */
function namesIn(rules: readonly JwtRule[]): string[] {
  return rules.flatMap((rule) => [...outputsOf(rule), ...forwardedIn(rule)]);
}

/** Headers in which a token stays that would be taken out otherwise. */
function forwardedIn(rule: JwtRule): string[] {
  if (rule.forwardOriginalToken !== true) return [];
  return locationsOf(rule).flatMap((location) => (location.kind === 'header' ? location.name : []));
}

/** The first request with a token of the issuer that passes, and whose answer has a body. */
function passing(asking: Asking, groups: readonly Group[], home: string, { valid }: TokenList) {
  const own = valid.find((each) => each.home === home);
  for (const { context, paths, tokens } of groups) {
    if (own === undefined || context.method === 'HEAD') continue;
    // What lets in a token of another issuer lets in one of this, as far as claims decide it.
    const like = tokens.map((each) => ({ ...own, claims: { ...each?.claims, ...own.claims } }));
    for (const token of [...tokens.filter((each) => each?.home === home), ...like])
      for (const path of paths)
        if (token !== undefined && asking.ask(context, path, token).code === 200)
          return { context, path, token, valid: own };
  }
  return undefined;
}

/** A token with a claim for each header that is made of one. */
function withOutputs({ claims }: TokenTry, rules: readonly JwtRule[]): Claims {
  const paths = rules.flatMap(({ outputClaimToHeaders = [] }) =>
    outputClaimToHeaders.map(({ claim }) => claim.split('.')),
  );
  return paths.reduce((all, path) => {
    const isThere = fixed.includes(path[0] ?? '') || valueAt(all, path) !== undefined;
    return isThere ? all : withClaim(all, path, `some ${path.at(-1)}`);
  }, claims);
}
