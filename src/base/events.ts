/**
 * What happens in a run, as a stream of plain, JSON-serialisable values. Reports are made from this stream
 * and from nothing else. Times are milliseconds; `at` fields are milliseconds since the epoch.
 */
import type { ErrorCode, HarnessError, Place } from './errors.ts';

export type FetchMode = 'istiod' | 'envoy' | 'hybrid';
/** `known`: failed, as the baseline file says it does. */
export type CheckState = 'passed' | 'failed' | 'known' | 'error' | 'skipped';

/** What is known about the mesh under test. `id` tells meshes of one run apart. */
export interface MeshFacts {
  readonly id: string;
  readonly target: string;
  /** Why this target was taken. */
  readonly reason: string;
  readonly istio: string;
  readonly envoy?: string | undefined;
  readonly kubernetes?: string | undefined;
  readonly asm?: string | undefined;
  readonly fetch: FetchMode;
  /** Address of the user's own key server, which scenarios use in place of one of this tool. */
  readonly ownKeyServer?: string | undefined;
  /** More to show in a report: context, cluster name, image hub and so on. */
  readonly details?: Readonly<Record<string, string>>;
}

export interface SourceRef {
  /** Empty: no document makes the promise, the scenario alone says what is expected. */
  readonly document: string;
  readonly section: string;
  readonly url?: string | undefined;
}

/** The document and the section, as a sentence has them; undefined when no document makes the promise. */
export function sourceText({ document, section }: SourceRef): string | undefined {
  return document === '' ? undefined : `${document}, "${section}"`;
}

export interface ScenarioInfo {
  /** Unique in a run: the name, with `@mode` when the scenario runs in several fetch modes. */
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly mesh: string;
  readonly profile: string;
  readonly fetch?: FetchMode | undefined;
  /** Mesh settings and variables of istiod that it asks for, by name. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly source: SourceRef;
  readonly tags: readonly string[];
  readonly place: Place;
  /** Which time it runs, from 1, when scenarios are repeated; the id then ends with `#` and this number. */
  readonly repeat?: number | undefined;
}

/** The id without the number of the repetition, as the scenario has it in a run that repeats nothing. */
export function idOnce({
  id,
  repeat,
}: {
  readonly id: string;
  readonly repeat?: number | undefined;
}): string {
  return repeat === undefined ? id : id.slice(0, -`#${repeat}`.length);
}

/** One of several parts of a run, each of which runs its share of the scenarios; `index` starts at 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** A failure of something other than a verdict. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly place?: Place | undefined;
  readonly details?: string | undefined;
}

/** The parts of an error that events carry. */
export function problemOf({ code, message, hint, place, details }: HarnessError): Problem {
  return { code, message, hint, place, details };
}

export interface TokenView {
  readonly name: string;
  /** Absent, as are the claims, for what is not a token. */
  readonly header?: unknown;
  readonly claims?: unknown;
  /** For what is not a token: what was sent instead. */
  readonly raw?: string | undefined;
}

/** A file that explains a check. */
export interface EvidenceText {
  readonly name: string;
  /** At most some kilobytes of the file, with tokens made harmless. */
  readonly text: string;
  /** How many characters of the file are left out, in the middle. */
  readonly omitted?: number | undefined;
}

/** Something that was applied, for people to read. */
export interface AppliedManifest {
  /** `Kind namespace/name`. */
  readonly object: string;
  /** As it was applied, with `${…}` filled in; data of Secrets is left out. */
  readonly yaml: string;
}

/** Which policies hold for which workloads, as the API server has both. */
export interface Selection {
  /** `namespace/name`, with the labels that tell two of one name apart: those that decide about requests first. */
  readonly workloads: readonly string[];
  /** RequestAuthentications and AuthorizationPolicies. */
  readonly policies: readonly {
    /** `Kind namespace/name`. */
    readonly policy: string;
    /** Of an AuthorizationPolicy. */
    readonly action?: string | undefined;
    /** It names no workload: it holds for all of its namespace, or of the mesh. */
    readonly scope?: 'namespace' | 'mesh' | undefined;
    /** Those of `workloads` that it holds for. */
    readonly workloads: readonly string[];
    /** Why it holds for none. */
    readonly idle?: string | undefined;
  }[];
  /** How many workloads and policies are left out, because there are too many; absent when none are. */
  readonly omitted?: number | undefined;
}

/** Why a check is expected to fail, from the baseline file. */
export interface KnownDeviation {
  readonly reason: string;
  /** The last day for which that is accepted, such as 2027-01-31. */
  readonly until: string;
}

/** How a check came to its answer. */
export interface Convergence {
  readonly attempts: number;
  /** From the change until the first right answer. */
  readonly firstRightMs?: number | undefined;
  /** From the change until the last wrong answer; absent when no answer was wrong. */
  readonly lastWrongMs?: number | undefined;
  /** How many answers were wrong. Those before the first right one came from the configuration before. */
  readonly stale: number;
  /** How many answers came since it was proven that the proxies have what was declared; absent without a proof. */
  readonly answers?: number | undefined;
  /** How many of `answers` were right. */
  readonly right?: number | undefined;
  /** The longest time from the change until answers are right for good, where the scenario says one. */
  readonly limitMs?: number | undefined;
}

