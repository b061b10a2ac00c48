/** Which meshes of several results are the same one, and what to call them side by side. */
import path from 'node:path';
import type { MeshFacts } from '../../base/events.ts';
import { meshIds, type RunResult } from '../result.ts';

/** A result, and the file that it comes from, as messages name it. */
export interface ResultFile {
  readonly file: string;
  readonly result: RunResult;
}

/** What a mesh is called in the merged result. */
export interface MeshNames {
  /** The name of a mesh of a file. */
  of(file: string, id: string): string;
  /** All, in the order in which they come. */
  readonly all: readonly string[];
  /** Those that could be set up. */
  readonly facts: readonly MeshFacts[];
}

/**
 * Parts of one run have the same mesh, even when each part made one of its own: the same target, versions and fetch mode.
 * Others that have the same id get what tells them apart behind it.
 */
export function meshNames(results: readonly ResultFile[]): MeshNames {
  const known: { readonly id: string; readonly key: string; readonly facts?: MeshFacts }[] = [];
  const keys = new Map<string, string>();
  const add = (file: string, id: string, facts?: MeshFacts) => {
    // A part of the run that got no mesh still has the label of it.
    const same = facts === undefined ? known.find((each) => each.id === id) : undefined;
    const key = same?.key ?? JSON.stringify(facts === undefined ? [id] : identity(facts));
    keys.set(JSON.stringify([file, id]), key);
    const index = known.findIndex((each) => each.key === key);
    if (index === -1) known.push({ id, key, ...(facts === undefined ? {} : { facts }) });
  };
  for (const { file, result } of results) for (const facts of result.meshes) add(file, facts.id, facts);
  for (const { file, result } of results) {
    for (const id of otherIds(file, result)) if (!keys.has(JSON.stringify([file, id]))) add(file, id);
  }
  const names = uniqueNames(known);
  const of = (file: string, id: string) => names.get(keys.get(JSON.stringify([file, id])) ?? '') ?? id;
  const inOrder = results.flatMap(({ file, result }) => idsOf(file, result).map((id) => of(file, id)));
  return {
    of,
    all: [...new Set(inOrder)],
    facts: known.flatMap(({ key, facts }) =>
      facts === undefined ? [] : [{ ...facts, id: names.get(key)! }],
    ),
  };
}

/** Every mesh that a result is about, in its order; named after the file when it never had one. */
export function idsOf(file: string, result: RunResult): string[] {
  const ids = meshIds(result);
  return ids.length === 0 ? [nameOfFile(file)] : ids;
}

function otherIds(file: string, result: RunResult): string[] {
  return idsOf(file, result).filter((id) => result.meshes.every((mesh) => mesh.id !== id));
}

/** The folder, which CI systems name after the job; else the file. */
function nameOfFile(file: string): string {
  const folder = path.basename(path.dirname(path.resolve(file)));
  return path.basename(file) === 'results.json' && folder !== '' ? folder : path.basename(file, '.json');
}

type Property = readonly [what: string, value: string | undefined];

/** In the order in which they tell meshes apart for people. */
function properties(facts: MeshFacts): Property[] {
  // Of a cluster that was there before it matters which one it is.
  const context = facts.target === 'cluster' ? facts.details?.context : undefined;
  return [
    ['Istio', facts.istio],
    ['Envoy', facts.envoy],
    ['Kubernetes', facts.kubernetes],
    ['ASM', facts.asm],
    ['on', facts.target],
    ['context', context],
    ['keys fetched by', facts.fetch],
  ];
}

function identity(facts: MeshFacts): readonly unknown[] {
  return [facts.id, ...properties(facts).map(([, value]) => value ?? null)];
}

function uniqueNames(
  known: readonly { readonly id: string; readonly key: string; readonly facts?: MeshFacts }[],
): Map<string, string> {
  const names = new Map<string, string>();
  for (const each of known) {
    const alike = known.filter(({ id }) => id === each.id);
    const differing = alike.length === 1 || each.facts === undefined ? [] : whatDiffers(each.facts, alike);
    const wanted = [each.id, ...differing].join(', ');
    const used = new Set(names.values());
    let name = wanted;
    for (let count = 2; used.has(name); count++) name = `${wanted} (${count})`;
    names.set(each.key, name);
  }
  return names;
}

function whatDiffers(facts: MeshFacts, alike: readonly { readonly facts?: MeshFacts }[]): string[] {
  return properties(facts).flatMap(([what, value], index) => {
    const isSame = alike.every(
      (each) => each.facts === undefined || properties(each.facts)[index]?.[1] === value,
    );
    return isSame ? [] : [`${what} ${value ?? 'unknown'}`];
  });
}
