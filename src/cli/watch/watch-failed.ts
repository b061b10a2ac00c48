/** Which files have scenarios that did not pass when they ran last. */
import type { Event } from '../../base/events.ts';

export class Failed {
  /** The files of scenarios, by mesh and id. */
  readonly #files = new Map<string, string>();
  readonly #running = new Set<string>();
  readonly #failed = new Set<string>();

  note(event: Event): void {
    if (event.type === 'scenario-started') {
      const { id, mesh, place } = event.scenario;
      this.#files.set(key(mesh, id), place.file);
      this.#running.delete(key(mesh, id));
    }
    if (event.type === 'check-finished' && ['failed', 'error'].includes(event.check.state)) {
      this.#running.add(key(event.mesh, event.check.scenario));
    }
    if (event.type === 'scenario-finished') {
      const which = key(event.mesh, event.scenario);
      if (event.problem !== undefined || this.#running.has(which)) this.#failed.add(which);
      else this.#failed.delete(which);
    }
  }

  get files(): Set<string> {
    return new Set([...this.#failed].flatMap((which) => this.#files.get(which) ?? []));
  }
}

function key(mesh: string, scenario: string): string {
  return JSON.stringify([mesh, scenario]);
}
