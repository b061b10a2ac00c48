/** `--history`: the JSON reports of earlier runs in a folder. */
import { readdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { asHarnessError } from '../../base/errors.ts';
import { lookAt } from '../../base/files/limited-file.ts';
import { limits } from '../../base/files/limits.ts';
import { nameOfError } from '../../base/names.ts';
import { type History, type PastRun, pastRunOf } from '../../report/history/history.ts';
import { readResults } from '../../report/read.ts';
import type { Values } from '../../settings/settings.ts';
import { text } from '../../settings/typed.ts';

/** What a run calls its JSON report. */
const fileName = 'results.json';

/**
 * Reads every `*.json` in the folder, and every results.json in folders below it; the newest of both. What cannot be read is
 * a problem that is told, and no error: a run does not depend on its history.
 *
 * @param own the id of the run that the page is about, or those of a merged one with `+` between: it is no history of itself
 */
export function historyOf(values: Values, cwd: string, own: string): History {
  const folder = text(values, 'history');
  if (folder === undefined || folder === '') return { runs: [], problems: [] };
  const problems: string[] = [];
  const runs = new Map<string, PastRun>();
  let bytes = 0;
  for (const { file, size } of newestFiles(resolve(cwd, folder), cwd, problems)) {
    // One that is too large is not read at all.
    if (size <= limits.resultBytes) bytes += size;
    if (bytes > limits.historyBytes) {
      problems.push(`history: ${file} and what is older was not read: it is too much`);
      break;
    }
    try {
      const run = pastRunOf(readResults(resolve(cwd, file), { name: file, unfinished: true }));
      if (!own.split('+').includes(run.id)) runs.set(run.id, run);
    } catch (thrown) {
      problems.push(`history: ${asHarnessError(thrown).message}`);
    }
  }
  const sorted = [...runs.values()].toSorted(
    (one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt),
  );
  return { runs: sorted.slice(-limits.historyRuns), problems };
}

interface Found {
  /** As messages name it. */
  readonly file: string;
  readonly size: number;
  readonly changedAt: number;
}

/** By the time of the file; where that is the same, as after a checkout, by name, with numbers as numbers. */
function newestFiles(folder: string, cwd: string, problems: string[]): Found[] {
  const found: Found[] = [];
  let looked = 0;
  const look = (at: string, depth: number) => {
    let entries: ReturnType<typeof entriesOf>;
    try {
      entries = entriesOf(at);
    } catch (thrown) {
      problems.push(`history: the folder ${shown(at, cwd)} cannot be read (${nameOfError(thrown)})`);
      return;
    }
    for (const entry of entries) {
      looked += 1;
      if (looked > limits.filesLookedAt) return;
      const path = join(at, entry.name);
      // A link may lead anywhere, and in a circle.
      if (entry.isDirectory() && depth < limits.historyDepth) look(path, depth + 1);
      const isReport = entry.name === fileName || (depth === 0 && entry.name.endsWith('.json'));
      if (!entry.isFile() || !isReport) continue;
      const { stat } = lookAt(path);
      if (stat !== undefined)
        found.push({ file: shown(path, cwd), size: stat.size, changedAt: stat.mtimeMs });
    }
  };
  look(folder, 0);
  const byName = new Intl.Collator('en', { numeric: true });
  return found
    .toSorted((one, other) => other.changedAt - one.changedAt || byName.compare(other.file, one.file))
    .slice(0, limits.historyFiles);
}

function entriesOf(folder: string) {
  return readdirSync(folder, { withFileTypes: true });
}

function shown(path: string, cwd: string): string {
  const name = relative(cwd, path) || '.';
  return name.startsWith('..') ? path : name;
}
