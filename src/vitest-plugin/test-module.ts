/** Turns a scenario file into the module that Vitest runs as a test file: a suite for each step, a test for each check. */

import { dirname, resolve } from 'node:path';
import type { HarnessError, Place } from '../base/errors.ts';
import { visible } from '../base/harmless.ts';
import { inventory, type Listed } from '../plan/inventory.ts';
import { displayName, profileOf } from '../scenario/files.ts';
import { knownApps } from '../scenario/known-apps.ts';
import { parseScenario } from '../scenario/load.ts';

interface TestModule {
  readonly code: string;
  readonly map: SourceMap | null;
  /** Absolute paths of the files that it depends on, besides its own. */
  readonly ownFiles: readonly string[];
}

/**
 * The module of a scenario file. The calls stand in it literally, a line each, because editors find tests by reading them.
 *
 * @param file absolute
 * @param runtime the module runtime.ts, absolute
 */
export function testModule(source: string, file: string, runtime: string): TestModule {
  const cwd = process.cwd();
  const name = displayName(file, cwd);
  const where = { folder: dirname(file), cwd };
  const { scenario, errors, ownFiles } = parseScenario(source, name, profileOf(file), knownApps(), where);
  if (scenario === undefined || errors.length > 0)
    return { code: brokenModule(errors, name), map: null, ownFiles };
  const lines: { readonly text: string; readonly place?: Place }[] = [];
  const ids: Record<string, string> = {};
  const listed = inventory(scenario);
  for (const each of listed) {
    const suites = listed.length > 1 ? [modeName(each)] : [];
    for (const name of suites)
      lines.push({ text: `describe(${JSON.stringify(name)}, () => {`, place: scenario.place(['name']) });
    for (const { name: step, place, checks } of each.steps) {
      const name = visible(step);
      lines.push({ text: `describe(${JSON.stringify(name)}, () => {`, place });
      for (const { id, row, column, place } of checks) {
        const title = visible(`${row}, ${column}`);
        ids[JSON.stringify([...suites, name, title])] = id;
        lines.push({ text: `test(${JSON.stringify(title)}, check(${JSON.stringify(id)}), 0);`, place });
      }
      lines.push({ text: '});' });
    }
    for (const _ of suites) lines.push({ text: '});' });
  }
  const head = [
    `import { afterAll, beforeAll, describe, inject, test } from 'vitest';`,
    `import { scenarioFile } from ${JSON.stringify(runtime)};`,
    `const options = { file: ${JSON.stringify(file)}, socket: inject(${JSON.stringify(socketKey)}), ids: ${JSON.stringify(ids)} };`,
    `const check = scenarioFile(options, { beforeAll, afterAll });`,
  ].map((text) => ({ text, place: undefined }));
  const all = [...head, ...lines];
  return {
    code: all.map(({ text }) => text).join('\n'),
    map: sourceMap(
      file,
      all.map(({ place }) => place),
    ),
    ownFiles,
  };
}

/** What the plugin provides to test files: the path of the socket. */
export const socketKey = 'istio-jwt-e2e';

function modeName({ fetch }: Listed): string {
  return `keys fetched by ${fetch}`;
}

/** A module that fails with all mistakes, of the file `name` and of those that it applies, and points at the first. */
function brokenModule(errors: readonly HarnessError[], name: string): string {
  const lines = errors.flatMap(({ message, hint, place }, index) => {
    // The first has its place shown by Vitest, with the lines around it.
    const isShown = index === 0 || place === undefined;
    const where = isShown
      ? ''
      : place.file === name
        ? `line ${place.line}: `
        : `${place.file}:${place.line}: `;
    return [`${where}${message}`, ...(hint === undefined ? [] : [`  ${hint}`])];
  });
  const [first] = errors;
  const { file, line, column } = first?.place ?? { file: name, line: 1, column: 1 };
  const code = first?.code ?? 'E_SCENARIO';
  const message = visible(lines.join('\n'));
  const stack = `${code}: ${message}\n    at scenario (${resolve(file)}:${line}:${column})`;
  return `throw Object.assign(new Error(${JSON.stringify(message)}), ${JSON.stringify({ name: code, stack })});`;
}

// Source maps with one segment for each line (https://tc39.es/ecma426/): all that editors need to find a test.

/** A map, as Vite takes it from plugins. */
interface SourceMap {
  readonly version: 3;
  readonly sources: string[];
  readonly names: string[];
  readonly mappings: string;
}

/** @param places for each line of the code, where it comes from in the file; undefined for lines that come from nowhere */
function sourceMap(file: string, places: readonly (Pick<Place, 'line' | 'column'> | undefined)[]): SourceMap {
  let [line, column] = [0, 0];
  const lines = places.map((place) => {
    if (place === undefined) return '';
    // Column of the code, index of the source, and line and column from 0, each relative to the segment before.
    const segment = [0, 0, place.line - 1 - line, place.column - 1 - column].map(base64Vlq).join('');
    [line, column] = [place.line - 1, place.column - 1];
    return segment;
  });
  return { version: 3, sources: [file], names: [], mappings: lines.join(';') };
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Five bits a digit, the lowest first, with the sign as the lowest bit of all. */
function base64Vlq(value: number): string {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = '';
  do {
    const more = rest > 31 ? 32 : 0;
    text += digits[(rest & 31) | more];
    rest >>>= 5;
  } while (rest > 0);
  return text;
}
