/** The comparison as people read it. */

import { oneLine } from '../../src/base/harmless.ts';
import { meshLabel } from '../../src/report/result.ts';
import { plural, truncate } from '../../src/report/text.ts';
import type { Cells } from './cells.ts';
import type { Comparison, Difference } from './differences.ts';

/** Columns of a terminal for one answer. */
const widest = 120;

/** Lines without line breaks: what counts first, then what is explained, then the sum. */
export function comparisonLines(one: Cells, other: Cells, comparison: Comparison): string[] {
  const { compared, same, differences, unused } = comparison;
  const names = [one, other].map(({ mesh }) => `${meshLabel([mesh], mesh.id).join(' ')}`);
  const counting = differences.filter(({ why }) => why === undefined);
  const explained = differences.filter(({ why }) => why !== undefined);
  return [
    ...section('Differences', counting, names),
    ...section('Explained differences', explained, names),
    ...unused.map(({ check }) => `explains nothing and is to be removed from explained.yaml: ${check}`),
    `${names.join(' and ')}: ${plural(compared, 'check')} compared, ${same} answered alike, ` +
      `${counting.length} different, ${explained.length} explained`,
  ];
}

function section(title: string, differences: readonly Difference[], names: readonly string[]): string[] {
  if (differences.length === 0) return [];
  const width = Math.max(...names.map((name) => name.length));
  return [
    `${title}:`,
    ...differences.flatMap(({ check, what, one, other, why }) => [
      `  ${oneLine(check)} (${what})`,
      ...[one, other].map(
        (answer, index) => `    ${(names[index] ?? '').padEnd(width)}  ${truncate(oneLine(answer), widest)}`,
      ),
      ...(why === undefined ? [] : [`    why: ${oneLine(why)}`]),
    ]),
    '',
  ];
}
