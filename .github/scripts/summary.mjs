// Prints a Markdown table of all runs of a matrix: MATRIX has its entries as JSON, the argument is the folder
// with one folder of JUnit reports for each. Needs nothing installed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ istio: string, kubernetes: string, experimental: boolean }} Entry */

/**
 * The sums over all suites of a JUnit report; undefined when it has none.
 *
 * @param {string} xml
 */
export function countsOf(xml) {
  const suites = xml.match(/<testsuite\s(?:[^>"]|"[^"]*")*>/g) ?? [];
  if (suites.length === 0) return undefined;
  /** @param {string} name */
  const sum = (name) =>
    suites.reduce((total, suite) => total + Number(suite.match(`\\s${name}="(\\d+)"`)?.[1] ?? 0), 0);
  const failed = sum('failures');
  const errors = sum('errors');
  const skipped = sum('skipped');
  return { passed: sum('tests') - failed - errors - skipped, failed, errors, skipped };
}

/**
 * @param {ReturnType<typeof countsOf>} counts
 * @param {string | undefined} outcome of the step that ran the checks, in the words of GitHub
 */
function verdict(counts, outcome) {
  if (counts === undefined) return '❔ no report';
  if (counts.failed > 0) return '❌ failed';
  if (counts.errors > 0) return '⚠️ no verdict';
  if (outcome !== 'success') return `⚠️ ${outcome ?? 'no outcome'}`;
  return counts.passed > 0 ? '✅ passed' : '❔ nothing was checked';
}

/**
 * @param {readonly Entry[]} matrix
 * @param {string} folder
 */
function summary(matrix, folder) {
  const rows = matrix.map(({ istio, kubernetes, experimental }) => {
    /** @param {string} file */
    const read = (file) => {
      const path = join(folder, `junit-istio-${istio}-k8s-${kubernetes}`, file);
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    };
    const counts = countsOf(read('junit.xml') ?? '');
    const numbers = counts === undefined ? ['', '', '', ''] : Object.values(counts);
    const state = verdict(counts, read('outcome.txt')?.trim());
    return [istio, kubernetes, experimental ? 'experimental' : 'required', state, ...numbers];
  });
  const head = ['Istio', 'Kubernetes', '', 'Result', 'Passed', 'Failed', 'Errors', 'Skipped'];
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `## JWT authentication on all versions\n\n${lines.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(summary(JSON.parse(process.env.MATRIX ?? '[]'), process.argv[2] ?? '.'));
}
