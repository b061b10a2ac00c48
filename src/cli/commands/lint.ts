/** `jwt-e2e lint`: checks scenario files without running them. */

import { resolve } from 'node:path';
import { exitCodes, type HarnessError } from '../../base/errors.ts';
import { readLimited } from '../../base/files/limited-file.ts';
import { limits } from '../../base/files/limits.ts';
import { plural } from '../../report/text.ts';
import { loadScenarios } from '../../scenario/load.ts';
import { renderDiagnostic } from '../support/diagnostic.ts';
import type { Output } from '../support/io.ts';

/**
 * Checks scenario files and writes every mistake to `stdout`.
 *
 * @param paths files and folders, relative to `options.cwd`
 * @returns the exit code: 0, 3 when a file is wrong, 2 when only the paths are
 */
export function lintCommand(paths: readonly string[], options: { readonly cwd: string }, io: Output): number {
  const { scenarios, errors } = loadScenarios(paths, options);
  if (errors.length === 0) {
    io.stdout.write(`${plural(scenarios.length, 'scenario')}, no mistakes\n`);
    return exitCodes.passed;
  }
  io.stdout.write(renderAll(errors, options.cwd));
  return exitCodeOf(errors);
}

/** The first errors with their lines of source, and how many there are. */
export function renderAll(errors: readonly HarnessError[], cwd: string): string {
  const readSource = cachedReader(cwd);
  const blocks = errors.slice(0, limits.mistakes).map((error) => renderDiagnostic(error, readSource));
  const files = new Set(errors.flatMap(({ place }) => place?.file ?? []));
  const where = files.size === 0 ? '' : ` in ${plural(files.size, 'file')}`;
  const left = errors.length - blocks.length;
  const more = left === 0 ? '' : `, ${left} of them not shown`;
  return `${blocks.join('\n')}\n${plural(errors.length, 'mistake')}${where}${more}\n`;
}

/** The exit code for the errors of loading scenarios: a file that tests nothing is an invalid one. */
export function exitCodeOf(errors: readonly HarnessError[]): number {
  const codes = errors.map(({ exitCode }) => Math.min(exitCode, exitCodes.scenario));
  return Math.max(exitCodes.passed, ...codes);
}

function cachedReader(cwd: string): (file: string) => string | undefined {
  const cache = new Map<string, string | undefined>();
  return (file) => {
    if (!cache.has(file)) cache.set(file, read(resolve(cwd, file)));
    return cache.get(file);
  };
}

function read(file: string): string | undefined {
  try {
    return readLimited(file, limits.yamlBytes).toString('utf8');
  } catch {
    return undefined;
  }
}
