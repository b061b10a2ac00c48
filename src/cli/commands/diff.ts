/** `jwt-e2e diff`: what changed from one run to another. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { exitCodes, HarnessError } from '../../base/errors.ts';
import { harmlessJson, oneLine } from '../../base/harmless.ts';
import { type Changes, changesBetween } from '../../report/changes/changes.ts';
import { changeLines } from '../../report/changes/changes-text.ts';
import { type MeshVerdicts, meshVerdicts } from '../../report/conformance/conformance-verdicts.ts';
import { parseConformance } from '../../report/conformance/read-conformance.ts';
import { colorsOf, describeTerminal } from '../../report/console/terminal.ts';
import { parseResults, readReport } from '../../report/read.ts';
import type { Values } from '../../settings/settings.ts';
import { flag } from '../../settings/typed.ts';
import type { Io } from '../support/io.ts';

/**
 * Compares two reports and writes what changed.
 *
 * @param files the older and the newer report; `FILE#MESH` names one of several meshes
 * @returns 0, 1 when something got worse, 4 when one of them has no verdict, as a whole or about a check
 * @throws HarnessError E_USAGE when there are not two, or one cannot be used
 */
export async function diffCommand(files: readonly string[], values: Values, io: Io): Promise<number> {
  const [older, newer, ...more] = files;
  if (older === undefined || newer === undefined || more.length > 0) {
    throw new HarnessError('E_USAGE', `diff compares two reports, not ${files.length}`, {
      hint: 'Name the older one and the newer one: jwt-e2e diff OLD NEW. To see several side by side use "jwt-e2e report".',
    });
  }
  const [before, after] = [readVerdicts(older, io.cwd), readVerdicts(newer, io.cwd)];
  const reasons = [
    [older, whyNoVerdict(before)],
    [newer, whyNoVerdict(after)],
  ].filter(([, why]) => why !== undefined);
  if (reasons.length > 0) {
    io.stderr.write(reasons.map(([file, why]) => `${oneLine(`${file} has no verdict: ${why}`)}\n`).join(''));
    io.stderr.write('  Nothing was compared. Run it again, or compare other reports.\n');
    return exitCodes.noVerdict;
  }
  const changes = changesBetween(before, after);
  if (flag(values, 'json')) {
    io.stdout.write(`${harmlessJson(asJson(before, after, changes), 2)}\n`);
  } else {
    const { color } = describeTerminal(process.stdout, io.env);
    io.stdout.write(`${changeLines(before, after, changes, colorsOf(color)).join('\n')}\n`);
  }
  if (changes.hasRegression) return exitCodes.failed;
  return changes.undecided > 0 ? exitCodes.noVerdict : exitCodes.passed;
}

/**
 * The verdicts of one mesh, from a report in JSON or YAML.
 *
 * @param source path of the report, relative to `cwd`; `FILE#MESH` when it has several meshes
 * @throws HarnessError E_USAGE when the file cannot be used, or the mesh is not named
 */
export function readVerdicts(source: string, cwd: string): MeshVerdicts {
  const [file, wanted] = split(source, cwd);
  const text = readReport(resolve(cwd, file), file);
  const meshes = /^\s*[[{]/.test(text)
    ? meshVerdicts(parseResults(text, file, { unfinished: true }))
    : parseConformance(text, file);
  const names = meshes.map(({ mesh }) => mesh);
  const choices = names.map((mesh) => `"${file}#${mesh}"`).join(' or ');
  if (wanted !== undefined) {
    const found = meshes.find(({ mesh }) => mesh === wanted);
    if (found !== undefined) return found;
    throw new HarnessError('E_USAGE', `there is no mesh "${wanted}" in ${file}`, {
      hint: `Name ${choices}.`,
    });
  }
  const [only] = meshes;
  if (only === undefined) {
    throw new HarnessError('E_USAGE', `${file} is empty`, { hint: 'Name a report of a run.' });
  }
  if (meshes.length > 1) {
    throw new HarnessError('E_USAGE', `${file} has the results of ${meshes.length} meshes`, {
      hint: `Name one of them: ${choices}.`,
    });
  }
  return only;
}

/** A "#" may be part of a file's name. */
function split(source: string, cwd: string): [file: string, mesh: string | undefined] {
  const at = source.indexOf('#');
  if (at === -1 || existsSync(resolve(cwd, source))) return [source, undefined];
  return [source.slice(0, at), source.slice(at + 1)];
}

/** Why nothing can be said about a mesh; undefined when there are verdicts. */
export function whyNoVerdict({ state, problem, verdicts }: MeshVerdicts): string | undefined {
  if (state === 'running') return 'the run has not finished';
  if (state === 'interrupted') return 'the run was interrupted';
  const isDecided = [...verdicts.values()].some(({ state: each }) => each !== 'error' && each !== 'skipped');
  if (isDecided) return undefined;
  return problem === undefined ? 'no check of it has a verdict' : `${problem.message} (${problem.code})`;
}

function asJson(before: MeshVerdicts, after: MeshVerdicts, changes: Changes) {
  const side = ({ mesh, facts, date, toolVersion }: MeshVerdicts) => ({ mesh, ...facts, date, toolVersion });
  const { hasRegression, undecided, compared, same, findings } = changes;
  return {
    old: side(before),
    new: side(after),
    regression: hasRegression,
    undecided,
    compared,
    same,
    changes: changes.changes.map(({ kind, check, before: old, after: now }) => ({
      kind,
      check,
      old: old && { state: old.state, answer: old.answer },
      new: now && { state: now.state, answer: now.answer, expected: now.expected, reason: now.reason },
    })),
    findings,
  };
}
