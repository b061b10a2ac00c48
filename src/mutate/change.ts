/** Changes of plain objects and lists, which leave the original as it is. */
import type { KubeObject } from '../target/target.ts';

/** An object that was changed, and how, as the end of a sentence about it. */
export interface Change {
  readonly change: string;
  readonly object: KubeObject;
}

/** @returns the map without a key */
export function without<T extends object>(map: T, key: string): T {
  return Object.fromEntries(Object.entries(map).filter(([each]) => each !== key)) as T;
}

/** @returns the list with another value at a place; undefined: without the one that is there */
export function replaced<T>(list: readonly T[], index: number, value: T | undefined): T[] {
  return list.flatMap((each, at) => (at === index ? (value === undefined ? [] : [value]) : [each]));
}

/** @returns what a list can be with one value less; nothing when there is but one */
export function shortened<T>(list: readonly T[]): { readonly left: readonly T[]; readonly gone: T }[] {
  if (list.length < 2) return [];
  return list.map((gone, index) => ({ left: replaced(list, index, undefined), gone }));
}
