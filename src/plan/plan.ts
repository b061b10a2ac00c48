/** Decides what is going to be run on a mesh, and in which order. */
import type { FetchMode, MeshFacts } from '../base/events.ts';
import { groupBy } from '../base/group.ts';
import { isTakenAtStart } from '../base/istiod-input.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import { areOwn, asItIs, keyOf, type MeshSettings, settingsOf, settingsText } from './asked-mesh.ts';
import { whyNot } from './conditions.ts';
import { planStep, sourceOf } from './expand.ts';
import { ownServers } from './own-servers.ts';
import { grepScenario, isWanted, type Selection, takeShard } from './select.ts';
import type { Plan, PlannedGroup, PlannedScenario, PlannedStep } from './types.ts';
import { variantsOf } from './variants.ts';

export interface PlanOptions extends Selection {
  /** Whether the target can put the mesh into another fetch mode. */
  readonly canSwitchFetch: boolean;
}

/**
 * Plans scenarios for a mesh.
 *
 * A scenario becomes one planned scenario, or one for each of its fetch modes. Those that cannot run on this mesh are
 * planned too, with the reason in `skip`, so that nothing is left out silently.
 *
 * @param missing what the target cannot do: the reason by the name of the capability
 * @throws HarnessError `E_USAGE` for a shard that does not exist
 */
export function plan(
  scenarios: readonly LoadedScenario[],
  facts: MeshFacts,
  missing: ReadonlyMap<string, string>,
  options: PlanOptions,
): Plan {
  const planned = scenarios
    .filter((scenario) => isWanted(scenario, options))
    .flatMap((scenario) => planScenario(scenario, facts, missing, options))
    .filter(({ info }) => options.only?.has(info.id) ?? true)
    .flatMap((scenario) => grepScenario(scenario, options.grep) ?? []);
  const groups = groupsOf(takeShard(planned, options.shard), facts.fetch);
  return { groups, scenarios: groups.flatMap((each) => each.scenarios) };
}

function planScenario(
  scenario: LoadedScenario,
  facts: MeshFacts,
  missing: ReadonlyMap<string, string>,
  { canSwitchFetch, isLive }: PlanOptions,
): PlannedScenario[] {
  return variantsOf(scenario).map(({ id, fetch: mode }) => {
    const circumstances = { facts, fetch: mode ?? facts.fetch };
    const whyNotStep = scenario.steps.map(({ when }) => whyNot(when, circumstances));
    const nothingFits = whyNotStep.every((reason) => reason !== undefined);
    // A step whose condition does not hold is a variant for other meshes. When there is nothing but variants for
    // others, all of them are planned, so that the report shows what is skipped.
    const isPlanned = (index: number) => nothingFits || whyNotStep[index] === undefined;
    const own = ownServers(
      scenario,
      scenario.steps.filter((_, index) => isPlanned(index)),
      facts.ownKeyServer,
    );
    const steps = scenario.steps.flatMap((_, index) =>
      isPlanned(index) ? [planStep(scenario, id, index, circumstances, missing, own)] : [],
    );
    const reasons = [
      whyNot(scenario.when, circumstances),
      whyNotLive(scenario, isLive),
      cannotSwitch(mode, facts.fetch, canSwitchFetch, missing),
      ...capabilities(scenario, steps).map((capability) => missing.get(capability)),
      nothingFits ? whyNotStep[0] : undefined,
    ].filter((reason) => reason !== undefined);
    const settings = settingsText(scenario.mesh);
    return {
      info: {
        id,
        name: scenario.name,
        title: scenario.title,
        mesh: facts.id,
        profile: scenario.profile,
        ...(mode === undefined ? {} : { fetch: mode }),
        ...(settings === undefined ? {} : { settings }),
        source: sourceOf(scenario),
        tags: scenario.tags,
        place: scenario.place(['name']),
      },
      fetch: mode,
      settings: settingsOf(scenario.mesh),
      ...(scenario.mesh === undefined ? {} : { settingsPlace: scenario.place(['mesh']) }),
      apps: scenario.apps,
      issuers: scenario.issuers,
      tokens: scenario.tokens,
      keyServers: scenario.keyServers,
      ownServers: own,
      certificates: scenario.certificates,
      steps,
      skip: reasons.length === 0 ? undefined : [...new Set(reasons)].join('; '),
    };
  });
}

