/** How each check came out in earlier runs. Pure: what was read from files comes in as results. */
import type { CheckState, MeshFacts } from '../../base/events.ts';
import type { RunResult } from '../result.ts';

/** An earlier run, with no more of it than is shown. */
export interface PastRun {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly meshes: readonly MeshFacts[];
  /** By mesh, then by the id of the check. */
  readonly states: ReadonlyMap<string, ReadonlyMap<string, CheckState>>;
}

export interface History {
  /** The oldest first. */
  readonly runs: readonly PastRun[];
  /** Files that could not be read, each in a line that names it. */
  readonly problems: readonly string[];
}

/** What a run amounts to for those that come after it. */
export function pastRunOf({ run, meshes, scenarios }: RunResult): PastRun {
  const states = new Map<string, Map<string, CheckState>>();
  for (const { info, checks } of scenarios) {
    const own = states.get(info.mesh) ?? new Map<string, CheckState>();
    for (const { id, state } of checks) own.set(id, state);
    states.set(info.mesh, own);
  }
  return { id: run.id, startedAt: run.startedAt, meshes, states };
}

/** One place in the strip of a check: a run, and how the check came out; undefined when it was not in this run. */
export interface Past {
  readonly run: Pick<PastRun, 'id' | 'startedAt'>;
  readonly istio: string | undefined;
  readonly state: CheckState | undefined;
}

/**
 * How a check came out in earlier runs. Of a run with one mesh it is that mesh, whatever it is called: an upgrade gives it
 * another name. Of several it is the one with the same name.
 *
 * @param meshes how many the run has that is shown
 */
export function pastOf({ runs }: History, mesh: string, check: string, meshes: number): Past[] {
  return runs.map(({ id, startedAt, states, meshes: facts }) => {
    const only = meshes === 1 && states.size === 1 ? [...states.keys()][0] : undefined;
    const name = only ?? mesh;
    return {
      run: { id, startedAt },
      istio: facts.find((each) => each.id === name)?.istio,
      state: states.get(name)?.get(check),
    };
  });
}

/** When a check changed last, from what to what; a skipped one says nothing, and is passed over. */
interface Turn {
  readonly before: CheckState;
  /** Start of the first run in which it was as it is now; undefined: of the run that is shown. */
  readonly since: Past['run'] | undefined;
  /** How many runs it has been so, this one included. */
  readonly runs: number;
}

/** Undefined when it has always been as it is now, as far as is known. */
export function lastTurn(past: readonly Past[], now: CheckState): Turn | undefined {
  let since: Past['run'] | undefined;
  let runs = 1;
  for (const { run, state } of past.toReversed()) {
    if (state === undefined || state === 'skipped') continue;
    if (state !== now) return { before: state, since, runs };
    since = run;
    runs += 1;
  }
  return undefined;
}
