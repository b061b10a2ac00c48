/** What a run comes to: counts of checks, what kept meshes and scenarios from a verdict, and the exit code that follows. */
import { asHarnessError, exitCodes, type HarnessError } from '../errors.ts';
import { type Emit, stamped, type Unstamped } from '../events.ts';
import type { Mesh } from './mesh.ts';
import { problemOf } from './scenario.ts';

export class Tally {
  /** Of the checks of all meshes so far. */
  readonly counts = { passed: 0, failed: 0, error: 0, skipped: 0 };
  readonly #emit: Emit;
  readonly #errors: { readonly mesh: Mesh; readonly error: HarnessError; readonly told: boolean }[] = [];
  #problems = 0;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  /** Counts the event and passes it on. */
  readonly tell: Emit = (event) => {
    if (event.type === 'check-finished') this.counts[event.check.state] += 1;
    if (event.type === 'scenario-finished' && event.problem !== undefined) this.#problems += 1;
    this.#emit(event);
  };

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
