/** "Did you mean": finds the name that was probably meant. */

/**
 * How many letters have to be inserted, removed, replaced or swapped with their neighbour to turn one text into the
 * other (optimal string alignment), without regard to capitals.
 */
export function distance(a: string, b: string): number {
  const from = [...a.toLowerCase()];
  const to = [...b.toLowerCase()];
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = from[i - 1] === to[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + change);
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[to.length]!;
}

/** Longer names are compared by nobody; the time it takes grows with the product of their lengths. */
const longest = 200;

/** The candidate nearest to `name`, when it is near enough to be what was meant: a third of its letters may differ. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; away: number } | undefined;
  for (const candidate of candidates) {
    if (Math.max(name.length, candidate.length) > longest) continue;
    const away = distance(name, candidate);
    const near = away <= Math.max(1, Math.floor(Math.max(name.length, candidate.length) / 3));
    if (near && away < candidate.length && (best === undefined || away < best.away)) {
      best = { candidate, away };
    }
  }
  return best?.candidate;
}

/**
 * A hint for a name that does not exist: the nearest one, else all there are.
 *
 * @param what the candidates in the plural, such as "tokens"
 */
export function hintFor(name: string, candidates: Iterable<string>, what: string): string {
  const all = [...candidates];
  const near = nearest(name, all);
  if (near !== undefined) return `Did you mean "${near}"?`;
  if (all.length === 0) return `There are no ${what}.`;
  return `The ${what} are: ${all.join(', ')}.`;
}
