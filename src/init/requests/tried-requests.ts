/** What is tried on a way: for each rule a request that it matches, and the nearest that it does not. */

import type { RuleTrace } from '../../policy/input.ts';
import { matchesHost, matchesText } from '../../policy/match/patterns.ts';
import { missesOf } from '../../policy/reasons.ts';
import { isHeaderKnown, rulesOf } from '../../policy/rules.ts';
import { nameOf } from '../../policy/selection.ts';
import { issuerOf } from '../issuers.ts';
import { policiesAt } from '../places.ts';
import { type Client, clientFor } from '../senders.ts';
import { beforeRewrite } from '../write/carried-routes.ts';
import { claimsFor, derived, nearMisses, needsToken, type TokenList, type TokenTry } from './tried-tokens.ts';
import { type Asking, type Context, type Judged, ruleOf, usualRequest } from './tried-ways.ts';
import { type Alternative, alternativesOf, otherPath, pathsFor, pick, textFor } from './wanted.ts';

/** Requests that differ in path and token alone. */
export interface Group {
  readonly context: Context;
  readonly paths: string[];
  readonly tokens: (TokenTry | undefined)[];
}

/** That no rule names. */
export const otherHost = 'somewhere-else.example.com';

/** More would make a table that nobody reads. */
const mostPaths = 12;

/** @returns the usual requests first */
export function groupsOf(asking: Asking, tokens: TokenList): Group[] {
  const { way } = asking;
  if (way.isSpare) return [];
  const home = usualRequest(way);
  const issuers = new Set(asking.rules().map(issuerOf));
  const own = (list: readonly TokenTry[]) => list.filter((token) => issuers.has(token.home));
  // Where no issuer is known, a valid token shows that it is of no use.
  const valid = issuers.size > 0 ? own(tokens.valid) : tokens.valid.slice(0, 1);
  const groups: Group[] = [];
  const add = (context: Context, paths: readonly string[], more: readonly (TokenTry | undefined)[]) =>
    addTo(groups, context, paths, [undefined, ...valid, ...more]);
  const policies = asking.policies().filter((policy) => policy.kind === 'AuthorizationPolicy');
  const atGateway = way.gateway === undefined ? [] : policiesAt(way.gateway, policies);
  const alternatives = policies.flatMap((policy) =>
    rulesOf(policy).flatMap((rule, index) =>
      alternativesOf(rule).map((wanted) => ({ policy, index, wanted })),
    ),
  );
  const patterns = alternatives.flatMap(({ wanted: { of } }) => [
    ...(of.paths?.values ?? []),
    ...(of.paths?.notValues ?? []),
  ]);
  const other = pathsOn(asking, home, [otherPath(patterns) ?? '/']).slice(0, 1);
  const usual = pathsOn(asking, home, patterns.flatMap(pathsFor)).slice(0, mostPaths - 1);
  add(home, usual, []);
  for (const { policy, index, wanted } of alternatives) {
    const ruleFor = (judged: Judged) => ruleOf(judged.hops, policy, index);
    const client = clientFor(wanted, policy.metadata.namespace ?? 'default');
    const { context, path, token, misses } = trial(asking, home, wanted, valid, client, ruleFor);
    const name = `what rule ${index + 1} of ${nameOf(policy)} wants`;
    const chosen = token && tokens.take({ ...token, why: misses === 0 ? name : `the nearest to ${name}` });
    // Nearest misses of a workload's rules are tried where nothing is before it.
    const isBehind =
      way.gateway !== undefined && !atGateway.includes(policy) && wanted.of.hosts?.values.length === 0;
    const near = (chosen === undefined || isBehind ? [] : nearTokens(wanted, chosen, valid)).flatMap(
      (tries) => {
        const miss = tries.find((each) => ruleFor(asking.ask(context, path, each))?.matched === false);
        return miss === undefined ? [] : tokens.take({ ...miss, why: `nearly ${name}` });
      },
    );
    add(home, [], [chosen, ...near]);
    if (JSON.stringify(context) === JSON.stringify(home)) add(home, [path], []);
    else add(context, [path, ...other], [chosen, ...near]);
    // A port that a client writes is part of the host.
    const { host } = context;
    if (misses > 0 || host === undefined || (wanted.of.hosts?.values ?? []).length === 0) continue;
    if (way.isOwnRoute) add({ ...home, host: otherHost }, [usual[0] ?? path], [chosen]);
    if (!host.includes(':')) add({ ...context, host: `${host}:8443` }, [path], [chosen]);
  }
  add(home, other, own(tokens.wrong));
  return groups.filter(({ paths }) => paths.length > 0);
}

export function groupWith(groups: readonly Group[], context: Context): Group | undefined {
  const key = JSON.stringify(context);
  return groups.find((each) => JSON.stringify(each.context) === key);
}

