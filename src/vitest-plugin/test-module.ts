/** Turns a scenario file into the module that Vitest runs as a test file: a suite for each step, a test for each check. */

import type { HarnessError, Place } from '../errors.ts';
import { visible } from '../harmless.ts';
import { inventory, type Listed } from '../plan/inventory.ts';
import { knownApps } from '../scenario/apps.ts';
import { displayName, profileOf } from '../scenario/files.ts';
import { parseScenario } from '../scenario/load.ts';
import { type SourceMap, sourceMap } from './source-map.ts';

interface TestModule {
  readonly code: string;
  readonly map: SourceMap | null;
}

/**
 * The module of a scenario file. The calls stand in it literally, a line each, because editors find tests by reading them.
 *
 * @param file absolute
 * @param runtime the module runtime.ts, absolute
 */
export function testModule(source: string, file: string, runtime: string): TestModule {
  const name = displayName(file, process.cwd());
  const { scenario, errors } = parseScenario(source, name, profileOf(file), knownApps());
  if (scenario === undefined || errors.length > 0) return { code: brokenModule(errors, file), map: null };
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
  };
}

/** What the plugin provides to test files: the path of the socket. */
export const socketKey = 'istio-jwt-e2e';

function modeName({ fetch }: Listed): string {
  return `keys fetched by ${fetch}`;
}

/** A module that fails with all mistakes of the file, and points at the first. */
function brokenModule(errors: readonly HarnessError[], file: string): string {
  const lines = errors.flatMap(({ message, hint, place }, index) => {
    // The first has its place shown by Vitest, with the lines around it.
    const where = index === 0 || place === undefined ? '' : `line ${place.line}: `;
    return [`${where}${message}`, ...(hint === undefined ? [] : [`  ${hint}`])];
  });
  const [first] = errors;
  const { line, column } = first?.place ?? { line: 1, column: 1 };
  const name = first?.code ?? 'E_SCENARIO';
  const message = visible(lines.join('\n'));
  const stack = `${name}: ${message}\n    at scenario (${file}:${line}:${column})`;
  return `throw Object.assign(new Error(${JSON.stringify(message)}), ${JSON.stringify({ name, stack })});`;
}
