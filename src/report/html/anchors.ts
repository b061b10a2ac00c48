/** Names of places in the page, for links into it. */
import { createHash } from 'node:crypto';

/**
 * Hands out ids that are unique in the page and the same in every report of the same scenarios: readable words, and a
 * hash of what the words leave out.
 */
export class Anchors {
  readonly #taken = new Set<string>();

  /** @param prefix what kind of thing it is, so that a name from outside cannot take the id of a part of the page */
  make(prefix: string, ...names: readonly string[]): string {
    const words = names
      .join(' ')
      .toLowerCase()
      .replace(/[^a-z0-9.]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 90);
    const hash = createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 6);
    const wanted = `${prefix}-${words}-${hash}`;
    let id = wanted;
    for (let count = 2; this.#taken.has(id); count += 1) id = `${wanted}-${count}`;
    this.#taken.add(id);
    return id;
  }
}
