/** Refuses scenarios that are far larger than anybody can mean, before anything is made of their cells. */
import { limits } from '../../base/files/limits.ts';
import type { ScenarioSpec } from '../format/schema.ts';
import { checkNames, rowsOf } from '../table.ts';
import type { Report } from './mistakes.ts';

/** @returns whether it is small enough to be looked at closer */
export function checkSize({ steps }: ScenarioSpec, report: Report): boolean {
  let [checks, characters] = [0, 0];
  for (const [index, step] of steps.entries()) {
    const path = ['steps', index];
    checks += checkNames(step, path).length;
    if (checks > limits.checks) {
      const message = `up to here the scenario has more than ${limits.checks} checks`;
      const hint = 'Make several scenarios of it; they run one after the other, too.';
      report([...path, 'expect'], message, hint, 'key');
      return false;
    }
    if (step.expect === undefined) continue;
    const { columns } = step.expect;
    const rows = rowsOf(step.expect);
    const longest = longestOf([...columns, ...rows.map(([row]) => row)]);
    // The request is filled in once for each cell; what a cell expects, once.
    characters += filledLength(step.request, longest) * rows.length * columns.length;
    for (const [, cells] of rows) characters += filledLength(cells, longest);
    if (characters > limits.filledText) {
      const message = `up to here the requests and answers have more than ${limits.filledText} characters once they are filled in`;
      report([...path, 'expect'], message, 'Shorten the names of rows and columns, or the request.', 'key');
      return false;
    }
  }
  return true;
}

/** How many characters the longest text has. */
export function longestOf(texts: readonly string[]): number {
  return texts.reduce((longest, { length }) => Math.max(longest, length), 0);
}

/** How many characters the texts in a value have at most, when each `${…}` in them is one of at most `longest`. */
export function filledLength(value: unknown, longest: number): number {
  if (typeof value === 'string') return value.length + (value.split('${').length - 1) * longest;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, each]) => sum + filledLength(key, longest) + filledLength(each, longest),
    0,
  );
}