/** Adds what is not there yet to the group with this context, or to one of its own. */
export function addTo(
  groups: Group[],
  context: Context,
  paths: readonly string[],
  tokens: readonly (TokenTry | undefined)[],
): void {
  const group = groupWith(groups, context) ?? { context, paths: [], tokens: [] };
  if (!groups.includes(group)) groups.push(group);
  for (const path of paths) if (!group.paths.includes(path)) group.paths.push(path);
  for (const token of tokens) if (!group.tokens.includes(token)) group.tokens.push(token);
}

/** Paths that lead to the place, also those that a rewrite makes into one that is wanted. */
function pathsOn(asking: Asking, context: Context, paths: readonly string[]): string[] {
  const all = paths.flatMap((path) => [
    path,
    ...beforeRewrite(path, asking.way.isOwnRoute ? [] : asking.way.routes),
  ]);
  return [...new Set(all)].filter((path) => asking.arrives(context, path));
}

interface Tried {
  readonly context: Context;
  readonly path: string;
  readonly token: TokenTry | undefined;
  /** How many things the rule wants otherwise; 0: it matches. */
  readonly misses: number;
}

/** The first request that the rule matches, or else the nearest that was tried. */
function trial(
  asking: Asking,
  home: Context,
  wanted: Alternative,
  valid: readonly TokenTry[],
  client: Client | undefined,
  ruleFor: (judged: Judged) => RuleTrace | undefined,
): Tried {
  const own = valid.flatMap((each) => tokenFor(wanted, each) ?? []);
  const tokens = needsToken(wanted) ? own : [undefined, ...own];
  const { values = [], notValues = [] } = wanted.of.paths ?? {};
  const candidates = [...values.flatMap(pathsFor), '/', otherPath(notValues) ?? '/'];
  let nearest: Tried = { context: home, path: '/', token: tokens[0], misses: Number.POSITIVE_INFINITY };
  for (const context of contextsFor(asking, home, wanted, client)) {
    for (const path of pathsOn(asking, context, candidates)) {
      for (const token of tokens) {
        const misses = missesOf(ruleFor(asking.ask(context, path, token)));
        if (misses < nearest.misses) nearest = { context, path, token, misses };
        if (misses === 0) return nearest;
      }
    }
  }
  return nearest;
}

function tokenFor(wanted: Alternative, valid: TokenTry): TokenTry | undefined {
  const claims = claimsFor(wanted, valid);
  if (claims === undefined) return undefined;
  return JSON.stringify(claims) === JSON.stringify(valid.claims) ? valid : derived(valid, claims, '');
}

/** First as little as possible differs from the usual. */
function contextsFor(
  { way }: Asking,
  home: Context,
  { of, headers }: Alternative,
  client: Client | undefined,
): Context[] {
  const none = { values: [], notValues: [] };
  const methods = [
    ...(of.methods?.values ?? []).map((each) => textFor(each).toUpperCase()),
    'GET',
    'POST',
    'PUT',
  ];
  const usable = methods.filter((each) => /^[A-Z]+$/.test(each) && !['CONNECT', 'TRACE'].includes(each));
  const method = pick(of.methods ?? none, [home.method, ...usable], matchesText) ?? home.method;
  const address = way.addresses.find(
    ({ targetPort }) =>
      pick(of.ports ?? none, [String(targetPort)], (one, two) => Number(one) === Number(two)) !== undefined,
  );
  const host =
    home.host === undefined
      ? undefined
      : (pick(of.hosts ?? none, [home.host, ...(of.hosts?.values ?? []).map(hostFor)], matchesHost) ??
        home.host);
  const extra = headers.flatMap(({ name, values, notValues }): [string, string][] => {
    const value =
      values.length === 0 ? undefined : pick({ values, notValues }, values.map(textFor), matchesText);
    return value === undefined || !isHeaderKnown(name, true) || !/^[\x20-\x7e]*$/.test(value)
      ? []
      : [[name, value]];
  });
  const context = {
    ...home,
    method,
    host,
    url: address?.url ?? home.url,
    headers: Object.fromEntries(extra),
  };
  return client === undefined || way.gateway !== undefined ? [context] : [context, { ...context, client }];
}

export function hostFor(pattern: string): string {
  return textFor(pattern).toLowerCase().replace(/^\./, 'x.').replace(/:x$/, ':8443');
}

/** For each thing that the rule wants of a token those that are otherwise in it alone, the nearest first. */
function nearTokens(
  wanted: Alternative,
  { claims, home }: TokenTry,
  valid: readonly TokenTry[],
): TokenTry[][] {
  const base = valid.find((each) => each.home === home);
  if (base === undefined) return [];
  return nearMisses(wanted, claims).map((candidates) => candidates.map((each) => derived(base, each, '')));
}
