/** Reads results.json, and says what is wrong with a file that is none. */
import { HarnessError } from '../base/errors.ts';
import { readLimited, whyUnreadable } from '../base/files/limited-file.ts';
import { limits } from '../base/files/limits.ts';
import type { RunResult } from './result.ts';
import { resultSchema } from './schema/result-schema.ts';

/** The newest format that this program knows. */
const newest = 1;

/**
 * What is not in the schema is kept: another program of the same format may have written more.
 *
 * @param options.name what messages call the file
 * @param options.unfinished take what a killed or running run has left, too
 * @throws HarnessError E_USAGE when the file cannot be read, is no report of a run, is of a newer format or not whole
 */
export function readResults(
  file: string,
  options: { readonly name?: string; readonly unfinished?: boolean } = {},
): RunResult {
  const { name = file } = options;
  return parseResults(readReport(file, name), name, options);
}

/** The text of a report. @param name as messages name the file @throws HarnessError E_USAGE */
export function readReport(file: string, name: string = file): string {
  try {
    return readLimited(file, limits.resultBytes)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
  } catch (cause) {
    const { why, hint = 'Name the JSON report of a run, such as reports/results.json.' } =
      whyUnreadable(cause);
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new HarnessError('E_USAGE', `${name} ${isMissing ? 'does not exist' : why}`, { hint, cause });
  }
}

/** The same for a text that was read already. @throws HarnessError as {@link readResults} */
export function parseResults(
  text: string,
  file: string,
  { unfinished = false }: { readonly unfinished?: boolean } = {},
): RunResult {
  const data = parseJson(text, file);
  const odd = oddIn(data);
  if (odd !== undefined) {
    throw new HarnessError('E_USAGE', `${file} is damaged: ${odd}`, {
      hint: 'Make it anew with "jwt-e2e run"; no report is like that.',
    });
  }
  const { schemaVersion, run } = Object(data) as { schemaVersion?: unknown; run?: { version?: unknown } };
  if (typeof schemaVersion !== 'number') {
    throw new HarnessError('E_USAGE', `${file} is not a JSON report of jwt-e2e: it has no schemaVersion`, {
      hint: 'Name a file that "jwt-e2e run --json FILE" has written.',
    });
  }
  if (schemaVersion > newest) {
    const by = typeof run?.version === 'string' ? ` ${run.version}` : ' that is newer';
    throw new HarnessError(
      'E_USAGE',
      `${file} is of format ${schemaVersion}, this program reads up to ${newest}`,
      {
        hint: `It was written by istio-jwt-e2e${by}: use that version, or a later one, to read it.`,
      },
    );
  }
  const checked = resultSchema.safeParse(data);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const at = issue?.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
    throw new HarnessError('E_USAGE', `${file} is damaged: ${at?.replace(/^\./, '')}: ${issue?.message}`, {
      hint: 'Make it anew with "jwt-e2e run"; schema/results.schema.json says what it must hold.',
    });
  }
  const result = data as RunResult;
  if (result.run.state === 'running' && !unfinished) {
    throw new HarnessError('E_USAGE', `${file} is of a run that has not finished`, {
      hint: 'Wait for its end; if it was killed, run it again.',
    });
  }
  return result;
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const why = text.trim() === '' ? 'it is empty' : (cause as Error).message;
    throw new HarnessError('E_USAGE', `${file} is not JSON: ${why}`, {
      hint: 'Name the whole, unchanged JSON report of a run; the file may have been cut off when it was copied.',
      cause,
    });
  }
}

/**
 * What nobody can have meant: maps and lists within each other so often, and what the schema passes over, since zod leaves
 * `__proto__` out of records: it may be a header, and is a text then. Calls nothing for each level.
 */
function oddIn(data: unknown): string | undefined {
  const left: [value: unknown, depth: number][] = [[data, 0]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [value, depth] = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > limits.depth) return `it is nested more than ${limits.depth} levels deep`;
    for (const [key, each] of Object.entries(value)) {
      if (key === '__proto__' && typeof each !== 'string') return 'the value of a key "__proto__" is no text';
      left.push([each, depth + 1]);
    }
  }
  return undefined;
}
