/** One request for each class of requests that a scenario can send, the simplest first. */
import type { Verify } from '../../policy/authenticate.ts';
import { normalizedPath, pathAndQuery, withoutQuery } from '../../policy/match/path.ts';

import { meshWith } from '../../policy/read-mesh-config.ts';

import { holdsFor } from '../../policy/selection.ts';

import { type Location, locationsOf } from '../../policy/token-locations.ts';
import type { ModelStep } from '../../run/explain/predict.ts';
import type { KubeObject, Survey } from '../../target/target.ts';
import { atomsOf, type Field, type LookedAt, lookedAt, matches, valuesOf } from './atoms.ts';
import { type ClassRequest, requestOf } from './class-request.ts';
import { oneOfEach, pathsFor, textsFor } from './classes.ts';
import { combine } from './combine.ts';
import { type Carried, carriedTokens } from './token-classes.ts';
import { passed, type Way, waysOf } from './ways.ts';

export interface RequestClasses {
  readonly requests: readonly ClassRequest[];
  /** Why some classes may be missing; undefined: all are there. */
  readonly gap: string | undefined;
}

/** How many classes are tried for one mistake in one step. */
const mostRequests = 4000;
/** And how many when there are more, so that nothing is certain anyway. */
const fewRequests = 1000;

/** What a method can be (RFC 9110, 5.6.2): some write the path of a gRPC call for it, which nobody can send. */
const sendable = /^[!#$%&'*+.^_`|~\w-]+$/;

type Seen = Parameters<typeof matches>[1];

/** A part of a request, in which requests can differ. */
interface Part<T> {
  readonly values: readonly T[];
  /** How well a value fits the fields of a rule. */
  readonly score: (value: T, fields: readonly Field[]) => number;
}

/**
 * @param policies all of one step, as they are and with a mistake
 * @param changed the one that has the mistake, as it is and with it: requests that it holds for nowhere are left out
 * @param steps all of the scenario: their paths and methods come first
 * @param survey the mesh as it is in the step
 * @param verify what keys say about tokens of classes
 */
export function requestClasses(
  policies: readonly KubeObject[],
  changed: readonly KubeObject[],
  steps: readonly ModelStep[],
  survey: Survey,
  verify: Verify,
): RequestClasses {
  const { rootNamespace } = survey;
  const anyHost = [undefined, ...textsFor(valuesOf(lookedAt(policies).fields, 'host'))];
  const concerned = waysOf(steps, survey).flatMap((way) => {
    // Whatever its path and headers are, and the host, of which policies know some.
    const pods = anyHost.flatMap((host = way.host) => passed({ ...way, host }, survey));
    const isConcerned = changed.some((policy) => pods.some((pod) => holdsFor(policy, pod, rootNamespace)));
    return isConcerned ? [{ way, pods: new Set(pods) }] : [];
  });
  if (concerned.length === 0) return { requests: [], gap: undefined };
  const pods = [...new Set(concerned.flatMap((each) => [...each.pods]))];
  const seen = lookedAt(
    policies.filter((policy) => pods.some((pod) => holdsFor(policy, pod, rootNamespace))),
  );
  const isOfTokens = changed.some(({ kind }) => kind === 'RequestAuthentication');
  const ways: Part<Way> = { values: concerned.map(({ way }) => way), score: () => 0 };
  // One token has any claims that a second one could have, unless the next proxy looks at the second one.
  const withPairs = isOfTokens || ways.values.some((way) => passed(way, survey).length > 1);
  const { carried, isComplete: hasTokens } = carriedTokens(seen, withPairs, verify);
  const tokens: Part<Carried> = { values: carried, score: tokenScore };
  const asked = steps.flatMap((step) => step.asked.map(({ request }) => request));
  const { pathNormalization } = meshWith(survey.objects, survey.rootNamespace);
  const used = asked.map(({ url }) =>
    withoutQuery(normalizedPath(pathAndQuery(url), pathNormalization) ?? '/'),
  );
  const paths = part(seen, 'path', [...used, ...pathsFor(valuesOf(seen.fields, 'path'))], (path) => ({
    path,
  }));
  const methods = part(
    seen,
    'method',
    [
      ...asked.map(({ method }) => method),
      'GET',
      'POST',
      'PATCH',
      ...textsFor(valuesOf(seen.fields, 'method')),
    ].filter((method) => sendable.test(method)),
    (method) => ({ method }),
  );
  const hosts = part(seen, 'host', [undefined, ...textsFor(valuesOf(seen.fields, 'host'))], (host) =>
    host === undefined ? {} : { host },
  );
  const names = [...new Set(seen.fields.map(({ dimension }) => dimension))].flatMap((dimension) =>
    dimension.startsWith('header ') ? [dimension.slice('header '.length)] : [],
  );
  const headers = names.map((name) =>
    part(
      seen,
      `header ${name}`,
      [undefined, ...textsFor(valuesOf(seen.fields, `header ${name}`)), ''],
      (value) => ({ headers: value === undefined ? [] : [[name, value]] }),
    ),
  );
  const parts = [ways, tokens, paths, methods, hosts, ...headers] as readonly Part<unknown>[];
  const bases = seen.alternatives.map((fields) => parts.map((each) => best(each, fields)));
  const sizes = parts.map(({ values }) => values.length);
  const { combinations, isComplete } = combine(sizes, bases, mostRequests, fewRequests);
  const requests = combinations.map(([way = 0, token = 0, path = 0, method = 0, host = 0, ...rest]) =>
    requestOf(
      ways.values[way] as Way,
      carried[token] ?? [],
      methods.values[method] ?? 'GET',
      paths.values[path] ?? '/',
      [
        ...(hosts.values[host] === undefined ? [] : [['Host', hosts.values[host]] as const]),
        ...names.flatMap((name, at) => {
          const value = headers[at]?.values[rest[at] ?? 0];
          return value === undefined ? [] : [[name, value] as const];
        }),
      ],
    ),
  );
  return { requests, gap: gapOf(seen, names, survey, isComplete && hasTokens) };
}

/** One value for each class of a part. */
function part<T extends string | undefined>(
  { fields }: LookedAt,
  dimension: string,
  values: readonly T[],
  seenAs: (value: T) => Seen,
): Part<T> {
  const atoms = atomsOf(fields, dimension);
  return {
    // Without any host of its own a request has that of its address.
    values: oneOfEach(values, (value) =>
      JSON.stringify([
        dimension === 'host' && value === undefined,
        ...atoms.map((rule) => matches(rule, seenAs(value))),
      ]),
    ).slice(0, atoms.length === 0 ? 1 : undefined),
    score: (value, about) =>
      about.filter((field) => field.dimension === dimension && matches(field.rule, seenAs(value))).length,
  };
}

function tokenScore([first, second]: Carried, fields: readonly Field[]): number {
  // The first one alone fits as well.
  if (second !== undefined) return -1;
  const isGood = first === undefined || first.token.kind === 'good';
  const claims = isGood ? first?.token.claims : undefined;
  const about = fields.filter(({ dimension }) => dimension === 'principal' || dimension.startsWith('claim '));
  const fitting = about.filter(({ rule }) => matches(rule, claims === undefined ? {} : { claims }));
  return isGood ? fitting.length : -1;
}

function best({ values, score }: Part<unknown>, fields: readonly Field[]): number {
  const scores = values.map((value) => score(value, fields));
  return scores.reduce((found, each, at) => (each > (scores[found] ?? -1) ? at : found), 0);
}

/** What the classes leave out, in words. */
function gapOf(
  { fields, jwtRules }: LookedAt,
  headers: readonly string[],
  { objects }: Survey,
  isComplete: boolean,
): string | undefined {
  if (!isComplete) return `there are more than ${mostRequests} classes of requests, or of claims`;
  if (valuesOf(fields, 'path').some((path) => path.includes('{')))
    return 'which paths fit several templates at once is not worked out';
  const isRewritten = objects.some(
    ({ kind, spec }) => kind === 'VirtualService' && JSON.stringify(spec ?? {}).includes('"rewrite":'),
  );
  if (isRewritten && valuesOf(fields, 'path').length > 0) return 'a VirtualService rewrites paths';
  const places: Location[] = jwtRules.flatMap(locationsOf);
  const shared = places.find((place) => place.kind === 'header' && headers.includes(place.name));
  return shared === undefined ? undefined : 'a rule looks at the header that tokens are in';
}
