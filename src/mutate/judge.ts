/** How good the checks of a scenario are: which mistakes in its policies they notice. */
import type { Place } from '../base/errors.ts';
import type { PlannedScenario, PlannedStep } from '../plan/types.ts';
import type { Answer } from '../policy/input.ts';
import { holdsFor, policyKinds } from '../policy/selection.ts';
import { agrees } from '../run/explain/agrees.ts';
import { decidingOf, type Hop, nameOfPod } from '../run/explain/hops.ts';
import {
  type AskedRequest,
  hopsFor,
  idleRemarks,
  type ModelStep,
  modelSteps,
  type PredictOptions,
  remarkText,
  shapeRemarks,
  surveyOf,
} from '../run/explain/predict.ts';
import type { PlacedObject } from '../run/in-place.ts';
import type { KubeObject, MeshPod, Survey } from '../target/target.ts';
import type { ClassRequest } from './classes/class-request.ts';
import { type Fetching, fetchingOf, verifyWithKeys } from './fetching.ts';
import { type Mutant, mutantsOf } from './operators.ts';
import { differenceOf, type Original, type Witness } from './witness.ts';

export type Verdict =
  | {
      readonly kind: 'noticed';
      readonly step: PlannedStep;
      readonly by: AskedRequest;
      /** What is answered with the mistake. */
      readonly answer: Pick<Answer, 'body'> & { readonly status: number };
    }
  /** No check notices it, and this request would. */
  | {
      readonly kind: 'survived';
      readonly step: string;
      readonly witness: Witness;
      /** The same as its parts. */
      readonly sent: ClassRequest;
      /** It passes either way, and what the workload gets is not the same. */
      readonly isReceived: boolean;
    }
  /** No request at all is answered otherwise. */
  | {
      readonly kind: 'equivalent';
      /** Workloads that no request reaches, whose answers would be others. */
      readonly beyond: readonly string[];
    }
  | { readonly kind: 'undecided'; readonly why: string };

export interface JudgedMutant {
  readonly mutant: Mutant;
  /** The same mistake in the policy as it is written, with `${…}` in it; undefined when that cannot be told. */
  readonly written: Mutant | undefined;
  /** Where the policy is applied. */
  readonly place: Place;
  readonly verdict: Verdict;
}

export interface ScenarioScore {
  readonly scenario: string;
  readonly place: Place;
  readonly mutants: readonly JudgedMutant[];
  /** Checks that the policies contradict: they notice nothing. */
  readonly blind: readonly string[];
  /** Policies that decide nothing, as the API server refuses them or as they hold for nobody: a line each. */
  readonly idle: readonly string[];
}

/** A step in which a policy is in place, and what its checks say without any mistake. */
interface Scene {
  readonly model: ModelStep;
  readonly original: Original;
  readonly fetching: Fetching;
  /**
   * Checks that can notice something, with the proxies on their way. Where the policies alone do not say the answer, as of keys
   * that are somewhere else, the scenario does.
   */
  readonly sighted: readonly { readonly asked: AskedRequest; readonly pods: readonly MeshPod[] }[];
}

/**
 * Makes every mistake in every policy that the scenario applies, one at a time, in all steps in which the policy is in place.
 *
 * @param isWanted mistakes to look at; default: all
 * @throws HarnessError E_TEMPLATE and E_TOKEN, as a run does
 */
export async function judgeScenario(
  scenario: PlannedScenario,
  options: PredictOptions,
  isWanted: (mutant: Mutant) => boolean = () => true,
): Promise<ScenarioScore> {
  const steps = await modelSteps(scenario, options);
  const scenes = scenesOf(steps, options.world);
  const policies = new Map<PlacedObject['place'], PlacedObject>();
  for (const { applied } of steps)
    for (const each of applied) if (policyKinds.includes(each.object.kind)) policies.set(each.place, each);
  const mutants = [...policies.values()].flatMap((placed): JudgedMutant[] => {
    const own = scenes.filter(({ model }) => model.applied.some(({ place }) => place === placed.place));
    const [first] = own;
    if (first === undefined) return [];
    const { survey } = first.original;
    const manifest = placed.step.apply.find(({ place }) => place === placed.place)?.manifest;
    const written = manifest === undefined ? [] : mutantsOf(manifest, survey);
    return mutantsOf(placed.object, survey).flatMap((mutant, index, all) =>
      isWanted(mutant)
        ? {
            mutant,
            written: written.length === all.length ? written[index] : undefined,
            place: placed.place,
            verdict: verdictOf(mutant, placed, own, options.world),
          }
        : [],
    );
  });
  const blind = scenes.flatMap(({ model, sighted }) =>
    model.asked.filter((each) => !sighted.some(({ asked }) => asked === each)).map(({ check }) => check.id),
  );
  const { id, place } = scenario.info;
  return { scenario: id, place, mutants, blind, idle: idleOf(steps, scenes) };
}

