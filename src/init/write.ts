/** The scenario as text: what stands in it follows from the plan, what it is for stands in its comments. */
import { basename, extname } from 'node:path';
import { carried } from './carry.ts';
import { type IssuerPlan, issuersOf, uniqueName } from './issuers.ts';
import { dnsName, type Place } from './places.ts';
import { ownNamespace, type Plan } from './plan.ts';
import { isRequest, type Policy } from './policy.ts';
import { hostFor } from './requests.ts';
import { gatewayRoute, items, standIns } from './stand-in.ts';
import { type Arrival, after, before, type Exchange, elsewhere } from './tables.ts';
import { inline } from './text.ts';
import { strangerIssuer, strangerName } from './tokens.ts';
import { untestedRules } from './untested.ts';

export interface Written {
  readonly text: string;
  readonly policies: number;
  readonly checks: number;
  /** Rules that no request of it matches, a line each. */
  readonly untested: readonly string[];
}

/**
 * @param where what the policies were read from, in words
 * @param file under which it is going to be saved, for the commands in its comments
 */
export function writeScenario(plan: Plan, where: string, file: string): Written {
  const all = [...plan.gateway, ...plan.policies];
  const issuers = issuersOf(all);
  const steps = [...gatewaySteps(plan, issuers), ...workloadSteps(plan, issuers)];
  const subject = plan.namespace === undefined ? 'the ingress gateway' : `namespace ${plan.namespace}`;
  const sent = new Set(steps.flatMap((step) => step.tokens));
  // The first one of an issuer is what the others extend.
  const tokens = issuers.flatMap((issuer) =>
    issuer.tokens.filter(
      (token, index) => sent.has(token) || (index === 0 && issuer.tokens.some((each) => sent.has(each))),
    ),
  );
  const hasStranger = tokens.some(({ issuer }) => issuer === strangerIssuer);
  const untested = untestedRules(
    all,
    steps.flatMap((step) => step.tried),
  );
  const text = [
    ...header(plan, all, where, file, untested).map((line) => (line === '' ? '#' : `# ${line}`)),
    // No two files of a folder have the same.
    `name: ${dnsName(plan.namespace ?? 'gateway')}-${dnsName(basename(file, extname(file)))}`,
    `title: ${inline(`Policies of ${subject} let in whom they should`)}`,
    `source: ${inline({ document: `Policies of ${subject}`, section: where })}`,
    'apps: [sleep]',
    ...(issuers.length === 0
      ? []
      : [
          '# Keys are made by the run. Nobody but you can sign for yours.',
          'issuers:',
          ...issuers.map(({ name, issuer, algorithm }) => `  ${name}: ${inline({ issuer, algorithm })}`),
          ...(hasStranger ? [`  ${strangerName}: ${inline({ issuer: strangerIssuer })}`] : []),
        ]),
    ...(tokens.length === 0
      ? []
      : ['tokens:', ...tokens.map(({ name, spec }) => `  ${inline(name)}: ${inline(spec)}`)]),
    'steps:',
    ...steps.map(({ lines }) => lines.join('\n')),
  ].join('\n');
  const checks = steps.reduce((sum, step) => sum + step.checks, 0);
  return { text: `${text}\n`, policies: all.length, checks, untested };
}

function header(
  plan: Plan,
  policies: readonly Policy[],
  where: string,
  file: string,
  untested: readonly string[],
): string[] {
  const stranded = plan.places.filter((place) => !place.policies.some(isRequest));
  const unknown = plan.places.filter(({ isUnknown }) => isUnknown);
  return [
    `Written by "jwt-e2e init" from ${policies.length} ${policies.length === 1 ? 'policy' : 'policies'} in ${where}.`,
    '',
    'It runs on a mesh of its own. There, servers that answer 200 to everything stand in for your workloads, in',
    `namespace ${ownNamespace}, with the labels that your policies select by. Your issuers have keys that the run makes, because`,
    'only you can sign with yours. Look at what is expected, above all where "check this" stands. Then:',
    '',
    `  jwt-e2e lint ${file}`,
    `  jwt-e2e run ${file}`,
    '',
    'What can stand in it: docs/writing-scenarios.md. Change an expected code, and see the check fail.',
    ...(plan.gateway.length === 0
      ? []
      : [
          '',
          'On an existing cluster it changes the ingress gateway that others use, too: see docs/cluster-rbac.md.',
        ]),
    ...(plan.leftOut.length === 0
      ? []
      : ['', 'Left out:', ...plan.leftOut.map(({ what, why }) => `  ${what}: ${why}.`)]),
    ...(untested.length === 0 ? [] : ['', ...untested]),
    ...(stranded.length === 0
      ? []
      : [
          '',
          `No RequestAuthentication is for ${names(stranded)}: nobody has a principal there, whatever the token.`,
        ]),
    ...(unknown.length === 0
      ? []
      : [
          '',
          `Policies select ${names(unknown)} by labels that none of your workloads has: is the selector right?`,
        ]),
  ];
}

