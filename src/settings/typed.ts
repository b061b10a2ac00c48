/** From texts to the settings that the parts of the product take. */
import { HarnessError } from '../base/errors.ts';
import { shellQuote } from '../base/names.ts';
import type { Versions } from '../programs/versions.ts';
import type { Value, Values } from './settings.ts';

export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function flag(values: Values, name: string): boolean {
  return values[name] === true;
}

export function list(values: Values, name: string): string[] {
  const value: Value | undefined = values[name];
  if (Array.isArray(value)) return value;
  return typeof value === 'string' ? [value] : [];
}

/** A positive whole number. @throws HarnessError E_USAGE */
export function count<T>(values: Values, name: string, otherwise: T): number | T {
  const given = text(values, name);
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (Number.isInteger(value) && value > 0) return value;
  throw new HarnessError('E_USAGE', `--${name} must be a whole number above 0, not "${given}"`);
}

export type TargetName = 'cluster' | 'kind' | 'local';

/** The target that was asked for; undefined: whichever can be had. */
export function wantedTarget(values: Values): TargetName | undefined {
  const target = text(values, 'target');
  return target === 'cluster' || target === 'kind' || target === 'local' ? target : undefined;
}

/** What names a cluster, as flags: any of these makes `--target auto` take it. Empty: no cluster is named. */
export function clusterFlags(values: Values): (readonly [name: string, value: string])[] {
  return ['context', 'kubeconfig', 'mesh-context', 'mesh-kubeconfig'].flatMap((name) => {
    const value = text(values, name);
    return value === undefined ? [] : [[name, value] as const];
  });
}

/** The target that was asked for, or meant by naming a cluster; undefined: whichever can be had. */
export function meantTarget(values: Values): TargetName | undefined {
  return wantedTarget(values) ?? (clusterFlags(values).length > 0 ? 'cluster' : undefined);
}

/** What names a cluster, as a shell has it: `--context prod`. Empty: no cluster is named. */
export function clusterWords(values: Values): string {
  return clusterFlags(values)
    .map(([name, value]) => `--${name} ${shellQuote(value)}`)
    .join(' ');
}

/** Name of the kind cluster, or of the local mesh that is kept. */
export function meshName(values: Values): string {
  return text(values, 'name') ?? 'jwt-e2e';
}

/** Whether the mesh stays when the run is over, and whether one that has stayed is taken. */
export function keeping(values: Values): { readonly keep: boolean; readonly reuse: boolean } {
  return { keep: flag(values, 'keep'), reuse: flag(values, 'reuse') };
}

/** The Istio that was asked for, the first where there are several, or else the default one. */
export function istioOf(values: Values, versions: Versions): string {
  return text(values, 'istio')?.split(',')[0]?.trim() || versions.istio.default;
}

/** Registry and folder of the Istio images. */
export function hubOf(values: Values, versions: Versions): string {
  return text(values, 'hub') ?? versions.istio.hub;
}

/** The docker program, a name in PATH or a path. */
export function dockerProgram(values: Values): string {
  return text(values, 'docker') ?? 'docker';
}

/** `1/3`. @throws HarnessError E_USAGE */
export function shardOf(values: Values): { index: number; count: number } | undefined {
  const given = text(values, 'shard');
  if (given === undefined) return undefined;
  const match = given.match(/^([1-9]\d*)\/([1-9]\d*)$/);
  const [index, total] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index > total) {
    throw new HarnessError('E_USAGE', `--shard must be such as 1/3, not "${given}"`);
  }
  return { index, count: total };
}

/**
 * Images by name: the defaults of kind/versions.yaml with those that were set. `bookinfo` stands for all four services.
 *
 * @throws HarnessError E_USAGE for an entry that is not NAME=IMAGE, or a name that nothing uses
 */
export function imagesOf(values: Values, versions: Versions): Record<string, string> {
  const images: Record<string, string> = { ...versions.images, 'key-server': '' };
  for (const entry of list(values, 'image')) {
    const [, name, image] = entry.match(/^([-\w]+)=(\S+)$/) ?? [];
    if (name === undefined || image === undefined) {
      throw new HarnessError('E_USAGE', `--image must be NAME=IMAGE, not "${entry}"`);
    }
    const names =
      name === 'bookinfo' ? Object.keys(images).filter((each) => each.startsWith('bookinfo-')) : [name];
    for (const each of names) {
      if (!Object.hasOwn(images, each)) {
        throw new HarnessError('E_USAGE', `there is no image named "${each}"`, {
          hint: `Names are bookinfo, ${Object.keys(images).join(', ')}.`,
        });
      }
      images[each] = image;
    }
  }
  // The key server is a program for Node.js, and runs in that image unless it has one of its own.
  if (images['key-server'] === '') images['key-server'] = images.node ?? '';
  return images;
}
