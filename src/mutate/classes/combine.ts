/** All combinations of one value of each dimension, the simplest first; or, where they are too many, those near what counts. */

export interface Combined {
  /** For each combination the index of its value in each dimension. */
  readonly combinations: readonly (readonly number[])[];
  /** All are there. */
  readonly isComplete: boolean;
}

/**
 * @param sizes how many values each dimension has; the first value of each is the simplest
 * @param bases combinations that count, such as those that satisfy a rule: when there are more than `most` combinations, those
 *   that differ from one of them in at most two dimensions are taken, and of these no more than `few`
 */
export function combine(
  sizes: readonly number[],
  bases: readonly (readonly number[])[],
  most: number,
  few = most,
): Combined {
  const total = sizes.reduce((product, size) => product * size, 1);
  const isComplete = total <= most;
  const all = isComplete ? product(sizes) : near(sizes, [sizes.map(() => 0), ...bases], few);
  const costOf = (each: readonly number[]) => each.reduce((sum, index) => sum + index, 0);
  const priced = all.map((each) => ({ each, cost: costOf(each) })).sort((a, b) => a.cost - b.cost);
  return { combinations: priced.map(({ each }) => each), isComplete };
}

function product(sizes: readonly number[]): number[][] {
  return sizes.reduce<number[][]>(
    (all, size) => all.flatMap((each) => Array.from({ length: size }, (_, index) => [...each, index])),
    [[]],
  );
}

function near(sizes: readonly number[], bases: readonly (readonly number[])[], most: number): number[][] {
  const found = new Map<string, number[]>();
  for (const each of changesOf(sizes, bases)) {
    if (found.size >= most) break;
    found.set(each.join(), each);
  }
  return [...found.values()];
}

/** The bases, then all that differ from one in one dimension, then those that do in two. */
function* changesOf(sizes: readonly number[], bases: readonly (readonly number[])[]): Generator<number[]> {
  for (const base of bases) yield [...base];
  for (const base of bases)
    for (const [at, size] of sizes.entries())
      for (let index = 0; index < size; index++) yield base.with(at, index);
  for (const base of bases)
    for (const [at, size] of sizes.entries())
      for (const [other, length] of sizes.slice(0, at).entries())
        for (let index = 0; index < size; index++)
          for (let second = 0; second < length; second++) yield base.with(at, index).with(other, second);
}
