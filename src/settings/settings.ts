/** Settings in their order: flag, JWT_E2E_* variable, jwt-e2e.yaml, default. */
import { existsSync } from 'node:fs';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { HarnessError, type Place } from '../base/errors.ts';
import { readLimitedText, whyUnreadable } from '../base/files/limited-file.ts';
import { limits } from '../base/files/limits.ts';
import { excessOf, targetOf } from '../base/files/yaml-bounds.ts';
import { nearest } from '../base/suggest.ts';
import { allOptions, configOption, type OptionSpec, variableOf } from './options.ts';

export type Value = string | boolean | string[];
export type Values = Readonly<Record<string, Value | undefined>>;

const settingsFile = 'jwt-e2e.yaml';

/**
 * Merges what was given on the command line with the environment and the settings file.
 *
 * @param flags values by option name, only those that were given
 * @param file what is read when no other one is named, and it is there
 * @throws HarnessError E_USAGE for a value that is not allowed, E_SETTINGS for a mistake in the file, with its place
 */
export function mergeSettings(flags: Values, env: NodeJS.ProcessEnv, file: string = settingsFile): Values {
  refuseUnknown(env);
  const config = namedFile(flags, env);
  const read = config ?? (existsSync(file) ? file : undefined);
  const fromFile = read === undefined ? {} : readSettingsFile(read);
  const merged: Record<string, Value | undefined> = { config };
  for (const option of allOptions) {
    const { name } = option;
    const given = flags[name];
    if (given !== undefined) checkValue(option, given, `--${name}`);
    merged[name] = given ?? fromVariable(option, env[variableOf(name)]) ?? fromFile[name];
  }
  return merged;
}

/** Values of flags that only one command has. @throws HarnessError E_USAGE for one that is not allowed */
export function checkFlags(options: readonly OptionSpec[], flags: Values): void {
  for (const option of options) {
    const given = flags[option.name];
    if (given !== undefined) checkValue(option, given, `--${option.name}`);
  }
}

/** The settings file that somebody has named. @throws HarnessError E_USAGE when it is not there */
function namedFile({ config }: Values, env: NodeJS.ProcessEnv): string | undefined {
  const { name } = configOption;
  const variable = env[variableOf(name)];
  const [file, source] =
    typeof config === 'string' ? [config, `--${name}`] : [variable || undefined, variableOf(name)];
  if (file === undefined || existsSync(file)) return file;
  throw new HarnessError('E_USAGE', `${source} names ${file}, which does not exist`, {
    hint: `Name a file, from the folder where you are, or leave it out to have ${settingsFile} read when it is there.`,
  });
}

/** Variables that tell processes of this tool, and its tests, what to do. */
const internal = /^JWT_E2E_(?:TEST_\w+|FAULTS_CLOCK_STEP|MESH_HOST|VITEST_HOST)$/;

/** A variable that is misspelt would be overlooked in silence. */
function refuseUnknown(env: NodeJS.ProcessEnv): void {
  const known = [...allOptions, configOption].map(({ name }) => variableOf(name));
  const unknown = Object.keys(env).find(
    (name) =>
      name.startsWith('JWT_E2E_') && env[name] !== '' && !known.includes(name) && !internal.test(name),
  );
  if (unknown === undefined) return;
  throw new HarnessError('E_USAGE', `there is no setting for the variable ${unknown}`, {
    hint: `${suggestion(unknown, known)} Or unset it.`,
  });
}

function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined
    ? 'Settings are named as the flags of "jwt-e2e run --help"; docs/settings.md has them all.'
    : `Did you mean ${near}?`;
}

function fromVariable(option: OptionSpec, text: string | undefined): Value | undefined {
  if (text === undefined || text === '') return undefined;
  if (option.value === undefined) {
    if (/^(1|true|yes)$/i.test(text)) return true;
    if (/^(0|false|no)$/i.test(text)) return false;
    throw new HarnessError('E_USAGE', `${variableOf(option.name)}="${text}" is neither true nor false`, {
      hint: 'Set it to true or false, or unset it.',
    });
  }
  const parts = text.split(',').map((each) => each.trim());
  const value = option.many === true ? parts.filter(Boolean) : text;
  checkValue(option, value, variableOf(option.name));
  return value;
}