/** From the change until answers were right for good, as far as they were asked for; undefined when they never were. */
export function settledMs({ firstRightMs, lastWrongMs = 0 }: Convergence): number | undefined {
  return firstRightMs === undefined ? undefined : Math.max(firstRightMs, lastWrongMs);
}

export interface CheckResult {
  /** Stable across runs: `scenario/step/row/column`. */
  readonly id: string;
  readonly kind: 'request' | 'apply' | 'fetched';
  readonly scenario: string;
  /** The fetch mode that the scenario asks for. */
  readonly fetch?: FetchMode | undefined;
  readonly step: string;
  readonly row: string;
  readonly column: string;
  readonly source: SourceRef;
  readonly place: Place;
  readonly state: CheckState;
  readonly expected: string;
  readonly actual?: string | undefined;
  /** One line: why it failed, why there is no verdict, why it was skipped. */
  readonly message?: string | undefined;
  readonly hint?: string | undefined;
  readonly code?: ErrorCode | undefined;
  /** A deviation from the document that is known and explained. */
  readonly finding?: string | undefined;
  readonly request?:
    | {
        readonly curl: string;
        readonly method: string;
        readonly url: string;
        readonly headers: readonly (readonly [string, string])[];
        readonly token?: TokenView | undefined;
      }
    | undefined;
  readonly response?:
    | {
        readonly status: number;
        readonly headers: Readonly<Record<string, string>>;
        readonly body: string;
      }
    | undefined;
  readonly convergence?: Convergence | undefined;
  /** How it is known that the policy just applied gave this answer. */
  readonly proof?: string | undefined;
  /** Folder with the evidence, relative to the artifacts folder. */
  readonly evidence?: string | undefined;
  /** What is in that folder. */
  readonly evidenceFiles?: readonly EvidenceText[] | undefined;
  /** Set when `state` is `known`. */
  readonly known?: KnownDeviation | undefined;
  readonly durationMs: number;
}

/** A mistake in a policy that no check of its scenario notices. */
interface Survivor {
  /** `Kind namespace/name`. */
  readonly policy: string;
  /** What was changed, as the end of a sentence about the policy. */
  readonly change: string;
  /** Where the policy stands. */
  readonly place: Place;
  /** The request that would notice it, as people can send it. */
  readonly request: string;
  /** What is answered to it, and what would be with the mistake. */
  readonly answer: string;
  readonly mistaken: string;
}

/** How many mistakes in the policies of a scenario its checks would notice, by the model of policies. */
export interface Mutation {
  readonly noticed: number;
  readonly survived: number;
  /** Not counted: they change no answer to any request. */
  readonly equivalent: number;
  /** Not counted either: it is not known whether they do. */
  readonly undecided: number;
  readonly survivors: readonly Survivor[];
}

/** How far something is that takes its time. */
export interface Work {
  readonly done: number;
  /** Absent when nobody knows. */
  readonly total?: number | undefined;
  readonly unit: 'bytes' | 'modules' | 'packages';
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Failed as the baseline says; absent when there are none. */
  readonly known?: number | undefined;
  readonly error: number;
  readonly skipped: number;
}

