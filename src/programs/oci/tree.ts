/**
 * The file system of an image, as its layers make it (OCI image specification, layer.md): a layer adds and replaces
 * files, and whiteouts in it delete what lower layers have.
 *
 * The lowest layers may be left out, and should be, for they are large: the distribution that the image is built on.
 * The tree says when an answer needs them after all. Most builders write the folders that lead to a file into its
 * layer, so that the upper layers are enough; without them, a folder may be a link in a lower layer.
 */
import { HarnessError } from '../../base/errors.ts';
import type { Entry } from './layer.ts';
import {
  type DirectoryNode,
  directoryNode,
  type FileNode,
  type Node,
  nothing,
  partsOf,
  walk,
} from './nodes.ts';

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

interface Step {
  readonly entry: Entry;
  readonly position: number;
  readonly parents: readonly string[];
  readonly name: string;
}

export class Tree {
  readonly #root: DirectoryNode;
  /** Whether something was put where lower layers, not known here, may have had a link to elsewhere. */
  #uncertain = false;

  /** @param layers the uppermost layers by number, in ascending order, without gaps; 0 is the lowest of the image */
  constructor(layers: ReadonlyMap<number, readonly Entry[]>) {
    this.#root = directoryNode(true, layers.has(0));
    for (const [number, entries] of layers) this.#apply(number, entries);
  }

  /**
   * The file at an absolute path, links followed; 'below' when lower layers are needed to tell.
   *
   * @throws HarnessError E_PROGRAM when there is none
   */
  file(path: string): FileNode | 'below' {
    const found = this.#uncertain ? undefined : walk(this.#root, partsOf(path));
    if (found === undefined) return 'below';
    if (found.kind === 'file') return found;
    const what = found.kind === 'nothing' ? 'no file' : `a ${found.kind}`;
    throw new HarnessError('E_PROGRAM', `the image has ${what} ${path}`, {
      hint: 'another version of the image may have the file elsewhere; the hub may have another image of this name',
    });
  }

  #apply(number: number, entries: readonly Entry[]): void {
    const steps = entries.flatMap((entry, position): Step[] => {
      const parents = partsOf(entry.path);
      const name = parents.pop();
      return name === undefined ? [] : [{ entry, position, parents, name }];
    });
    const assumed = new Set<DirectoryNode>();
    const parent = (step: Step) => walk(this.#root, step.parents, assumed) as DirectoryNode;
    const put = (step: Step) => {
      const { children, closed } = parent(step);
      children.set(step.name, this.#made(step, number, children.get(step.name), closed));
    };
    // Whiteouts are about lower layers only, wherever in the archive they stand; so they come before the files. But a
    // folder that takes the place of a link must have done so before.
    for (const step of steps) if (step.entry.kind === 'directory') put(step);
    for (const step of steps) if (step.name.startsWith(whiteout)) erase(step.name, parent(step));
    for (const step of steps) if (!step.name.startsWith(whiteout)) put(step);
    if (!this.#root.closed && [...assumed].some((directory) => !directory.stated)) this.#uncertain = true;
  }

  /** What an entry makes of the node that is there already. */
  #made({ entry, position }: Step, layer: number, old: Node | undefined, closed: boolean): Node {
    switch (entry.kind) {
      case 'directory':
        if (old?.kind !== 'directory') return directoryNode(true, closed || old !== undefined);
        old.stated = true;
        return old;
      case 'hard link':
        return this.#linked(partsOf(entry.link));
      case 'symbolic link':
        return { kind: entry.kind, link: entry.link };
      case 'special file':
        return { kind: entry.kind };
      case 'file':
        return { kind: entry.kind, layer, entry: position, size: entry.size, executable: entry.executable };
    }
  }

  /** The node that a hard link shares; a symbolic link at its end is not followed. */
  #linked(parts: readonly string[]): Node {
    const directory = walk(this.#root, parts.slice(0, -1));
    const found = directory?.kind === 'directory' ? directory.children.get(parts.at(-1) ?? '') : undefined;
    if (found === undefined && !this.#root.closed) this.#uncertain = true;
    return found === undefined || found.kind === 'directory' ? nothing : found;
  }
}

/** What a whiteout does to the folder that it is in. */
function erase(name: string, directory: DirectoryNode): void {
  if (name === opaque) {
    directory.children.clear();
    directory.closed = true;
  } else if (!name.startsWith(whiteout + whiteout)) {
    directory.children.set(name.slice(whiteout.length), nothing);
  }
}
