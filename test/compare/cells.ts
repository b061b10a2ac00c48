/** The verdicts of one mesh, cell by cell, out of a results.json. */
import { readFileSync } from 'node:fs';
import type { CheckResult, CheckState, MeshFacts } from '../../src/base/events.ts';
import type { RunResult, ScenarioResult } from '../../src/report/result.ts';

/** What of a check must be the same on every mesh. */
export interface Cell {
  /** ID of the check: scenario with its fetch mode, step, row and column. */
  readonly check: string;
  readonly state: CheckState;
  readonly expected: string;
  /** The status code, with the body where the check asserts its text; who has fetched; whether manifests were taken. */
  readonly actual: string;
  /** Why there is no verdict, or why it was skipped. */
  readonly message: string;
  /** The target or the plan has left out the whole scenario: nothing of it was tried. */
  readonly isLeftOut: boolean;
}

export interface Cells {
  readonly mesh: MeshFacts;
  /** By the ID of the check. */
  readonly cells: ReadonlyMap<string, Cell>;
}

/**
 * Reads the results of one mesh.
 *
 * @param source path of a results.json; `FILE#MESH` when the run had several
 * @throws Error that says what is wrong with the file: not there, not whole, or of several meshes
 */
export function readCells(source: string): Cells {
  const [file = '', wanted] = source.split('#');
  const fail = (problem: string): never => {
    throw new Error(`${source}: ${problem}`);
  };
  const { schemaVersion, run, meshes, scenarios } = parse(file, fail);
  if (schemaVersion !== 1) fail(`schemaVersion is ${schemaVersion}; this program reads 1`);
  // Half a run would look like a mesh on which half of the checks are missing.
  if (run.state !== 'finished') fail(`the run is not finished: its state is "${run.state}"`);
  if (run.problem !== undefined && meshes.length === 0) fail(`there was no mesh: ${run.problem.message}`);
  const ids = meshes.map(({ id }) => id);
  const mesh = wanted === undefined ? meshes[0] : meshes.find(({ id }) => id === wanted);
  if (mesh === undefined) return fail(`there is no mesh "${wanted}"; there are ${ids.join(', ')}`);
  if (wanted === undefined && ids.length > 1)
    fail(`name one of its meshes: ${file}#${ids.join(`, ${file}#`)}`);
  const cells = new Map<string, Cell>();
  for (const scenario of scenarios) {
    if (scenario.info.mesh !== mesh.id) continue;
    for (const check of scenario.checks) {
      if (cells.has(check.id)) fail(`the check "${check.id}" is there twice`);
      cells.set(check.id, cellOf(check, scenario));
    }
  }
  if (cells.size === 0) fail('there are no checks in it, so nothing can be compared');
  return { mesh, cells };
}

function parse(file: string, fail: (problem: string) => never): RunResult {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as RunResult;
  } catch (thrown) {
    return fail((thrown as Error).message);
  }
}

function cellOf(check: CheckResult, scenario: ScenarioResult): Cell {
  const { id, state, expected, message = '' } = check;
  const isLeftOut = scenario.state === 'skipped' && scenario.problem === undefined;
  return { check: id, state, expected, actual: actualOf(check), message, isLeftOut };
}

/** Without what differs from run to run: keys in bodies, addresses, how often something was fetched. */
function actualOf({ kind, actual = '', expected, response }: CheckResult): string {
  if (kind === 'fetched') return actual.replace(/ \(\d+ times\)$/, '');
  if (kind === 'apply') return actual.split(':')[0] ?? '';
  if (response === undefined) return actual;
  const assertsText = /^\d+ "/.test(expected);
  return assertsText ? `${response.status} ${JSON.stringify(response.body.trim())}` : String(response.status);
}
