/** Which kinds of objects of a mesh were changed since its proxies were last proven to have everything. */
import { markersFor } from './prove.ts';

export class Pending {
  /** Applications and whatever else there was before the run may be on their way too. */
  readonly #kinds = new Set<string>(['Deployment']);
  #apps = '';

  /** Says which applications a scenario uses: their routes change when they do. */
  uses(apps: readonly string[]): void {
    const now = [...apps].sort().join();
    if (now !== this.#apps) this.add(['VirtualService']);
    this.#apps = now;
  }

  add(kinds: Iterable<string>): void {
    for (const kind of kinds) this.#kinds.add(kind);
  }

  get markers(): 1 | 2 {
    return markersFor(this.#kinds);
  }

  /** Everything has come. */
  clear(): void {
    this.#kinds.clear();
  }
}
