/** Loads scenario files: finds them, reads them, and says everything that is wrong with them. */

import { dirname } from 'node:path';
import { type ErrorCode, HarnessError, inFileOrder, type Place } from '../base/errors.ts';
import { oneLine } from '../base/harmless.ts';
import { isMap } from '../base/kube-object.ts';
import { shellQuote } from '../base/names.ts';
import { hintFor } from '../base/suggest.ts';
import { displayName, findScenarioFiles, profileOf, readText } from './files.ts';
import { explainIssues, noMessage } from './format/issues.ts';
import { expandLists } from './format/lists.ts';
import { type Whereabouts, withOwnFiles } from './format/own-files.ts';
import { type ScenarioSpec, scenarioSchema } from './format/schema.ts';
import { codeClass } from './format/schema-tables.ts';
import { type KnownApp, knownApps } from './known-apps.ts';
import { checkApps } from './lint/check-apps.ts';
import { checkReferences } from './lint/check-references.ts';
import { checkScenario } from './lint/check-scenario.ts';
import { checkSize } from './lint/check-size.ts';
import { mistakeCode, type Report } from './lint/mistakes.ts';
import { type Path, parseYaml } from './yaml/yaml-file.ts';

/** A scenario that is known to be right, with its lists expanded. */
export interface LoadedScenario extends ScenarioSpec {
  /** The file, relative to where the program was started. */
  readonly file: string;
  /** The folder below `scenarios`, such as "documented"; else "custom". */
  readonly profile: string;
  /** Absolute paths of the files whose manifests it applies. */
  readonly ownFiles: readonly string[];
  /** Where the value at this path of the scenario stands in the file. */
  place(path: Path): Place;
}

/**
 * Loads scenarios from files and folders.
 *
 * @param paths files and folders, relative to `cwd`
 * @returns the scenarios in the order of the arguments and of the file names, and every mistake of every file:
 * `E_USAGE` for a path without scenarios, `E_SCENARIO` and `E_TEMPLATE` with their place for mistakes in a file
 */
export function loadScenarios(
  paths: readonly string[],
  options: { readonly cwd: string },
): { scenarios: LoadedScenario[]; errors: HarnessError[]; ownFiles: string[] } {
  const { files, errors } = findScenarioFiles(paths, options.cwd);
  const loaded: LoadedScenario[] = [];
  const ownFiles = new Set<string>();
  const apps = knownApps();
  for (const path of files) {
    const file = displayName(path, options.cwd);
    try {
      const where = { folder: dirname(path), cwd: options.cwd };
      const read = parseScenario(readText(path, file), file, profileOf(path), apps, where);
      const { scenario, errors: mistakes } = read;
      for (const own of read.ownFiles) ownFiles.add(own);
      errors.push(...mistakes);
      if (scenario !== undefined) loaded.push(scenario);
    } catch (thrown) {
      if (!(thrown instanceof HarnessError)) throw thrown;
      errors.push(thrown);
    }
  }
  errors.push(...sameNames(loaded));
  const wrong = new Set(errors.map(({ place }) => place?.file));
  return { scenarios: loaded.filter(({ file }) => !wrong.has(file)), errors, ownFiles: [...ownFiles] };
}

/**
 * Parses and checks the text of one scenario file.
 *
 * @param apps that are there for every scenario to name, so that none may use one without naming it
 * @param where files that it applies are found from; without it there are none
 * @returns the scenario when there is no mistake in it, all mistakes in the order of the file, and the files that it applies
 */
export function parseScenario(
  source: string,
  file: string,
  profile = 'custom',
  apps: readonly KnownApp[] = [],
  where?: Whereabouts,
): { scenario: LoadedScenario | undefined; errors: HarnessError[]; ownFiles: readonly string[] } {
  const written = parseYaml(source, file);
  if (isManifest(written.data))
    return { scenario: undefined, errors: [manifest(written.data, file)], ownFiles: [] };
  const yaml = withOwnFiles(written, where);
  const { ownFiles } = yaml;
  // Of a step without its manifests nothing more can be said.
  if (yaml.data === undefined || yaml.errors.length > written.errors.length)
    return { scenario: undefined, errors: [...yaml.errors], ownFiles };

  const named = withAnswers(withoutOwnKeys(yaml.data));
  const unnamed = named.problems.map(
    ({ path, message, hint }) => new HarnessError('E_SCENARIO', message, { hint, place: yaml.place(path) }),
  );
  const parsed = scenarioSchema.safeParse(named.data, { error: noMessage });
  if (!parsed.success) {
    const issues = explainIssues(parsed.error.issues, scenarioSchema, yaml);
    return { scenario: undefined, errors: inFileOrder([...yaml.errors, ...unnamed, ...issues]), ownFiles };
  }
  const { spec, problems, isWhole, original } = expandLists(parsed.data as ScenarioSpec);
  const errors = [...yaml.errors, ...unnamed];
  const told = new Set<string>();
  const reportAs =
    (codeAt: (path: Path) => ErrorCode): Report =>
    (path, message, hint, at = 'value') => {
      const code = codeAt(path);
      const from = original(path);
      const place = at === 'key' ? yaml.keyPlace(from) : yaml.place(from);
      // A mistake in an entry with a list is a mistake in each of the entries that it stands for: once is enough.
      const isExpanded = from.join('\n') !== path.join('\n');
      const key = `${place.line}:${place.column} ${isExpanded ? '' : message}`;
      if (!told.has(key)) errors.push(new HarnessError(code, message, { hint, place }));
      told.add(key);
    };
  for (const { path, message, hint } of problems)
    errors.push(new HarnessError('E_SCENARIO', message, { hint, place: yaml.keyPlace(path) }));
  if (!isWhole) return { scenario: undefined, errors: inFileOrder(errors), ownFiles };
  const report = reportAs((path) => mistakeCode(path));
  if (!checkSize(spec, report)) return { scenario: undefined, errors: inFileOrder(errors), ownFiles };
  checkScenario(spec, report, (path) => {
    const { line, column } = yaml.place(original(path));
    return `${line}:${column}`;
  });
  checkApps(spec, apps, report);
  checkReferences(
    spec,
    reportAs(() => 'E_TEMPLATE'),
  );
  if (errors.length > 0) return { scenario: undefined, errors: inFileOrder(errors), ownFiles };
  return {
    scenario: {
      ...spec,
      file,
      profile,
      ownFiles,
      place: (path) => yaml.place(original(path)),
    },
    errors: [],
    ownFiles,
  };
}

