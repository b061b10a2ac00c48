/** What was changed in a mesh since its proxies were last proven to have everything. */
import type { Target } from '../../target/target.ts';
import { applyMarker, type Marked, markersFor, type Snapshot } from './prove.ts';

export class Pending {
  /** Kinds of objects. Applications and whatever else there was before the run may be on their way too. */
  #kinds = new Set<string>(['Deployment']);
  /** Those that were changed after the last marker. */
  #since = new Set<string>();
  #marked: Marked | undefined;
  #apps = '';

  /** Says which applications a scenario uses: their routes change when they do. */
  uses(apps: readonly string[]): void {
    const now = [...apps].sort().join();
    if (now !== this.#apps) this.add(['VirtualService']);
    this.#apps = now;
  }

  add(kinds: Iterable<string>): void {
    for (const kind of kinds) {
      this.#kinds.add(kind);
      this.#since.add(kind);
    }
  }

  /**
   * Applies a marker while nobody waits for it, where two are needed: the next proof may find that it has come.
   *
   * @param snapshot of the proxies that will probably count again
   */
  async mark(target: Target, snapshot: Snapshot, signal: AbortSignal): Promise<void> {
    if (this.markers === 1 || snapshot.size === 0 || target.isReadOnly === true) return;
    const proxies = [...snapshot.values()].map(({ proxy }) => proxy);
    this.#marked = { value: await applyMarker(target, proxies, signal), proxies };
    this.#since = new Set();
  }

  /** How many markers prove that everything has come. */
  get markers(): 1 | 2 {
    return markersFor(this.#kinds);
  }

  /** A marker that is on its way already, when there is one, and no more than one has to come after it. */
  get marked(): Marked | undefined {
    return markersFor(this.#since) === 1 ? this.#marked : undefined;
  }

  /** Everything has come. */
  clear(): void {
    this.#kinds = new Set();
    this.#since = new Set();
    this.#marked = undefined;
  }
}
