/** Files, folders and links of an image, and the way along a path through them. */
import { HarnessError } from '../../base/errors.ts';

export interface FileNode {
  readonly kind: 'file';
  readonly layer: number;
  /** Position in the layer. */
  readonly entry: number;
  readonly size: number;
  readonly executable: boolean;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly children: Map<string, Node>;
  /** A layer states that this is a directory; else it is only assumed, as the parent of something. */
  stated: boolean;
  /** Nothing of lower layers shows through. */
  closed: boolean;
}

export type Node =
  | FileNode
  | DirectoryNode
  | { readonly kind: 'symbolic link'; readonly link: string }
  | { readonly kind: 'special file' }
  /** Deleted: there is nothing, whatever lower layers have. */
  | { readonly kind: 'nothing' };

export const nothing: Node = { kind: 'nothing' };

/** As many as Linux follows in one path. */
const maxLinks = 40;

export function directoryNode(stated: boolean, closed: boolean): DirectoryNode {
  return { kind: 'directory', children: new Map(), stated, closed };
}

/** The names in a path in an archive. It begins at the root of the image, whatever it looks like. */
export function partsOf(path: string): string[] {
  const parts: string[] = [];
  for (const name of namesIn(path)) {
    if (name === '..') parts.pop();
    else parts.push(name);
  }
  return parts;
}

/**
 * Goes along a path and follows links, the last one too. None leads out of the root.
 *
 * @param missing directories that are not there are made, and those that lower layers may know about are added to this
 *   set; without it, nothing is made
 * @returns undefined for what only lower layers can tell
 * @throws HarnessError E_PROGRAM when links lead in a circle
 */
export function walk(
  root: DirectoryNode,
  path: readonly string[],
  missing?: Set<DirectoryNode>,
): Node | undefined {
  const rest = [...path];
  let trail = [root];
  let links = 0;
  for (;;) {
    const name = rest.shift();
    const here = trail.at(-1)!;
    if (name === undefined) return here;
    if (name === '..') {
      if (trail.length > 1) trail.pop();
      continue;
    }
    let next = here.children.get(name);
    if (next?.kind === 'symbolic link') {
      if (++links > maxLinks) {
        throw new HarnessError('E_PROGRAM', `the image has links in a circle at /${path.join('/')}`);
      }
      if (next.link.startsWith('/')) trail = [root];
      rest.unshift(...namesIn(next.link));
      continue;
    }
    if (missing !== undefined && next?.kind !== 'directory') {
      const certain = here.closed || next !== undefined;
      next = directoryNode(certain, certain);
      if (!certain) missing.add(next);
      here.children.set(name, next);
    }
    if (next === undefined) return here.closed ? nothing : undefined;
    if (next.kind !== 'directory') return rest.length === 0 ? next : nothing;
    trail.push(next);
  }
}

/** The names in a path; `..` among them goes up from where the links before it lead. */
function namesIn(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
