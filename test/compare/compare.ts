/**
 * Compares the verdicts of two targets cell by cell:
 * node --import ./tools/typescript.mjs test/compare/compare.ts [--explained FILE] A.json B.json
 *
 * A.json and B.json are reports of `jwt-e2e run --json`; `FILE#MESH` names one of several meshes in a report. Exit code
 * 0 when both have answered alike, 1 when not, or when an explanation explains nothing, 2 when there is nothing to compare.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCells } from './cells.ts';
import { compare } from './differences.ts';
import { readExplained } from './explained.ts';
import { comparisonLines } from './table.ts';

const usage =
  'usage: node --import ./tools/typescript.mjs test/compare/compare.ts [--explained FILE] A.json B.json';

try {
  const options = { explained: { type: 'string' } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [one, other] = positionals;
  if (one === undefined || other === undefined || positionals.length > 2) throw new Error(usage);
  const file = values.explained ?? fileURLToPath(new URL('explained.yaml', import.meta.url));
  const [explained, left, right] = [readExplained(file), readCells(one), readCells(other)];
  const comparison = compare(left, right, explained);
  console.log(comparisonLines(left, right, comparison).join('\n'));
  const isAlike = comparison.differences.every(({ why }) => why !== undefined);
  process.exitCode = isAlike && comparison.unused.length === 0 ? 0 : 1;
} catch (thrown) {
  console.error((thrown as Error).message);
  process.exitCode = 2;
}
