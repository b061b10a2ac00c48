// Prints a Markdown table of all runs of a matrix: MATRIX has its entries as JSON, the argument is the folder with the
// reports of each. Needs nothing installed.
import { fileURLToPath } from 'node:url';
import { readLegs, verdictOf } from './legs.mjs';

/** @type {Record<string, string>} */
const signs = { passed: '✅', failed: '❌', 'no report': '❔', 'nothing was checked': '❔' };

/**
 * @param {readonly import('./legs.mjs').Entry[]} matrix
 * @param {string} folder
 */
function summary(matrix, folder) {
  const rows = readLegs(matrix, folder).map((leg) => {
    const { istio, kubernetes, experimental } = leg.entry;
    const verdict = verdictOf(leg);
    const counts = leg.result?.counts;
    const numbers = counts && [counts.passed, counts.failed, counts.known ?? 0, counts.error, counts.skipped];
    return [
      istio,
      kubernetes,
      experimental ? 'experimental' : 'required',
      `${signs[verdict] ?? '⚠️'} ${verdict}`,
      ...(numbers ?? ['', '', '', '', '']),
    ];
  });
  const head = ['Istio', 'Kubernetes', '', 'Result', 'Passed', 'Failed', 'Known', 'Errors', 'Skipped'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `## JWT authentication on all versions\n\n${lines.join('\n')}\n\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(summary(JSON.parse(process.env.MATRIX ?? '[]'), process.argv[2] ?? '.'));
}
