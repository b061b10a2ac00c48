/** What a run comes to: counts of checks, what kept meshes and scenarios from a verdict, and the exit code that follows. */
import { asHarnessError, exitCodes, type HarnessError, interruptedCode } from '../base/errors.ts';
import {
  type Counts,
  type Emit,
  type Event,
  type MeshFacts,
  problemOf,
  type Shard,
  stamped,
  type Unstamped,
} from '../base/events.ts';
import { nothingTested } from '../base/skipped.ts';
import type { KnownDeviations } from './answers/known-use.ts';
import type { Mesh } from './run-mesh.ts';

/** What has become of the checks of one mesh. */
interface Tested {
  /** The reason of each check that was skipped. */
  readonly skipped: string[];
  /** Whether there is a verdict, or something that says why there is none. */
  isTold: boolean;
  /** Checks of scenarios that were planned and have no result yet. */
  readonly open: Map<string, number>;
}

/** How a run has come to its end. */
export interface Ending {
  readonly durationMs: number;
  /** What has cut it off, when it was. */
  readonly cutOff: AbortSignal | undefined;
  readonly shard: Shard | undefined;
}

export class Tally {
  /** Of the checks of all meshes so far. */
  readonly counts: { -readonly [Name in keyof Counts]: Counts[Name] } = {
    passed: 0,
    failed: 0,
    error: 0,
    skipped: 0,
  };
  readonly #emit: Emit;
  readonly #errors: { readonly mesh: Mesh; readonly error: HarnessError; readonly told: boolean }[] = [];
  readonly #known: KnownDeviations | undefined;
  readonly #facts = new Map<string, MeshFacts>();
  readonly #tested = new Map<string, Tested>();
  #problems = 0;

  /** @param known what may fail; reports never see that it did without seeing that it may */
  constructor(emit: Emit, known?: KnownDeviations) {
    this.#emit = emit;
    this.#known = known;
  }

  /** Counts the event and passes it on, with checks as the baseline sees them. */
  readonly tell: Emit = (given) => {
    const event = this.#seen(given);
    if (event.type === 'planned') {
      const { open } = this.#of(event.mesh);
      for (const { info, checks } of event.scenarios) open.set(info.id, checks);
    }
    if (event.type === 'check-finished') {
      const { state, scenario, message } = event.check;
      this.counts[state] = (this.counts[state] ?? 0) + 1;
      const tested = this.#of(event.mesh);
      tested.open.set(scenario, (tested.open.get(scenario) ?? 0) - 1);
      if (state === 'skipped') tested.skipped.push(message ?? 'no reason given');
      else tested.isTold = true;
    }
    if (event.type === 'scenario-finished' && event.problem !== undefined) {
      this.#problems += 1;
      this.#of(event.mesh).isTold = true;
    }
    this.#emit(event);
  };

  #seen(event: Event): Event {
    if (event.type === 'mesh-ready') this.#facts.set(event.mesh.id, event.mesh);
    if (event.type !== 'check-finished' || this.#known === undefined) return event;
    const facts = this.#facts.get(event.mesh);
    return facts === undefined ? event : { ...event, check: this.#known.apply(event.check, facts) };
  }

  /** @param mesh its id; what has none never came up, and has had nothing */
  #of(mesh = ''): Tested {
    const known = this.#tested.get(mesh) ?? { skipped: [], isTold: false, open: new Map() };
    this.#tested.set(mesh, known);
    return known;
  }

  /** The same for events without a time. */
  emit(event: Unstamped): void {
    stamped(this.tell)(event);
  }

  /** Notes what ended the work on a mesh. The first of each mesh explains most; one of several is told at once. */
  failed(mesh: Mesh, thrown: unknown, interrupted: boolean): void {
    if (this.#errors.some((each) => each.mesh === mesh)) return;
    const error = asHarnessError(thrown);
    const { label } = mesh;
    // A wrong choice of scenarios is the same on every mesh, and no mesh is to blame.
    const told = label !== undefined && error.code !== 'E_USAGE' && !interrupted;
    this.#errors.push({ mesh, error, told });
    if (told) this.emit({ type: 'mesh-failed', mesh: label, problem: problemOf(error) });
  }

  /** Tells what can only be known now, and that the run has ended. @returns the exit code */
  finish(meshes: readonly Mesh[], { durationMs, cutOff, shard }: Ending): number {
    if (cutOff === undefined) {
      this.#tellUnused();
      for (const mesh of meshes) this.#expectTested(mesh, shard);
    }
    const exitCode = cutOff === undefined ? this.#exitCode : interruptedCode(cutOff.reason);
    // What was told of a mesh is not told of the run again; after an interruption whatever went wrong is a consequence.
    const untold = cutOff === undefined ? this.#errors.find(({ told }) => !told)?.error : undefined;
    this.emit({
      type: 'run-finished',
      durationMs,
      counts: this.counts,
      exitCode,
      interrupted: cutOff === undefined ? undefined : true,
      problem: untold === undefined ? undefined : problemOf(untold),
    });
    return exitCode;
  }

  /** Says which entries of the baseline were of no use. */
  #tellUnused(): void {
    for (const { message, place } of this.#known?.remarks() ?? []) {
      this.emit({ type: 'warning', message, place });
    }
  }

  /** A mesh that nothing was found out about, for whatever reason, is not one that has passed. */
  #expectTested(mesh: Mesh, shard: Shard | undefined): void {
    const { skipped, isTold } = this.#of(mesh.facts?.id);
    if (isTold) return;
    const index = this.#errors.findIndex((each) => each.mesh === mesh);
    // The choice was none that is wrong everywhere: only this mesh has no use for it.
    const isOnlyHere =
      this.#errors[index]?.error.code === 'E_USAGE' && [...this.#tested.values()].some((each) => each.isTold);
    if (isOnlyHere) this.#errors.splice(index, 1);
    // Of no account where something else has gone wrong, which explains more.
    this.failed(mesh, nothingTested(skipped, shard), false);
  }

  get hasFailures(): boolean {
    return this.counts.failed + this.counts.error > 0;
  }

  /** A failed check is a verdict about the mesh and counts more than something that kept others from a verdict. */
  get #exitCode(): number {
    if (this.counts.failed > 0) return exitCodes.failed;
    if (this.#errors.length > 0) return Math.max(...this.#errors.map(({ error }) => error.exitCode));
    const isOpen = [...this.#tested.values()].some(({ open }) => [...open.values()].some((left) => left > 0));
    return this.counts.error > 0 || this.#problems > 0 || isOpen ? exitCodes.noVerdict : exitCodes.passed;
  }
}
