/** What a run amounts to: the value behind results.json and the JUnit report. Durations are milliseconds. */

import type { Place } from '../errors.ts';
import type { CheckResult, CheckState, Counts, MeshFacts, Problem, ScenarioInfo } from '../events.ts';

/** `planned` and `running` only occur while the run has not finished. */
export type ScenarioState = CheckState | 'planned' | 'running';

export interface PhaseResult {
  readonly phase: string;
  readonly state: 'running' | 'passed' | 'failed';
  readonly durationMs: number;
  readonly note?: string | undefined;
  readonly problem?: Problem | undefined;
}

export interface StepResult {
  readonly name: string;
  /** `Kind namespace/name` of everything applied or deleted. */
  readonly objects: readonly string[];
  readonly warnings: readonly string[];
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
}

/** A known deviation from the documents, with the checks that show it. */
export interface Finding {
  readonly text: string;
  readonly checks: readonly string[];
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
    readonly problem?: Problem | undefined;
  };
  readonly meshes: readonly MeshFacts[];
  readonly phases: readonly PhaseResult[];
  readonly scenarios: readonly ScenarioResult[];
  readonly counts: Counts & { readonly notRun: number };
  readonly findings: readonly Finding[];
  readonly warnings: readonly { readonly message: string; readonly place?: Place | undefined }[];
  /** Null while the run has not finished. */
  readonly exitCode: number | null;
}

const latest = Date.UTC(9999, 11, 31);

/** Milliseconds since the epoch as ISO 8601 in UTC; what is not a date becomes the nearest one. */
export function isoTime(at: number): string {
  return new Date(Number.isFinite(at) ? Math.min(Math.max(at, 0), latest) : 0).toISOString();
}

/** What to call a mesh in reports: `istio-1.30.3` and the target, or only its id while nothing is known about it. */
export function meshLabel(mesh: MeshFacts | undefined, id: string): readonly string[] {
  return mesh === undefined ? [id] : [`istio-${mesh.istio}`, mesh.target];
}
