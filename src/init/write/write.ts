/** The scenario as text: what stands in it follows from the plan, what it is for stands in its comments. */
import { basename, extname } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { shellQuote } from '../../base/names.ts';
import { isWide, nameOf } from '../../policy/selection.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import type { KubeObject } from '../../target/target.ts';
import type { Plan } from '../first-plan.ts';
import { stranger } from '../issuers.ts';
import { dnsName, type Place, policiesAt } from '../places.ts';
import { receivedGroups, toldBy } from '../requests/echoed.ts';
import { addRequest, type Extra } from '../requests/more-requests.ts';
import { doors, dryRuns, idleRules, portsInHosts } from '../requests/overlooked.ts';
import { groupsOf } from '../requests/tried-requests.ts';
import { TokenList } from '../requests/tried-tokens.ts';
import { Asking } from '../requests/tried-ways.ts';
import { clientsFor, nameOfClient, outside, sleep } from '../senders.ts';
import { standIns } from '../stand-in.ts';
import { carried } from './carry.ts';
import { type Step, stepsFor } from './tables.ts';
import { asItem, documentOf, escaped, inline, print } from './yaml-text.ts';

export interface Written {
  readonly text: string;
  readonly policies: number;
  readonly checks: number;
  /** What a reader should know: rules that nothing matches, open doors, what is not known. A line each. */
  readonly notes: readonly string[];
}

/**
 * @param where what the policies were read from, in words
 * @param file under which it is going to be saved, for the commands in its comments
 * @param extras requests that would notice mistakes in the policies
 * @param missed what is said about mistakes that no request notices
 */
export function writeScenario(
  plan: Plan,
  where: string,
  file: string,
  extras: readonly Extra[] = [],
  missed: readonly string[] = [],
): Written {
  const { policies, places, peers, around, kept, ways, issuers } = plan;
  const clients = clientsFor(policies);
  const told = toldBy(policies.flatMap(jwtRulesOf));
  const there = [...standIns(places, [sleep, outside, ...clients], told), ...around];
  const here = [...there, ...peers, ...policies];
  const whole = [...there, ...peers, ...plan.originals, ...plan.unknowable];
  const tokens = new TokenList(issuers);
  const asked = ways.map((way) => {
    const asking = new Asking(way, { here, whole });
    const groups = groupsOf(asking, tokens);
    return { asking, groups: [...groups, ...receivedGroups(asking, groups, tokens)] };
  });
  for (const extra of extras) addRequest(asked, extra, [sleep, outside, ...clients], tokens);
  const before = asked.flatMap(({ asking, groups }) => {
    const bare = new Asking(asking.way, { here: there, whole: there });
    const some = [undefined, ...tokens.simple()];
    return groups
      .slice(0, 1)
      .flatMap((group) =>
        stepsFor(bare, { ...group, paths: group.paths.slice(0, 1), tokens: some }, 'before any policy,'),
      );
  });
  const after = asked.flatMap(({ asking, groups }) =>
    groups.flatMap((group) => stepsFor(asking, group, 'with the policies,')),
  );
  const used = new Set([...before, ...after].map(({ client }) => nameOfClient(client)));
  const setUp = [
    ...standIns(
      places,
      [outside, ...clients].filter((client) => used.has(nameOfClient(client))),
      told,
    ),
    ...around,
  ];
  const manifests = new Map(plan.originals.map((own, index) => [policies[index] as KubeObject, own]));
  const texts = (objects: readonly KubeObject[]) =>
    objects.map((object) => {
      const own = manifests.get(object);
      return own === undefined ? print(documentOf(object)) : carried(object, own, issuers);
    });
  const inPlace = [
    ...kept.entries.map((entry) => print(documentOf(entry))),
    ...texts([...peers, ...policies].filter((object) => !kept.names.has(nameOf(object)))),
  ];
  const routes = new Map<string, string>();
  const isSent = ({ checks }: Step) => checks > 0;
  const first = before.filter(isSent);
  const lines = [...first, ...after.filter(isSent)].map((step, index) => {
    const own = step.way.isOwnRoute ? texts(step.way.routes) : [];
    const key = step.way.gateway?.name ?? '';
    const isNew = own.length > 0 && routes.get(key) !== own.join();
    if (own.length > 0) routes.set(key, own.join());
    return stepText(step, [
      ...(index === 0 ? texts(setUp) : []),
      ...(isNew ? own : []),
      ...(index === first.length ? inPlace : []),
    ]);
  });
  const notes = [...notesOf(plan, after), ...missed];
  if (lines.length === 0) {
    throw new HarnessError('E_USAGE', `nothing can be expected of the policies in ${where}`, {
      hint: 'Write a scenario by hand: docs/writing-scenarios.md',
      details: notes.join('\n'),
    });
  }
  const sent = tokens.used([...before, ...after].flatMap((step) => step.tokens));
  const hasStranger = sent.some(({ issuer }) => issuer === stranger);
  const subject =
    plan.namespaces.length === 1
      ? `namespace ${plan.namespaces[0]}`
      : `namespaces ${plan.namespaces.join(', ')}`;
  const text = [
    ...commented(header(plan, where, file, notes)),
    // No two files of a folder have the same.
    `name: ${dnsName(plan.namespaces[0] ?? 'policies')}-${dnsName(basename(file, extname(file)))}`,
    `title: ${inline(`Policies of ${subject} let in whom they should`)}`,
    'apps: [sleep]',
    ...(issuers.length === 0
      ? []
      : [
          '# Keys are made by the run. Nobody but you can sign for yours.',
          'issuers:',
          ...issuers.map(
            ({ name, issuer, algorithm }) => `  ${name}: ${inline(escaped({ issuer, algorithm }))}`,
          ),
          ...(hasStranger ? [`  ${stranger.name}: ${inline({ issuer: stranger.issuer })}`] : []),
        ]),
    ...(sent.length === 0
      ? []
      : [
          'tokens:',
          ...sent.map(
            ({ name, spec, why }) =>
              `  ${inline(name)}: ${inline(spec)}${why === undefined ? '' : ` # ${inline(why)}`}`,
          ),
        ]),
    'steps:',
    ...lines,
  ].join('\n');
  const checks = [...before, ...after].reduce((sum, step) => sum + step.checks, 0);
  return { text: `${text}\n`, policies: policies.length, checks, notes };
}