/** Whether it is an object for Kubernetes, such as a policy in the folder that was named. */
function isManifest(data: unknown): data is { readonly kind: string } {
  return (
    isMap(data) &&
    typeof data.apiVersion === 'string' &&
    typeof data.kind === 'string' &&
    data.steps === undefined
  );
}

/** What is missing in it and unknown would say for each key what one sentence says of all. */
function manifest({ kind }: { readonly kind: string }, file: string): HarnessError {
  return new HarnessError(
    'E_SCENARIO',
    `this is no scenario, but an object of Kubernetes: ${oneLine(kind)}`,
    {
      hint: `Name the files or the folder of your scenarios, which apply it with "files". For a first one: jwt-e2e init --from ${shellQuote(file)}`,
      place: { file, line: 1, column: 1 },
    },
  );
}

/** Keys that begin with `x-` are the author's own, such as for anchors of YAML. */
function withoutOwnKeys(data: unknown): unknown {
  if (!isMap(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => !key.startsWith('x-')));
}

interface AnswerProblem {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

/**
 * Names of answers, in cells, are the answers that the scenario gives these names. What is wrong besides stays as it is.
 *
 * @returns the data without such names, and what is wrong with those that name nothing
 */
function withAnswers(data: unknown): { data: unknown; problems: readonly AnswerProblem[] } {
  if (!isMap(data) || !Array.isArray(data.steps)) return { data, problems: [] };
  const answers = isMap(data.answers) ? data.answers : {};
  const hint = 'In a cell it is a status code. Choose another name.';
  const problems: AnswerProblem[] = Object.keys(answers)
    .filter((name) => codeClass.test(name) || /^\d*$/.test(name))
    .map((name) => ({ path: ['answers', name], message: `"${name}" cannot be the name of an answer`, hint }));
  const resolve = (cell: unknown, path: Path): unknown => {
    if (Array.isArray(cell)) return cell.map((each, index) => resolve(each, [...path, index]));
    if (typeof cell !== 'string') return cell;
    if (codeClass.test(cell)) return { code: cell };
    if (Object.hasOwn(answers, cell)) return answers[cell];
    problems.push({ path, ...unknownAnswer(cell, Object.keys(answers)) });
    return 200;
  };
  const steps = data.steps.map((step: unknown, index) => {
    if (!isMap(step) || !isMap(step.expect)) return step;
    const rows = Object.entries(step.expect).map(([row, cells]) => {
      const path = ['steps', index, 'expect', row];
      const isRow = row !== 'columns' && Array.isArray(cells);
      return [row, isRow ? cells.map((cell: unknown, at) => resolve(cell, [...path, at])) : cells];
    });
    return { ...step, expect: Object.fromEntries(rows) };
  });
  return { data: { ...data, steps }, problems };
}

function unknownAnswer(name: string, names: readonly string[]): { message: string; hint: string } {
  if (/^\d{3}$/.test(name))
    return { message: `the status code ${name} is a text here`, hint: `Write ${name} without quotes.` };
  if (/^\dxx$/i.test(name))
    return { message: `"${name}" is no class of status codes`, hint: 'They are 1xx, 2xx, 3xx, 4xx and 5xx.' };
  if (names.length > 0)
    return { message: `there is no answer "${name}"`, hint: hintFor(name, names, 'answers') };
  return {
    message: `"${name}" is no status code, and there is no answer of this name`,
    hint: `Write a status code such as 200, a class of them such as 2xx, or an answer such as { code: 401, body: … }; or say under "answers:" at the top of the scenario what "${name}" is.`,
  };
}

function sameNames(scenarios: readonly LoadedScenario[]): HarnessError[] {
  const first = new Map<string, Place>();
  return scenarios.flatMap(({ name, place }) => {
    const here = place(['name']);
    const other = first.get(name);
    if (other === undefined) {
      first.set(name, here);
      return [];
    }
    const hint = 'Every scenario has a name of its own; reports and --grep tell them apart by it.';
    const message = `the name "${name}" is already used in ${other.file}:${other.line}`;
    return [new HarnessError('E_SCENARIO', message, { hint, place: here })];
  });
}