/** A mesh that is only looked at is for scenarios that only look, and no other mesh is. */
function whyNotLive({ live = false }: LoadedScenario, isLive: boolean | undefined): string | undefined {
  if (isLive === undefined || live === isLive) return undefined;
  return live
    ? 'is about a mesh that is there, as it is: run it with --live and --context'
    : 'changes the mesh, and --live only looks at it';
}

function cannotSwitch(
  mode: FetchMode | undefined,
  has: FetchMode,
  canSwitch: boolean,
  missing: ReadonlyMap<string, string>,
): string | undefined {
  if (mode === undefined || mode === has || canSwitch) return undefined;
  const why = missing.get('fetch-mode');
  return `needs fetch mode ${mode}; this mesh has ${has}${why === undefined ? '' : `, and ${why}`}`;
}

/** What a scenario needs of a target: what it says, and what follows from what it does. */
function capabilities(scenario: LoadedScenario, steps: readonly PlannedStep[]): string[] {
  const needs = new Set<string>(scenario.requires);
  const servers = Object.values(scenario.keyServers);
  if (servers.some(({ where }) => where === 'external')) needs.add('external-host');
  if (steps.some(({ origin }) => origin?.kind === 'ingress' && origin.gateway === undefined))
    needs.add('ingress');
  if (usesGatewayApi(steps)) needs.add('gateway-api');
  if (areOwn(settingsOf(scenario.mesh))) needs.add('mesh-settings');
  return [...needs];
}

/** Whether it applies objects of the Gateway API, and does not bring their kinds along. */
function usesGatewayApi(steps: readonly PlannedStep[]): boolean {
  const applied = steps.flatMap(({ apply }) => apply.map(({ manifest }) => manifest));
  return (
    applied.some(({ apiVersion }) => apiVersion.startsWith('gateway.networking.k8s.io/')) &&
    !applied.some(
      ({ kind, metadata }) =>
        kind === 'CustomResourceDefinition' && metadata.name.endsWith('.gateway.networking.k8s.io'),
    )
  );
}

const modes: readonly FetchMode[] = ['istiod', 'envoy', 'hybrid'];

/**
 * Groups by variables of istiod and fetch mode, which restart it, and within them by fields of MeshConfig, most of which do not. First
 * come what runs in the mesh as it is, and what runs in any mode; skipped scenarios are among them, so that nothing is
 * changed only for them.
 */
function groupsOf(scenarios: readonly PlannedScenario[], now: FetchMode): PlannedGroup[] {
  const state = ({ settings, skip }: PlannedScenario) => (skip === undefined ? settings : asItIs);
  const byVariables = groupBy(scenarios, (each) => keyOf(state(each).variables));
  const plain = keyOf(asItIs.variables);
  const inOrder = [...byVariables].sort(([a], [b]) => Number(b === plain) - Number(a === plain));
  return inOrder.flatMap(([, alike]) =>
    byMode(alike, now).flatMap(({ fetch, scenarios: own }) => {
      const byConfig = [...groupBy(own, (each) => keyOf(state(each).config)).values()];
      const ofConfigs = byConfig.map(
        (group): PlannedGroup => ({
          fetch: modeOf(group, fetch),
          settings: state(group.find(({ skip }) => skip === undefined) ?? (group[0] as PlannedScenario)),
          scenarios: group,
        }),
      );
      return ofConfigs.sort((one, other) => changeOf(one.settings) - changeOf(other.settings));
    }),
  );
}

/**
 * How much a group changes the mesh: nothing, what proxies take at once, or what they take only when they start. Those of the last
 * kind follow each other, so that proxies start as rarely as possible.
 */
function changeOf({ config }: MeshSettings): number {
  const fields = Object.keys(config);
  return fields.some(isTakenAtStart) ? 2 : Math.min(fields.length, 1);
}

/** The mode that a group really needs; undefined when any will do. */
function modeOf(group: readonly PlannedScenario[], mode: FetchMode): FetchMode | undefined {
  return group.some(({ fetch, skip }) => fetch === mode && skip === undefined) ? mode : undefined;
}

function byMode(
  scenarios: readonly PlannedScenario[],
  now: FetchMode,
): { readonly fetch: FetchMode; readonly scenarios: readonly PlannedScenario[] }[] {
  const needs = ({ fetch, skip }: PlannedScenario) => (skip === undefined ? fetch : undefined) ?? now;
  return [now, ...modes.filter((mode) => mode !== now)].flatMap((fetch) => {
    const own = scenarios.filter((each) => needs(each) === fetch);
    return own.length === 0 ? [] : [{ fetch, scenarios: own }];
  });
}