function stepText({ name, lines }: Step, apply: readonly string[]): string {
  return [
    `  - name: ${inline(name)}`,
    ...(apply.length === 0 ? [] : ['    apply:', ...apply.map((each) => asItem(each, 6))]),
    ...lines.map((line) => `    ${line}`),
  ].join('\n');
}

function notesOf({ originals, places, policies, ways, shut }: Plan, steps: readonly Step[]): string[] {
  const told = steps.flatMap((step) => step.told);
  const stranded = ways.filter(
    ({ place, gateway, isSpare }) =>
      !isSpare &&
      [place, ...(gateway === undefined ? [] : [gateway])].every((each) =>
        policiesAt(each, policies).every(({ kind }) => kind !== 'RequestAuthentication'),
      ),
  );
  const silent = places.filter(
    (place) => !place.isGateway && place.services.every(({ ports }) => ports.length === 0),
  );
  const isSelected = (place: Place) => policiesAt(place, policies).some((policy) => !isWide(policy));
  const unknown = places.filter(({ isUnknown, isGateway }) => isUnknown && !isGateway);
  const selected = unknown.filter(isSelected);
  const empty = unknown.filter((place) => !isSelected(place) && policiesAt(place, policies).length > 0);
  return [
    ...shut,
    ...dryRuns(originals),
    ...idleRules(policies, told),
    ...doors(told),
    ...portsInHosts(told),
    ...(stranded.length === 0
      ? []
      : [
          `no RequestAuthentication is for ${names(stranded.map(({ place }) => place))}: nobody has a principal there, whatever the token`,
        ]),
    ...silent.map(
      ({ namespace, name }) =>
        `${namespace}/${name} has no port that is HTTP to Istio (by name or appProtocol): tokens are not looked at there, and nothing is sent`,
    ),
    ...(selected.length === 0
      ? []
      : [
          `policies select ${names(selected)} by labels that none of your workloads has: is the selector right?`,
        ]),
    ...(empty.length === 0
      ? []
      : [
          `policies are for all workloads of namespace ${[...new Set(empty.map(({ namespace }) => namespace))].join(', ')}, and none of yours is there: is the namespace right?`,
        ]),
    ...unknownIn(steps),
  ];
}

/** What the model does not know, by request and reason. */
export function unknownIn(steps: readonly Step[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { what, token, why } of steps.flatMap((step) => step.unknown)) {
    const key = `${what} (TOKENS): ${why}`;
    byReason.set(key, [...new Set([...(byReason.get(key) ?? []), token])]);
  }
  return [...byReason].map(
    ([key, tokens]) => `check this: ${key.replace('TOKENS', () => tokens.join(', '))}`,
  );
}

function names(places: readonly Place[]): string {
  return [...new Set(places.map(({ namespace, name }) => `${namespace}/${name}`))].join(', ');
}

function header(plan: Plan, where: string, file: string, notes: readonly string[]): string[] {
  const { policies, places, leftOut, originals, kept } = plan;
  const merged = places.filter(({ workloads }) => workloads.length > 1);
  const replaced = originals.filter((own, index) => JSON.stringify(own) !== JSON.stringify(policies[index]));
  const hasRoot = policies.some(({ metadata }) => metadata.namespace === 'istio-system');
  return [
    `Written by "jwt-e2e init" from ${policies.length} ${policies.length === 1 ? 'policy' : 'policies'} in ${where}.`,
    '',
    'It runs on a mesh of its own, not on yours: servers that answer 200 to everything stand in for your workloads, in',
    'namespaces of the same names, with the same labels. Your issuers have keys that the run makes, because only you can',
    'sign with yours. What is expected is what your policies say. Is it what you want? Then:',
    '',
    `  jwt-e2e lint --strict ${shellQuote(file)}`,
    `  jwt-e2e run ${shellQuote(file)}`,
    '',
    'What can stand in it: docs/writing-scenarios.md. Change an expected code, and see the check fail.',
    ...(hasRoot
      ? [
          '',
          'It has policies for the whole mesh or its ingress gateway: on an existing cluster they are for others, too.',
        ]
      : []),
    ...section('Look at this', notes),
    ...section(
      'Left out',
      leftOut.map(({ what, why }) => `${what}: ${why}`),
    ),
    ...section('Copies of policies, so that a change of yours has to be made here as well', kept.copied),
    ...section(
      'Stand-ins',
      merged.map(
        ({ namespace, name, workloads }) =>
          `${namespace}/${name} stands in for ${workloads.join(', ')}, which are the same to the policies`,
      ),
    ),
    ...section(
      'Addresses of private networks are others in every mesh, so nobody has one of these here',
      replaced.map((own) => `${nameOf(own)}: 203.0.113.0/24 stands for them`),
    ),
  ];
}

export function commented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '#' : `# ${line}`));
}

/** A part of the comments at the top. */
export function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0
    ? []
    : ['', `${title}:`, ...lines.map((line) => `  ${line.replaceAll(/\s+/g, ' ')}.`)];
}
