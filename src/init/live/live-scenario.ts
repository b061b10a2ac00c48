/** A scenario for a mesh that others use, which is only looked at: Services, pods and policies that are there. */
import { basename, extname } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { shellQuote } from '../../base/names.ts';
import { rulesOf } from '../../policy/rules.ts';
import { nameOf, policyKinds } from '../../policy/selection.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import type { KubeObject, Survey } from '../../target/target.ts';
import { type IssuerPlan, issuersOf, stranger } from '../issuers.ts';
import { dnsName } from '../places.ts';
import { isTelling, toldBy } from '../requests/echoed.ts';
import { type Claims, claimsFor, needsToken, type TokenTry } from '../requests/tried-tokens.ts';
import { Asking, usualRequest } from '../requests/tried-ways.ts';
import { alternativesOf, otherPath, pathsFor } from '../requests/wanted.ts';
import { type Step, stepsFor } from '../write/tables.ts';
import { commented, section, unknownIn, type Written } from '../write/write.ts';
import { escaped, inline } from '../write/yaml-text.ts';
import { liveWays } from './live-ways.ts';
import { type OwnTokens, ownTokens } from './own-tokens.ts';

/** Columns of a table: requests are real ones. */
const mostPaths = 8;

/**
 * @param survey the mesh as it is
 * @param namespace only Services and policies of this one, and policies of the root namespace
 * @param where what was read, in words
 * @param file under which it is going to be saved
 * @param env variables of the environment, of which those that scenarios may read count
 * @throws HarnessError E_USAGE when there is nothing that can be asked
 */
export function liveScenario(
  survey: Survey,
  namespace: string | undefined,
  where: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): Written {
  const policies = survey.objects.filter(
    ({ kind, metadata }) =>
      policyKinds.includes(kind) &&
      (namespace === undefined ||
        [namespace, survey.rootNamespace].includes(metadata.namespace ?? 'default')),
  );
  const { ways, notes: ofWays } = liveWays(survey, namespace);
  const askings = ways.map((way) => new Asking(way, survey));
  const issuers = issuersOf(askings.flatMap((asking) => asking.policies()));
  const alternatives = policies.flatMap(rulesOf).flatMap(alternativesOf).filter(needsToken);
  const wanted = (issuer: IssuerPlan, claims: Claims): Claims => {
    const valid = { name: '', issuer, home: issuer.issuer, claims, isInvalid: false, spec: {} };
    const possible = alternatives.map((each) => claimsFor(each, valid));
    return possible.find((each) => each !== undefined) ?? claims;
  };
  const own = ownTokens(issuers, policies, wanted, env);
  const steps = askings.flatMap((asking) => stepsOf(asking, own.tokens)).filter(({ checks }) => checks > 0);
  if (steps.length === 0) {
    throw new HarnessError('E_USAGE', `there is nothing in ${where} that a live scenario could ask`, {
      hint: 'It takes RequestAuthentications or AuthorizationPolicies, and a Service with an HTTP port whose pods have a sidecar and that they hold for.',
      details: ofWays.join('\n'),
    });
  }
  const sent = new Set(steps.flatMap((step) => step.tokens));
  const tokens = own.tokens.filter((token) => sent.has(token) || isExtended(token, sent));
  const notes = [...ofWays, ...own.notes, ...unknownIn(steps), ...unseen(policies)];
  const text = [
    ...commented(header(where, file, notes)),
    `name: ${dnsName(namespace ?? 'mesh')}-${dnsName(basename(file, extname(file)))}`,
    `title: ${inline(`Who gets in on the mesh of ${where}, as it is`)}`,
    'live: true',
    ...issuerLines(issuers, own, tokens),
    ...(tokens.length === 0
      ? []
      : ['tokens:', ...tokens.map(({ name, spec }) => `  ${inline(name)}: ${inline(spec)}`)]),
    'steps:',
    ...steps.flatMap(({ name, lines }) => [
      `  - name: ${inline(name)}`,
      ...lines.map((line) => `    ${line}`),
    ]),
  ].join('\n');
  const checks = steps.reduce((sum, step) => sum + step.checks, 0);
  return { text: `${text}\n`, policies: policies.length, checks, notes };
}

/** An application of others may tell what it received, and nobody here knows that. */
function unseen(policies: readonly KubeObject[]): string[] {
  const telling = policies.filter((policy) => isTelling(toldBy(jwtRulesOf(policy))));
  return telling.length === 0
    ? []
    : [
        `what ${telling.map(nameOf).join(', ')} does to headers is not looked at: where your application tells what it received, expect it with "received"`,
      ];
}

function isExtended({ name }: TokenTry, sent: ReadonlySet<TokenTry>): boolean {
  return [...sent].some(({ spec }) => spec.extends === name);
}

/** One table of GET requests: they are real, and sent several times. */
function stepsOf(asking: Asking, tokens: readonly TokenTry[]): Step[] {
  const patterns = asking
    .policies()
    .flatMap(rulesOf)
    .flatMap(alternativesOf)
    .flatMap(({ of }) => [...(of.paths?.values ?? []), ...(of.paths?.notValues ?? [])]);
  const paths = [
    ...new Set([...patterns.flatMap(pathsFor).slice(0, mostPaths - 1), otherPath(patterns) ?? '/']),
  ];
  const context = usualRequest(asking.way);
  const homes = new Set(issuersOf(asking.policies()).map(({ issuer }) => issuer));
  const own = tokens.filter(({ home }) => homes.has(home));
  return stepsFor(asking, { context, paths, tokens: [undefined, ...own] }, 'as it is,');
}

function issuerLines(
  issuers: readonly IssuerPlan[],
  { kids }: OwnTokens,
  tokens: readonly TokenTry[],
): string[] {
  const made = new Set(tokens.flatMap(({ issuer, spec }) => (spec.raw === undefined ? [issuer.name] : [])));
  const all = [...issuers, stranger].filter(({ name }) => made.has(name));
  if (all.length === 0) return [];
  return [
    '# Nobody but your issuers can sign for them: what the run signs is forged, and must not get in.',
    'issuers:',
    ...all.map(({ name, issuer, algorithm }) => {
      const kid = kids.get(name);
      const spec = escaped({
        issuer,
        ...(name === stranger.name ? {} : { algorithm }),
        ...(kid === undefined ? {} : { kid }),
      });
      return `  ${name}: ${inline(spec)}`;
    }),
  ];
}

function header(where: string, file: string, notes: readonly string[]): string[] {
  return [
    `Written by "jwt-e2e init --live" from what is in ${where}. Nothing there was changed.`,
    '',
    'It applies nothing. It sends GET requests to services that others use, several times each, and expects what the',
    'policies say. Where they let a request pass, your application answers: 200 stands for that, and is to be replaced by what',
    'it really answers to this path. Then:',
    '',
    `  jwt-e2e lint ${shellQuote(file)}`,
    `  jwt-e2e run ${shellQuote(file)} --live --context CONTEXT`,
    '',
    'What can stand in it, and what the user may do: docs/live.md.',
    ...section('Look at this', notes),
  ];
}
