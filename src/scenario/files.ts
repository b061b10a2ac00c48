/** Finds scenario files and reads their text. */
import { type Dirent, readdirSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { HarnessError } from '../base/errors.ts';
import { lookAt, readLimited, whyUnreadable } from '../base/files/limited-file.ts';
import { limits } from '../base/files/limits.ts';
import { standardInput, takeStandardInput } from '../base/files/standard-input.ts';
import { profiles } from '../base/profiles.ts';
import { nearest } from '../base/suggest.ts';

const isYaml = (name: string) => /\.ya?ml$/.test(name);

/**
 * The YAML files in these files and folders, folders with all that is in them. Every file once, in the order of the
 * arguments and by name within a folder, and what comes through standard input for `-`. Reports, settings and hidden folders are left out, unless they are named.
 *
 * @returns absolute paths, and an `E_USAGE` error for every argument that gives no file
 */
export function findScenarioFiles(
  paths: readonly string[],
  cwd: string,
): { files: string[]; errors: HarnessError[] } {
  const files = new Set<string>();
  const errors: HarnessError[] = [];
  const looked = { count: 0 };
  for (const path of paths) {
    if (path === standardInput) {
      files.add(takeStandardInput(cwd));
      continue;
    }
    const absolute = resolve(cwd, path);
    const looking = lookAt(absolute);
    if (looking.stat === undefined) {
      const near = nearestPath(path, absolute);
      const hint =
        near === undefined
          ? 'Name scenario files, or folders that contain them, relative to where you are.'
          : `Did you mean ${near}?`;
      errors.push(new HarnessError('E_USAGE', `${path} ${looking.why}`, { hint }));
    } else if (looking.stat.isDirectory()) {
      const found: string[] = [];
      let isWhole: boolean;
      try {
        isWhole = filesBelow(absolute, found, looked);
      } catch (thrown) {
        if (!(thrown instanceof HarnessError)) throw thrown;
        errors.push(thrown);
        continue;
      }
      for (const file of found) files.add(file);
      if (!isWhole) {
        errors.push(
          new HarnessError('E_USAGE', `${path} has too many files and folders in it to look for scenarios`, {
            hint: `Name the folder that has them; no more than ${limits.filesLookedAt} files and folders are looked through.`,
          }),
        );
      } else if (found.length === 0) {
        errors.push(
          new HarnessError('E_USAGE', `there is no scenario file in ${path}`, {
            hint: 'Scenario files end with .yaml or .yml.',
          }),
        );
      }
    } else if (isYaml(absolute)) {
      files.add(absolute);
    } else {
      errors.push(
        new HarnessError('E_USAGE', `${path} is not a scenario file`, {
          hint: 'Scenario files end with .yaml or .yml.',
        }),
      );
    }
  }
  if (files.size > limits.scenarioFiles) {
    const hint = `Name the folders with scenarios, or run them in parts: ${limits.scenarioFiles} files are taken at once.`;
    errors.push(
      new HarnessError('E_USAGE', `there are ${files.size} YAML files in what was named`, { hint }),
    );
    files.clear();
  }
  return { files: [...files], errors };
}

/** What stands beside the path that is not there and is called nearly the same, as it can be typed. */
function nearestPath(path: string, absolute: string): string | undefined {
  const folder = dirname(absolute);
  if (lookAt(folder).stat?.isDirectory() !== true) return undefined;
  try {
    const near = nearest(
      basename(absolute),
      readdirSync(folder).filter((name) => !name.startsWith('.')),
    );
    return near && join(dirname(path), near);
  } catch {
    // A folder of somebody else: then there is nothing to propose.
    return undefined;
  }
}

/** What may lie beside scenarios: reports of runs, which have YAML in them, and the settings. */
const others = new Set(['node_modules', 'reports', 'jwt-e2e.yaml']);

/**
 * Adds the scenario files below a folder to `found`.
 *
 * @param looked how many files and folders have been looked at
 * @returns false when there were too many of them, and looking has ended
 */
function filesBelow(folder: string, found: string[], looked: { count: number }): boolean {
  const entries = entriesOf(folder);
  looked.count += entries.length;
  if (looked.count > limits.filesLookedAt) return false;
  return entries
    .filter(({ name }) => !name.startsWith('.') && !others.has(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .every((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path, found, looked);
      // Follows links, as far as they lead anywhere.
      if (isYaml(entry.name) && lookAt(path).stat?.isFile()) found.push(path);
      return true;
    });
}

/** @throws HarnessError E_USAGE for a folder of somebody else */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const { why } = whyUnreadable(cause);
    const hint = 'Check the permissions of the folder, or name the files that are to be read.';
    throw new HarnessError('E_USAGE', `the folder ${folder} ${why}`, { hint, cause });
  }
}

/** How a file is named in messages: relative to `cwd`, with "/" on every system. */
export function displayName(file: string, cwd: string): string {
  const name = relative(cwd, file);
  return (name === '' || name.startsWith('..') ? file : name).split(sep).join('/');
}

/** The profile of a scenario: the folder below `scenarios` that holds it, such as "documented"; else "custom". */
export function profileOf(file: string): string {
  const folders = dirname(file).split(sep);
  const below = folders[folders.lastIndexOf('scenarios') + 1];
  if (folders.includes('scenarios') && below !== undefined) return below;
  const folder = basename(dirname(file));
  return profiles.some((profile) => profile === folder) ? folder : 'custom';
}

/**
 * The text of a file.
 *
 * @throws HarnessError `E_SCENARIO` when the file is not UTF-8, with the place of the first wrong byte, cannot be read, or is
 * larger than a scenario can be
 */
export function readText(file: string, name: string): string {
  let bytes: Buffer;
  try {
    bytes = readLimited(file, limits.yamlBytes);
  } catch (cause) {
    const { why, hint = 'Check the permissions of the file.' } = whyUnreadable(cause);
    throw new HarnessError('E_SCENARIO', `${name} ${why}`, { hint, cause });
  }
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new HarnessError('E_SCENARIO', 'the file is not encoded in UTF-8', {
      hint: 'Save it as UTF-8.',
      place: { file: name, ...firstWrongByte(bytes) },
      cause,
    });
  }
}

function firstWrongByte(bytes: Buffer): { line: number; column: number } {
  // What a lenient decoder keeps of the text is exact up to the first replacement character it had to put in.
  const kept = new TextDecoder('utf-8').decode(bytes);
  const wrong = [...kept.matchAll(/\uFFFD/g)].find(({ index }) => {
    const before = Buffer.byteLength(kept.slice(0, index)) + (bytes[0] === 0xef && bytes[1] === 0xbb ? 3 : 0);
    return bytes.toString('hex', before, before + 3) !== 'efbfbd';
  });
  const lines = kept.slice(0, wrong?.index ?? 0).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