function names(places: readonly Place[]): string {
  return places.map(({ name }) => name).join(', ');
}

type Step = Pick<Exchange, 'lines' | 'checks' | 'tokens' | 'tried'>;

/** The gateway is tried first: a token that it has accepted is not handed on, and policies behind it would miss it. */
function gatewaySteps({ gateway, places }: Plan, issuers: readonly IssuerPlan[]): Step[] {
  if (gateway.length === 0) return [];
  const behind: Place = {
    name: uniqueName(
      'behind-gateway',
      places.map(({ name }) => name),
    ),
    labels: { app: 'behind-gateway' },
    policies: [],
    workloads: [],
    isUnknown: false,
    port: 8080,
  };
  const arrival: Arrival = { name: 'ingress gateway', policies: gateway, port: undefined, isGateway: true };
  const own = issuers.filter(({ issuer }) => knows(gateway, issuer));
  const [first, ...others] = [...after(arrival, own), ...elsewhere(arrival, own)];
  return [
    step(before(arrival, own), [...standIns([behind]), ...gatewayRoute(behind, hostFor(gateway))]),
    ...(first === undefined ? [] : [step(first, manifests(gateway, issuers))]),
    ...others.map((each) => step(each)),
  ];
}

function workloadSteps({ places, policies }: Plan, issuers: readonly IssuerPlan[]): Step[] {
  const arrivals = places.map((place) => ({ ...place, isGateway: false, place }));
  const known = (arrival: Arrival) => issuers.filter(({ issuer }) => knows(arrival.policies, issuer));
  // Where no issuer is known, a valid token shows that it is of no use.
  const orAny = (arrival: Arrival) =>
    known(arrival).length > 0
      ? known(arrival)
      : issuers.slice(0, 1).map((issuer) => ({ ...issuer, tokens: issuer.tokens.slice(0, 1) }));
  const firsts = arrivals.map((arrival, index) =>
    step(before(arrival, orAny(arrival)), index === 0 ? standIns(places) : [], standsFor(arrival.place)),
  );
  const exchanges = arrivals.flatMap((arrival) => [
    ...after(arrival, orAny(arrival)),
    ...elsewhere(arrival, known(arrival)),
  ]);
  return [
    ...firsts,
    ...exchanges.map((each, index) => step(each, index === 0 ? manifests(policies, issuers) : [])),
  ];
}

function knows(policies: readonly Policy[], issuer: string): boolean {
  return policies.some(
    (policy) => isRequest(policy) && policy.jwtRules.some((rule) => rule.issuer === issuer),
  );
}

/** Which of the user's workloads a stand-in is, when its name does not say all. */
function standsFor({ name, workloads }: Place): string | undefined {
  return workloads.length === 1 && workloads[0] === name
    ? undefined
    : `stands in for ${workloads.join(', ')}`;
}

/** All policies; names that two namespaces have given stay apart. */
function manifests(policies: readonly Policy[], issuers: readonly IssuerPlan[]): string[] {
  const taken = new Map<string, string[]>();
  return policies.map((policy) => {
    const names = taken.get(policy.kind) ?? [];
    taken.set(policy.kind, names);
    return carried(policy, uniqueName(policy.name, names), issuers);
  });
}

function step({ name, lines, ...rest }: Exchange, apply: readonly string[] = [], comment?: string): Step {
  return {
    lines: [
      `  - name: ${inline(name)}${comment === undefined ? '' : ` # ${comment}`}`,
      ...(apply.length === 0 ? [] : ['    apply:', items(apply, 6)]),
      ...lines.map((line) => `    ${line}`),
    ],
    ...rest,
  };
}
