/** Scenarios with a mistake in them: a documented one, changed in one place. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, parseDocument } from 'yaml';

/** Where the documented scenarios are. */
const documented = new URL('../../../scenarios/documented/', import.meta.url);

/** A place in a scenario, such as `['steps', 0, 'apply', 1]`. */
type Path = readonly (string | number)[];

export class Draft {
  readonly #document: Document;

  constructor(base: string) {
    this.#document = parseDocument(readFileSync(new URL(`${base}.yaml`, documented), 'utf8'));
  }

  /** @throws Error when there is nothing at the path: the documented scenario is not what the test takes it for */
  set(path: Path, value: unknown): this {
    this.#mustHave(path);
    this.#document.setIn(path, this.#document.createNode(value));
    return this;
  }

  add(path: Path, value: unknown): this {
    this.#mustHave(path.slice(0, -1));
    this.#document.setIn(path, this.#document.createNode(value));
    return this;
  }

  remove(path: Path): this {
    this.#mustHave(path);
    this.#document.deleteIn(path);
    return this;
  }

  /** Only these steps, by their numbers from 0. */
  onlySteps(...wanted: readonly number[]): this {
    const steps = wanted.map((index) => this.#document.getIn(['steps', index], true));
    if (steps.includes(undefined)) throw new Error(`there are no steps ${wanted}`);
    this.#document.setIn(['steps'], this.#document.createNode(steps));
    return this;
  }

  /** Writes the scenario under another name, so that several can be made from the same; returns the file. */
  write(folder: string, name: string): string {
    this.#document.set('name', name);
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, this.#document.toString({ lineWidth: 0 }));
    return file;
  }

  #mustHave(path: Path): void {
    if (path.length > 0 && !this.#document.hasIn(path)) throw new Error(`there is no ${path.join('.')}`);
  }
}

/** Keys from an external server, and an answer that never comes, so that a run stays where it is. Returns the file. */
export function endless(folder: string, name: string): string {
  return new Draft('jwks-external-http')
    .onlySteps(1, 2)
    .set(['mesh', 'fetch'], ['istiod'])
    .set(['steps', 0, 'expect', 'no token', 0], 418)
    .write(folder, name);
}
