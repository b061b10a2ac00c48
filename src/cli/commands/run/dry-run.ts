/** `jwt-e2e run --dry-run`: says what a run would do, and does nothing. */
import { exitCodes } from '../../../base/errors.ts';
import type { MeshFacts } from '../../../base/events.ts';
import { oneLine } from '../../../base/harmless.ts';
import { planFor } from '../../../engine/engine.ts';
import { findOwnKeyServer } from '../../../engine/own-keys.ts';
import { appsFolder } from '../../../engine/product.ts';
import type { RunSettings } from '../../../engine/run-settings.ts';
import { chooseTarget } from '../../../engine/targets/choose-target.ts';
import { kindChoice } from '../../../engine/targets/make-kind.ts';
import {
  type MeshVersions,
  meshProgramOptions,
  meshVersions,
} from '../../../engine/targets/mesh-programs.ts';
import { nothingMatches } from '../../../plan/select.ts';
import type { Plan, PlannedScenario } from '../../../plan/types.ts';
import { nameOf } from '../../../policy/selection.ts';
import { plural } from '../../../report/text.ts';
import { unstartedServers } from '../../../run/explain/predict.ts';
import { intentOf } from '../../../run/intent.ts';
import { KeyRing } from '../../../run/keys/key-ring.ts';
import type { RunOptions } from '../../../run/steps/step-state.ts';
import { makeContext } from '../../../run/template-context.ts';
import type { LoadedScenario } from '../../../scenario/load.ts';
import { resolve } from '../../../scenario/template.ts';
import { imagesOf, keeping, meshName } from '../../../settings/typed.ts';
import { expectedFacts, kindPreview } from '../../../target/kind/kind-preview.ts';
import { localPreview } from '../../../target/local/local-preview.ts';
import type { Intent, PreviewPart, Target } from '../../../target/target.ts';
import type { Io } from '../../support/io.ts';

export interface DryRunRequest
  extends Pick<RunSettings, 'values' | 'versions' | 'selection' | 'options' | 'ownKeys'> {
  readonly scenarios: readonly LoadedScenario[];
  readonly io: Io;
  readonly signal: AbortSignal;
}

/**
 * Writes what would be done.
 *
 * @returns 2 when the run would be refused, by this tool or by the API server; else 0
 * @throws HarnessError for what would keep the run from starting
 */
export async function dryRun(request: DryRunRequest): Promise<number> {
  const { name, reason } = await chooseTarget(request);
  const { facts, planned, parts } = await outlooks[name](request, reason);
  if (planned.scenarios.length === 0) throw nothingMatches();
  const more = [
    facts.envoy === undefined ? [] : `Envoy ${facts.envoy}`,
    facts.kubernetes === undefined ? [] : `Kubernetes ${facts.kubernetes}`,
    facts.asm === undefined ? [] : `ASM ${facts.asm}`,
    `keys fetched by ${facts.fetch}`,
  ].flat();
  const all = [
    ...parts.slice(0, -1),
    { title: 'Scenarios', lines: planned.scenarios.map(scenarioLine) },
    ...parts.slice(-1),
  ];
  const why = whyRefused(parts, planned);
  request.io.stdout.write(
    [
      'Nothing is done. A run would do this:',
      `Istio ${facts.istio} on ${facts.target} (${more.join(', ')})`,
      `${facts.target}: ${facts.reason}`,
      ...Object.entries(facts.details ?? {}).map(([what, value]) => oneLine(`${what}: ${value}`)),
      ...all.flatMap(({ title, lines }) => ['', title, ...lines.map((line) => `  ${oneLine(line)}`)]),
      ...(why === undefined ? [] : ['', oneLine(why)]),
      '',
    ].join('\n'),
  );
  return why === undefined ? exitCodes.passed : exitCodes.usage;
}

/** Why a run would not come to its scenarios, or not through them; undefined when nothing is known that speaks against it. */
function whyRefused(parts: readonly PreviewPart[], { scenarios }: Plan): string | undefined {
  if (parts.some(({ isForbidden }) => isForbidden))
    return 'The run would be refused: it touches what is not its own. Allow that with --yes, or use another cluster.';
  // Some steps are about what an API server refuses.
  const expected = new Set(
    scenarios
      .flatMap(({ steps }) => steps)
      .filter(({ checks }) => checks.some(({ kind }) => kind === 'apply'))
      .flatMap(({ apply }) => apply.map(({ manifest }) => nameOf(manifest))),
  );
  const refused = parts.flatMap((part) => part.refused ?? []).filter((name) => !expected.has(name));
  if (refused.length === 0) return undefined;
  return `The API server would refuse ${[...new Set(refused)].join(', ')}: the reasons stand above. Correct the manifests.`;
}

