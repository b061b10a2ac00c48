// Reads what the runs of a matrix left: a folder for each, with results.json and the outcome of the step that made it.
// Needs nothing installed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @typedef {{ istio: string, kubernetes: string, experimental: boolean }} Entry */
/** @typedef {{ passed: number, failed: number, known?: number, error: number, skipped: number }} Counts */
/** @typedef {{ id: string, scenario: string, state: string, message?: string }} Check */
/** @typedef {{ code: string, message: string }} Problem */
/** @typedef {{ info: { id: string }, state: string, problem?: Problem, checks: Check[] }} Scenario */
/** @typedef {{ run: { problem?: Problem }, counts: Counts, scenarios: Scenario[], exitCode: number | null }} Result */
/** @typedef {{ name: string, entry: Entry, result: Result | undefined, outcome: string | undefined }} Leg */

/**
 * The runs of a matrix in its order, also those that left nothing.
 *
 * @param {readonly Entry[]} matrix
 * @param {string} folder
 * @returns {Leg[]}
 */
export function readLegs(matrix, folder) {
  return matrix.map((entry) => {
    const place = join(
      folder,
      entry.experimental ? 'experimental' : 'required',
      `istio-${entry.istio}-kubernetes-${entry.kubernetes}`,
    );
    return {
      name: `Istio ${entry.istio} on Kubernetes ${entry.kubernetes}`,
      entry,
      result: resultIn(join(place, 'results.json')),
      outcome: textIn(join(place, 'outcome.txt'))?.trim(),
    };
  });
}

/** @param {string} file */
function textIn(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/**
 * @param {string} file
 * @returns {Result | undefined}
 */
function resultIn(file) {
  try {
    const result = JSON.parse(textIn(file) ?? '');
    return result.counts !== undefined && Array.isArray(result.scenarios) ? result : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What became of a run, in one or two words; `passed` is the only good one.
 *
 * @param {Leg} leg
 */
export function verdictOf({ result, outcome }) {
  if (result === undefined) return 'no report';
  if (result.counts.failed > 0) return 'failed';
  if (result.exitCode === null) return 'broke off';
  if (result.counts.error > 0 || result.run.problem !== undefined || result.exitCode > 1) return 'no verdict';
  // A step that failed after its last report, or that was ended.
  if (outcome !== 'success') return outcome ?? 'no outcome';
  return result.counts.passed > 0 ? 'passed' : 'nothing was checked';
}

/**
 * Text from outside as code in Markdown, in which it can neither close the code nor a table's cell nor call anybody.
 *
 * @param {string} text
 * @param {number} [longest]
 */
export function code(text, longest = 200) {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('`', "'")
    .replaceAll('<!--', '<! --')
    .replaceAll('-->', '-- >')
    .trim();
  const short = line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
  return short === '' ? '' : `\`${short.replaceAll('|', '\\|')}\``;
}
