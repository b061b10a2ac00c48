/** Which scenarios of a round have come to their end: what is cut short has to be run again. */
import type { Event } from '../../base/events.ts';

export class Progress {
  readonly #cut: AbortSignal;
  readonly #planned = new Set<string>();
  /** The files of scenarios that have not ended, by mesh and id. */
  readonly #open = new Map<string, string>();

  constructor(cut: AbortSignal) {
    this.#cut = cut;
  }

  note(event: Event): void {
    if (event.type === 'planned') {
      this.#planned.add(event.mesh);
      for (const { info } of event.scenarios) {
        this.#open.set(JSON.stringify([event.mesh, info.id]), info.place.file);
      }
    }
    // One that ends after the round was cut short has not run to its end.
    if (event.type === 'scenario-finished' && !this.#cut.aborted) {
      this.#open.delete(JSON.stringify([event.mesh, event.scenario]));
    }
  }

  /** Of these files those whose scenarios have not all ended on all of so many meshes. */
  unfinished(files: ReadonlySet<string>, meshes: number): string[] {
    const open = new Set(this.#open.values());
    return [...files].filter((file) => this.#planned.size < meshes || open.has(file));
  }
}
