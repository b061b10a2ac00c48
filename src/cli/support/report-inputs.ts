/** Which results `jwt-e2e report` is to read. */
import { type Dirent, readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { lookAt } from '../../base/files/limited-file.ts';
import { nameOfError } from '../../base/names.ts';
import type { ResultFile } from '../../report/merge/merge-meshes.ts';
import { readResults } from '../../report/read.ts';

/** What a run calls its JSON report; in folders nothing else is looked for. */
const fileName = 'results.json';

/**
 * Reads the named files, and every results.json below the named folders, in the order of their names: numbers in names
 * count as numbers, so that istio-1.9 comes before istio-1.10. Each file once.
 *
 * @param except files that are about to be written: what an earlier call has left there is no input
 * @throws HarnessError E_USAGE when there is nothing to read, or a file cannot be used
 */
export function readInputs(
  paths: readonly string[],
  cwd: string,
  except: readonly string[] = [],
): ResultFile[] {
  if (paths.length === 0) {
    throw new HarnessError('E_USAGE', 'there is nothing to report on', {
      hint: 'Name JSON reports of runs, or folders with them: jwt-e2e report shard-1/results.json shard-2/results.json',
    });
  }
  const written = new Set(except.map((file) => resolve(cwd, file)));
  const files = new Set(paths.flatMap((path) => filesOf(path, cwd, written)));
  return [...files].map((absolute) => {
    const file = relative(cwd, absolute);
    const name = file.startsWith('..') ? absolute : file;
    return { file: name, result: readResults(absolute, { name, unfinished: true }) };
  });
}

function filesOf(path: string, cwd: string, written: ReadonlySet<string>): string[] {
  const absolute = resolve(cwd, path);
  // What cannot be read is told by whoever reads it.
  if (lookAt(absolute).stat?.isDirectory() !== true) {
    if (!written.has(absolute)) return [absolute];
    throw new HarnessError('E_USAGE', `${path} is to be read and to be written`, {
      hint: 'Give the merged report another name with --json.',
    });
  }
  const found = resultsBelow(absolute).filter((file) => !written.has(file));
  if (found.length > 0) return found;
  throw new HarnessError('E_USAGE', `there is no ${fileName} in ${path}`, {
    hint: `Name the JSON reports themselves if they are called otherwise.`,
  });
}

function resultsBelow(folder: string): string[] {
  return entriesOf(folder)
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : resultsBelow(path);
      return entry.name === fileName ? [path] : [];
    });
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (thrown) {
    throw new HarnessError('E_USAGE', `cannot read the folder ${folder}: ${nameOfError(thrown)}`, {
      cause: thrown,
    });
  }
}
