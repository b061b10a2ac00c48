/** What a run amounts to: the value behind results.json and the JUnit report. Durations are milliseconds. */

import type { Place } from '../base/errors.ts';
import type {
  AppliedManifest,
  CheckResult,
  CheckState,
  Counts,
  MeshFacts,
  Mutation,
  Problem,
  ScenarioInfo,
  Selection,
  Shard,
} from '../base/events.ts';
import type { Unproven } from './unproven.ts';

/** `planned` and `running` only occur while the run has not finished. */
export type ScenarioState = CheckState | 'planned' | 'running';

export interface PhaseResult {
  readonly phase: string;
  /** Which of several meshes it was about. */
  readonly mesh?: string | undefined;
  readonly state: 'running' | 'passed' | 'failed';
  readonly durationMs: number;
  readonly note?: string | undefined;
  readonly problem?: Problem | undefined;
}

export interface StepResult {
  readonly name: string;
  /** `Kind namespace/name` of everything applied or deleted. */
  readonly objects: readonly string[];
  /** What it applies, with `${…}` filled in, also when the API server refuses it as it should. */
  readonly manifests?: readonly AppliedManifest[] | undefined;
  readonly warnings: readonly string[];
  /** Which policies hold for which workloads; absent when there is no policy, or nobody knows. */
  readonly selection?: Selection | undefined;
  /** From the change until every proxy concerned had it; absent when that never happened. */
  readonly heldMs?: number | undefined;
  readonly proof?: string | undefined;
}

export interface ScenarioResult {
  readonly info: ScenarioInfo;
  readonly state: ScenarioState;
  /** ISO 8601, UTC; absent when the scenario never started. */
  readonly startedAt?: string | undefined;
  readonly durationMs: number;
  /** Checks in the plan, and how many of them have no result. */
  readonly planned: number;
  readonly notRun: number;
  readonly problem?: Problem | undefined;
  readonly steps: readonly StepResult[];
  readonly checks: readonly CheckResult[];
  /** Absent when no mistakes were made in its policies. */
  readonly mutation?: Mutation | undefined;
}

/** A known deviation from the documents, with the checks that show it. */
export interface Finding {
  readonly text: string;
  readonly checks: readonly string[];
}

/** A check that did not always come out the same when scenarios were repeated. */
export interface Flaky {
  readonly mesh: string;
  /** The id of the check without the number of the repetition. */
  readonly check: string;
  readonly runs: number;
  readonly passed: number;
}

/** A check that came out differently on the meshes of a run. */
export interface Difference {
  readonly scenario: string;
  readonly check: string;
  /** In the order of the meshes; those that have no result of this check are left out. */
  readonly answers: readonly {
    readonly mesh: string;
    readonly state: CheckState;
    /** Of the response, where the check sent a request. */
    readonly status?: number | undefined;
  }[];
}

export interface RunResult {
  /** Of the JSON file; grows by one with every change that breaks readers. */
  readonly schemaVersion: 1;
  readonly run: {
    readonly id: string;
    /** Of istio-jwt-e2e. */
    readonly version: string;
    /** ISO 8601, UTC. */
    readonly startedAt: string;
    readonly durationMs: number;
    /** `running` in a file that is left behind means that the run was killed. */
    readonly state: 'running' | 'finished' | 'interrupted';
    /** The ids of all meshes in their order, when there are several. */
    readonly meshes?: readonly string[] | undefined;
    /** Which part of a run it is; absent for a whole one. */
    readonly shard?: Shard | undefined;
    readonly problem?: Problem | undefined;
  };
  /** Those that could be set up. */
  readonly meshes: readonly MeshFacts[];
  /** Of several meshes those that could not be tested, were not, or could not be taken down. */
  readonly failedMeshes: readonly { readonly mesh: string; readonly problem: Problem }[];
  readonly phases: readonly PhaseResult[];
  readonly scenarios: readonly ScenarioResult[];
  readonly counts: Counts & { readonly notRun: number };
  readonly findings: readonly Finding[];
  /** What skipped checks leave unproven, and why. Absent in reports of earlier versions. */
  readonly unproven?: readonly Unproven[] | undefined;
  readonly differences: readonly Difference[];
  /** Absent when nothing was repeated. */
  readonly flaky?: readonly Flaky[] | undefined;
  readonly warnings: readonly {
    readonly message: string;
    readonly mesh?: string | undefined;
    readonly place?: Place | undefined;
  }[];
  /** Null while the run has not finished. */
  readonly exitCode: number | null;
}

const latest = Date.UTC(9999, 11, 31);

/** Milliseconds since the epoch as ISO 8601 in UTC; what is not a date becomes the nearest one. */
export function isoTime(at: number): string {
  return new Date(Number.isFinite(at) ? Math.min(Math.max(at, 0), latest) : 0).toISOString();
}

/** Every mesh that a result is about, also those that could not be set up, in its order. */
export function meshIds({ run, meshes, failedMeshes, scenarios }: RunResult): string[] {
  const ids = [
    ...(run.meshes ?? []),
    ...meshes.map(({ id }) => id),
    ...failedMeshes.map(({ mesh }) => mesh),
    ...scenarios.map(({ info }) => info.mesh),
  ];
  return [...new Set(ids)];
}

/**
 * What to call a mesh in reports: `istio-1.30.3` and the target, or only its id while nothing is known about it. Where
 * another mesh of the run would be called the same, the version of Envoy comes between, and the id when that does not help.
 */
export function meshLabel(meshes: readonly MeshFacts[], id: string): readonly string[] {
  const mesh = meshes.find((each) => each.id === id);
  if (mesh === undefined) return [id];
  const { istio, envoy, target } = mesh;
  const alike = meshes.filter((each) => each !== mesh && each.istio === istio && each.target === target);
  if (alike.length === 0) return [`istio-${istio}`, target];
  const isKnownByEnvoy = envoy !== undefined && alike.every((each) => each.envoy !== envoy);
  return [`istio-${istio}`, isKnownByEnvoy ? `envoy-${envoy}` : id, target];
}
