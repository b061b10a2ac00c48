/** Finds the mesh that is to be compared in a report, be it JSON or YAML. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { type MeshVerdicts, meshVerdicts } from '../conformance/conformance-verdicts.ts';
import { parseConformance } from '../conformance/read-conformance.ts';
import { parseResults, readReport } from '../read.ts';

/**
 * The verdicts of one mesh.
 *
 * @param source path of a JSON or conformance report, relative to `cwd`; `FILE#MESH` when it has several meshes
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