export type Event =
  | {
      readonly type: 'run-started';
      readonly at: number;
      readonly runId: string;
      readonly version: string;
      /** The meshes of a run with several, in their order; absent when there is one. */
      readonly meshes?: readonly string[] | undefined;
      /** Absent when the run is a whole one. */
      readonly shard?: Shard | undefined;
    }
  | {
      /** What is going to be tested, and where, before anything is loaded, started or fetched for it. */
      readonly type: 'outlook';
      readonly at: number;
      readonly target: string;
      /** Why this target was taken. */
      readonly reason: string;
      /** Versions of Istio, one for each mesh; empty when only the mesh can tell. */
      readonly istio: readonly string[];
      /** In a mesh of such versions; on another one it may be less. Absent when nothing is to be run. */
      readonly scenarios?: { readonly count: number; readonly checks: number } | undefined;
      /** How long it takes until the mesh is there, and to its end, as it was measured elsewhere. Milliseconds. */
      readonly aboutMs?: { readonly mesh: number; readonly all: number } | undefined;
    }
  | {
      /** Where the programs of a mesh come from. */
      readonly type: 'programs';
      readonly at: number;
      readonly mesh?: string | undefined;
      /** Such as `{ kind: '0.33.0 from PATH' }`; in their order. */
      readonly origins: Readonly<Record<string, string>>;
    }
  | {
      /** A step of something that takes its time, and how far it is. No warning. */
      readonly type: 'progress';
      readonly at: number;
      readonly mesh?: string | undefined;
      readonly message: string;
      readonly work?: Work | undefined;
    }
  | {
      readonly type: 'phase-started';
      readonly at: number;
      readonly phase: string;
      /** Which of several meshes it is about. */
      readonly mesh?: string | undefined;
    }
  | {
      readonly type: 'phase-finished';
      readonly at: number;
      readonly phase: string;
      readonly mesh?: string | undefined;
      readonly durationMs: number;
      readonly note?: string | undefined;
    }
  | {
      readonly type: 'phase-failed';
      readonly at: number;
      readonly phase: string;
      readonly mesh?: string | undefined;
      readonly durationMs: number;
      readonly problem: Problem;
    }
  | { readonly type: 'mesh-ready'; readonly at: number; readonly mesh: MeshFacts }
  | {
      /** One of several meshes cannot be tested, was not tested, or cannot be taken down; the others go on. */
      readonly type: 'mesh-failed';
      readonly at: number;
      readonly mesh: string;
      readonly problem: Problem;
    }
  | {
      readonly type: 'planned';
      readonly at: number;
      readonly mesh: string;
      readonly scenarios: readonly { readonly info: ScenarioInfo; readonly checks: number }[];
    }
  | {
      readonly type: 'warning';
      readonly at: number;
      readonly message: string;
      readonly mesh?: string | undefined;
      readonly place?: Place | undefined;
    }
  | { readonly type: 'scenario-started'; readonly at: number; readonly scenario: ScenarioInfo }
  | {
      readonly type: 'step-started';
      readonly at: number;
      readonly mesh: string;
      readonly scenario: string;
      readonly step: string;
    }
  | {
      readonly type: 'step-applied';
      readonly at: number;
      readonly mesh: string;
      readonly scenario: string;
      readonly step: string;
      /** `Kind namespace/name` of everything applied or deleted. */
      readonly objects: readonly string[];
      /** What the step applies, also when the API server refuses it as it should. */
      readonly manifests?: readonly AppliedManifest[] | undefined;
      /** Warnings of admission webhooks, as the API server passed them on. */
      readonly warnings: readonly string[];
      /** Of those that are about what the scenario does on purpose: what to say instead. */
      readonly meant?: Readonly<Record<string, string>> | undefined;
    }
  | {
      /** When there are policies; also when it cannot be proven that proxies have them. */
      readonly type: 'step-selected';
      readonly at: number;
      readonly mesh: string;
      readonly scenario: string;
      readonly step: string;
      readonly selection: Selection;
    }
  | {
      readonly type: 'step-held';
      readonly at: number;
      readonly mesh: string;
      readonly scenario: string;
      readonly step: string;
      /** From the change until every proxy concerned had the new configuration. */
      readonly durationMs: number;
      readonly proof: string;
    }
  | {
      readonly type: 'check-finished';
      readonly at: number;
      readonly mesh: string;
      readonly check: CheckResult;
    }
  | {
      /** The run waits, with everything that a scenario has applied in place, until somebody lets it go on. */
      readonly type: 'paused';
      readonly at: number;
      readonly mesh: string;
      readonly scenario: string;
      /** Lines to paste into a shell that look into the mesh. */
      readonly look: readonly string[];
      /** The same for requests whose answers were wrong, by the id of the check; they work as long as the run waits. */
      readonly requests: Readonly<Record<string, string>>;
    }
  | { readonly type: 'resumed'; readonly at: number; readonly mesh: string; readonly scenario: string }
  | {
      readonly type: 'scenario-finished';
      readonly at: number;
      readonly scenario: string;
      readonly mesh: string;
      readonly durationMs: number;
      readonly problem?: Problem | undefined;
    }
  | {
      /** After a scenario: mistakes were made in its policies, without the mesh. */
      readonly type: 'mutated';
      readonly at: number;
      readonly mesh: string;
      readonly scenario: string;
      readonly mutation: Mutation;
    }
  | {
      readonly type: 'run-finished';
      readonly at: number;
      readonly durationMs: number;
      readonly counts: Counts;
      readonly exitCode: number;
      readonly interrupted?: boolean | undefined;
      readonly problem?: Problem | undefined;
    };

/** Receives events in order. Must not throw. */
export type Emit = (event: Event) => void;

/** An event without its time, as the parts of a run give it to {@link stamped}. */
export type Unstamped<E extends Event = Event> = E extends Event ? Omit<E, 'at'> : never;

/** Wraps `emit` so that every event carries the time at which it was given. */
export function stamped(emit: Emit, now: () => number = Date.now): (event: Unstamped) => void {
  return (event) => emit({ ...event, at: now() } as Event);
}

const aboutMesh: readonly Event['type'][] = [
  ...(['warning', 'progress', 'programs'] as const),
  ...(['phase-started', 'phase-finished', 'phase-failed'] as const),
];

/** Wraps what takes a target's progress so that it says which of several meshes it is about. */
export function ofMesh(mesh: string, tell: (event: Unstamped) => void): (event: Unstamped) => void {
  return (event) => {
    const isAboutMesh = aboutMesh.includes(event.type);
    tell(isAboutMesh ? ({ ...event, mesh } as Unstamped) : event);
  };
}
