/** What a run comes to: counts of checks, what kept meshes and scenarios from a verdict, and the exit code that follows. */
import { asHarnessError, exitCodes, type HarnessError } from '../errors.ts';
import { type Counts, type Emit, type Event, type MeshFacts, stamped, type Unstamped } from '../events.ts';
import type { KnownDeviations } from './known-use.ts';
import type { Mesh } from './mesh.ts';
import { problemOf } from './scenario.ts';

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
  #problems = 0;

  /** @param known what may fail; reports never see that it did without seeing that it may */
  constructor(emit: Emit, known?: KnownDeviations) {
    this.#emit = emit;
    this.#known = known;
  }

  /** Counts the event and passes it on, with checks as the baseline sees them. */
  readonly tell: Emit = (given) => {
    const event = this.#seen(given);
    if (event.type === 'check-finished') {
      const { state } = event.check;
      this.counts[state] = (this.counts[state] ?? 0) + 1;
    }
    if (event.type === 'scenario-finished' && event.problem !== undefined) this.#problems += 1;
    this.#emit(event);
  };

  #seen(event: Event): Event {
    if (event.type === 'mesh-ready') this.#facts.set(event.mesh.id, event.mesh);
    if (event.type !== 'check-finished' || this.#known === undefined) return event;
    const facts = this.#facts.get(event.mesh);
    return facts === undefined ? event : { ...event, check: this.#known.apply(event.check, facts) };
  }

  /** Says which entries of the baseline were of no use, once everything has run. */
  tellUnused(): void {
    for (const { message, place } of this.#known?.remarks() ?? []) {
      this.emit({ type: 'warning', message, place });
    }
  }

  /** The same for events without a time. */
  emit(event: Unstamped): void {
    stamped(this.tell)(event);
  }

  /** Notes what ended the work on a mesh. The first of each mesh explains most; one of several is told at once. */
  failed(mesh: Mesh, thrown: unknown, interrupted: boolean): void {
    if (this.#errors.some((each) => each.mesh === mesh)) return;
    const error = asHarnessError(thrown);
    // A wrong choice of scenarios is the same on every mesh, and no mesh is to blame.
    const told = mesh.label !== undefined && error.code !== 'E_USAGE' && !interrupted;
    this.#errors.push({ mesh, error, told });
    if (told) this.emit({ type: 'mesh-failed', mesh: mesh.label ?? '', problem: problemOf(error) });
  }

  /** The problem of the run itself. */
  get problem(): HarnessError | undefined {
    return this.#errors.find(({ told }) => !told)?.error;
  }

  get hasFailures(): boolean {
    return this.counts.failed + this.counts.error > 0;
  }

  /** A failed check is a verdict about the mesh and counts more than something that kept others from a verdict. */
  get exitCode(): number {
    if (this.counts.failed > 0) return exitCodes.failed;
    if (this.#errors.length > 0) return Math.max(...this.#errors.map(({ error }) => error.exitCode));
    return this.counts.error > 0 || this.#problems > 0 ? exitCodes.noVerdict : exitCodes.passed;
  }
}