interface Outlook {
  readonly facts: MeshFacts;
  readonly planned: Plan;
  /** The last one is about the end. */
  readonly parts: readonly PreviewPart[];
}

const outlooks = { cluster: onCluster, kind: onKind, local: onLocal } as const;

async function onLocal(request: DryRunRequest, reason: string): Promise<Outlook> {
  const { values, versions, scenarios, signal } = request;
  const { surveyMeshPrograms } = await import('../../../programs/local/survey-programs.ts');
  const [mesh = { istio: undefined, envoy: undefined }, ...others] = meshVersions(values);
  const programs = await surveyMeshPrograms(
    meshProgramOptions(values, mesh, { versions, report: () => {}, signal }),
  );
  const versionOf = (program: string) => programs.find(({ name }) => name === program)?.version;
  const facts: MeshFacts = {
    id: 'local',
    target: 'local',
    reason,
    istio: mesh.istio ?? versionOf('pilot-discovery') ?? versions.istio.default,
    envoy: mesh.envoy ?? versionOf('envoy'),
    kubernetes: versionOf('kube-apiserver'),
    fetch: 'istiod',
    ...(others.length === 0 ? {} : { details: { 'and the same with': others.map(describeMesh).join(', ') } }),
  };
  const planned = planFor(request, scenarios, facts, new Map());
  const parts = localPreview(programs, intentOf(planned.groups).apps, otherModes(planned, facts), {
    appsFolder,
    images: imagesOf(values, versions),
    name: meshName(values),
    ...keeping(values),
  });
  return { facts, planned, parts };
}

function describeMesh({ istio, envoy }: MeshVersions): string {
  return [istio === undefined ? [] : `Istio ${istio}`, envoy === undefined ? [] : `Envoy ${envoy}`]
    .flat()
    .join(' and ');
}

/** Fetch modes for which istiod is restarted. */
function otherModes(planned: Plan, facts: MeshFacts): string[] {
  return planned.groups.flatMap(({ fetch }) => (fetch === undefined || fetch === facts.fetch ? [] : [fetch]));
}

async function onKind(request: DryRunRequest, reason: string): Promise<Outlook> {
  const { values, versions, scenarios } = request;
  const choice = kindChoice({ values, versions, apps: [] });
  const facts = expectedFacts(choice, reason);
  const planned = planFor(request, scenarios, facts, new Map());
  const parts = kindPreview(choice, intentOf(planned.groups).apps, otherModes(planned, facts), {
    appsFolder,
    ...keeping(values),
  });
  return { facts, planned, parts };
}

async function onCluster(request: DryRunRequest, reason: string): Promise<Outlook> {
  const { values, versions, scenarios, options, ownKeys, io, signal } = request;
  const { makeCluster } = await import('../../../engine/targets/make-cluster.ts');
  const target = await makeCluster(
    {
      values,
      versions,
      runId: options.runId,
      progress: (event) => {
        if (event.type === 'warning') io.stderr.write(`${oneLine(event.message)}\n`);
      },
      ownKeyServer: await findOwnKeyServer(ownKeys, signal),
    },
    reason,
  );
  const facts = await target.up(signal);
  const planned = planFor(request, scenarios, facts, target.missing);
  const intent = await filledIn(intentOf(planned.groups), planned, target, request);
  return { facts, planned, parts: await target.preview(intent, signal) };
}

/** The intent with keys filled in, so that the API server can be asked about it. */
async function filledIn(
  intent: Intent,
  planned: Plan,
  target: Target,
  { options }: DryRunRequest,
): Promise<Intent> {
  const keys = new KeyRing(options.runId);
  const runnable = planned.scenarios.filter(({ skip }) => skip === undefined);
  const lists = await Promise.all(runnable.map((scenario) => manifestsOf(scenario, target, keys, options)));
  return { ...intent, apply: lists.flat() };
}

async function manifestsOf(
  scenario: PlannedScenario,
  target: Target,
  keys: KeyRing,
  options: RunOptions,
): Promise<Intent['apply']> {
  const issuers = await keys.get(scenario);
  const { names } = await makeContext(scenario, issuers, unstartedServers(scenario), target, options.images);
  return scenario.steps.flatMap(({ apply }) =>
    apply.map(({ manifest, place }) => resolve(manifest, names, place)),
  );
}

function scenarioLine({ info, steps, skip }: PlannedScenario): string {
  if (skip !== undefined) return `skip ${info.id}: ${skip}`;
  const checks = steps.reduce((sum, step) => sum + step.checks.length, 0);
  return `run ${info.id}: ${plural(checks, 'check')}`;
}
