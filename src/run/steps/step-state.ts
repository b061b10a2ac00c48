/** What a scenario carries from step to step. */
import type { Place } from '../../base/errors.ts';
import type { Unstamped } from '../../base/events.ts';
import type { Clock } from '../../base/wait.ts';
import type { PlannedScenario } from '../../plan/types.ts';
import type { KubeObject, ProxyRef, Survey, Target } from '../../target/target.ts';
import type { IssuerKey } from '../../token/issuer-keys.ts';
import type { TokenSources } from '../../token/obtain.ts';
import type { Pending } from '../proof/pending.ts';
import type { Snapshot } from '../proof/prove.ts';
import type { RunContext } from '../template-context.ts';

export interface RunOptions {
  readonly runId: string;
  readonly artifacts: string;
  /** The folder within it for evidence from this mesh; undefined when there is but one mesh. */
  readonly meshFolder?: string | undefined;
  /** Images by name, for `${images.NAME}`. */
  readonly images: Readonly<Record<string, string>>;
  readonly showTokens: boolean;
  /** The key whose public part the user's own key server serves, where there is one. */
  readonly ownKey?: IssuerKey | undefined;
  /** Where tokens may come from that somebody else makes. */
  readonly tokenSources?: TokenSources | undefined;
  /** Version of the proxies, where answers depend on it. */
  readonly envoy?: string | undefined;
  /** How often in a row the expected answer must come. */
  readonly consecutive: number;
  /** Longest time for the answers to come, in milliseconds. */
  readonly answersMs: number;
  /** Longest time for a change to reach the proxies, in milliseconds. */
  readonly holdMs: number;
  /** For deadlines; default: the time that passes. */
  readonly clock?: Clock | undefined;
  /** Called when a scenario has not passed, before it is undone; returns when the run may go on. */
  readonly pause?: ((signal: AbortSignal) => Promise<void>) | undefined;
}

export interface StepState {
  readonly target: Target;
  readonly scenario: PlannedScenario;
  readonly context: RunContext;
  readonly options: RunOptions;
  readonly emit: (event: Unstamped) => void;
  /** Addresses whose keys istiod may have from an earlier scenario, where it cannot be restarted. */
  readonly cachedKeys: readonly string[];
  /** Everything the scenario has applied so far. */
  readonly applied: KubeObject[];
  /** What was changed in the mesh since proxies were last proven to have everything. */
  readonly pending: Pending;
  /** What the proxies had at the end of the step before. */
  snapshot: Snapshot;
  /** What there was in the mesh then. */
  survey: Survey | undefined;
  /** Whether they had what was declared; undefined before the first step. */
  held: Held | undefined;
}

/** Tells what no check says. */
export function warning({ emit }: Pick<StepState, 'emit'>): (message: string) => void {
  return (message) => emit({ type: 'warning', message });
}

/** How the configuration was found to hold, or why not; checks take their proof or problem from it. */
export type Held =
  | {
      readonly kind: 'holds';
      readonly proof: string;
      /** A proxy has rejected what was applied, as it should: it has what was there before, and not what is declared. */
      readonly isFromBefore?: boolean | undefined;
    }
  | { readonly kind: 'rejected'; readonly message: string }
  | {
      /** `undone`: it was proven, and has changed since, not by this run. */
      readonly kind: 'unproven' | 'undone';
      readonly message: string;
      readonly hint?: string | undefined;
      /** Of the manifest that it is about. */
      readonly place?: Place | undefined;
    };

/** The states of the proxies that are the first to decide about requests. */
export function deciding(snapshot: Snapshot): Snapshot {
  return new Map([...snapshot].filter(([, { role }]) => role === 'decides'));
}

/** The proxies in a snapshot. */
export function proxiesOf(snapshot: Snapshot): ProxyRef[] {
  return [...snapshot.values()].map(({ proxy }) => proxy);
}