function idleOf(steps: readonly ModelStep[], scenes: readonly Scene[]): string[] {
  const refused = steps.flatMap((model) => shapeRemarks(model.refused));
  const idle = scenes.flatMap(({ model, original }) => idleRemarks(model, original.survey));
  return [...new Set([...refused, ...idle].map(remarkText))];
}

/** Steps in which the same is in place have the same mesh. */
function scenesOf(steps: readonly ModelStep[], world: PredictOptions['world']): Scene[] {
  const originals = new Map<string, Original>();
  return steps.map((model) => {
    const survey = surveyOf(model, world);
    const fetching = fetchingOf(model, survey);
    const sighted = model.asked.flatMap((asked) => {
      const hops = hopsOfCheck(asked, model, survey, fetching);
      return agrees(asked.expected, decidingOf(hops)) !== false
        ? { asked, pods: hops.map(({ pod }) => pod) }
        : [];
    });
    const { failures } = fetching;
    const key = JSON.stringify([survey.objects, ...failures]);
    const original = originals.get(key) ?? { survey, steps, failures, answers: new Map() };
    originals.set(key, original);
    return { model, original, fetching, sighted };
  });
}

function hopsOfCheck(
  { request, origin }: AskedRequest,
  { keys }: ModelStep,
  survey: Survey,
  fetching: Fetching,
): Hop[] {
  return hopsFor(origin, request, survey, verifyWithKeys(fetching, keys));
}

function verdictOf(
  mutant: Mutant,
  placed: PlacedObject,
  scenes: readonly Scene[],
  world: PredictOptions['world'],
): Verdict {
  const both = [placed.object, ...(mutant.object === undefined ? [] : [mutant.object])];
  const meshes = new Map<Original, { readonly model: ModelStep; readonly survey: Survey }>();
  for (const { model, original } of scenes)
    if (!meshes.has(original))
      meshes.set(original, { model, survey: world(withMutant(model, placed, mutant.object)) });
  for (const { model, original, fetching, sighted } of scenes) {
    const { survey } = meshes.get(original) ?? original;
    for (const { asked: by, pods } of sighted) {
      // Where the policy holds for no proxy on the way, the answer stays as it is expected.
      if (!pods.some((pod) => both.some((object) => holdsFor(object, pod, survey.rootNamespace)))) continue;
      const deciding = decidingOf(hopsOfCheck(by, model, survey, fetching));
      const { status, body } = deciding?.answer ?? {};
      if (status !== undefined && agrees(by.expected, deciding) === false)
        return { kind: 'noticed', step: model.step, by, answer: { status, body } };
    }
  }
  let why: string | undefined;
  const beyond = new Set<string>();
  for (const [original, { model, survey }] of meshes) {
    const found = differenceOf(original, survey, both);
    const { witness, sent, isReceived = false } = found;
    if (witness !== undefined && sent !== undefined)
      return { kind: 'survived', step: model.step.name, witness, sent, isReceived };
    why ??= found.gap;
    const { pods, rootNamespace } = original.survey;
    for (const pod of pods) {
      const name = nameOfPod(pod);
      if (pod.proxy === undefined || found.reached.has(name)) continue;
      if (both.some((object) => holdsFor(object, pod, rootNamespace))) beyond.add(name);
    }
  }
  return why === undefined ? { kind: 'equivalent', beyond: [...beyond] } : { kind: 'undecided', why };
}

/** All objects of a step, with the mutant where its policy was applied. */
function withMutant(model: ModelStep, placed: PlacedObject, mutant: KubeObject | undefined): KubeObject[] {
  return [
    ...model.base,
    ...model.applied.flatMap(({ object, place }) =>
      place !== placed.place ? [object] : mutant === undefined ? [] : [mutant],
    ),
  ];
}