/** @param source what the user has to change, such as `--target`; with a place it is a setting of the file */
function checkValue(option: OptionSpec, value: Value, source: string, place?: Place): void {
  const { choices, form } = option;
  const code = place === undefined ? 'E_USAGE' : 'E_SETTINGS';
  for (const each of [value].flat()) {
    if (typeof each !== 'string') continue;
    // Settings become parts of commands, of addresses and of files.
    if (/[\r\n\0]/.test(each)) {
      throw new HarnessError(code, `${source} has a line break or U+0000 in it`, {
        hint: 'Write it in one line.',
        place,
      });
    }
    if (choices !== undefined && !choices.includes(each)) {
      const hint = `It is one of ${choices.join(', ')}.`;
      throw new HarnessError(code, `${source} cannot be "${each}"`, { hint, place });
    }
    if (form !== undefined && (!form.pattern.test(each) || Number(each) > (form.most ?? Infinity)))
      throw new HarnessError(code, `${source} must be ${form.wanted}, not "${each}"`, { place });
  }
}

function readSettingsFile(file: string): Record<string, Value> {
  const lineCounter = new LineCounter();
  const source = readText(file);
  const excess = excessOf(source, limits.settings);
  if (excess !== undefined) {
    const line = source.slice(0, excess.offset).split('\n').length;
    const place = { file, line, column: 1 };
    throw new HarnessError('E_SETTINGS', excess.message, { hint: excess.hint, place });
  }
  const document = parseDocument(source, { lineCounter, uniqueKeys: true });
  const placeOf = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col };
  };
  const [problem] = document.errors;
  if (problem !== undefined) {
    const why = problem.message.split('\n')[0]?.replace(/ at line .*/, '');
    throw new HarnessError('E_SETTINGS', `the settings file is no YAML: ${why}`, {
      hint: 'Write lines such as "target: kind", each setting once.',
      place: placeOf(problem.pos[0]),
    });
  }
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return {};
  if (!isMap(contents)) {
    throw new HarnessError('E_SETTINGS', 'the settings file is not a map of settings', {
      hint: 'Write lines such as "target: kind".',
      place: placeOf(0),
    });
  }
  const values: Record<string, Value> = {};
  for (const pair of contents.items) {
    const key = pair.key as Node | null;
    const name = isScalar(key) ? String(key.value) : String(key);
    const place = placeOf(key?.range?.[0] ?? 0);
    const option = allOptions.find((each) => each.name === name);
    if (option === undefined) {
      throw new HarnessError('E_SETTINGS', `there is no setting "${name}"`, {
        hint: suggestion(
          name,
          allOptions.map((each) => each.name),
        ),
        place,
      });
    }
    values[name] = checkedValue(option, withAliases(pair.value, document), place);
  }
  return values;
}

/** What aliases stand for, in their place: a value, or the entries of a list. */
function withAliases(node: unknown, document: Document): unknown {
  const followed = isAlias(node) ? targetOf(node, document) : node;
  return isSeq(followed)
    ? followed.items.map((item) => (isAlias(item) ? targetOf(item, document) : item))
    : followed;
}

function readText(file: string): string {
  try {
    return readLimitedText(file, limits.yamlBytes);
  } catch (thrown) {
    const { why, hint } = whyUnreadable(thrown);
    throw new HarnessError('E_SETTINGS', `the settings file ${file} ${why}`, { hint, cause: thrown });
  }
}

function checkedValue(option: OptionSpec, node: unknown, place: Place): Value {
  const value = readValue(option, node);
  if (value !== undefined) {
    checkValue(option, value, `setting "${option.name}"`, place);
    return value;
  }
  const wanted = option.many ? 'a list of texts' : option.value === undefined ? 'true or false' : 'a text';
  const such = option.many ? `[${option.value}]` : option.value === undefined ? 'true' : option.value;
  throw new HarnessError('E_SETTINGS', `setting "${option.name}" must be ${wanted}`, {
    hint: `Write it as "${option.name}: ${such}", or leave it out.`,
    place,
  });
}

function readValue(option: OptionSpec, node: unknown): Value | undefined {
  if (option.many === true) {
    const texts = [node].flat().map(textOf);
    return texts.every((each) => each !== undefined) ? texts : undefined;
  }
  if (option.value !== undefined) return textOf(node);
  return isScalar(node) && typeof node.value === 'boolean' ? node.value : undefined;
}

/** A number is taken as it is written: 1.30 is a version, and not 1.3. */
function textOf(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  if (typeof node.value === 'string') return node.value;
  return typeof node.value === 'number' ? (node.source ?? String(node.value)) : undefined;
}
