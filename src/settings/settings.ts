/** Settings in their order: flag, JWT_E2E_* variable, jwt-e2e.yaml, default. */
import { existsSync, readFileSync } from 'node:fs';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { HarnessError, type Place } from '../errors.ts';
import { allOptions, type OptionSpec, variableOf } from './options.ts';

export type Value = string | boolean | string[];
export type Values = Readonly<Record<string, Value | undefined>>;

export const settingsFile = 'jwt-e2e.yaml';

/**
 * Merges what was given on the command line with the environment and the settings file.
 *
 * @param flags values by option name, only those that were given
 * @throws HarnessError E_USAGE for a value that is not allowed, E_SETTINGS for a mistake in the file, with its place
 */
export function mergeSettings(flags: Values, env: NodeJS.ProcessEnv, file: string = settingsFile): Values {
  const fromFile = existsSync(file) ? readSettingsFile(file) : {};
  const merged: Record<string, Value | undefined> = {};
  for (const option of allOptions) {
    const { name } = option;
    merged[name] = flags[name] ?? fromVariable(option, env[variableOf(name)]) ?? fromFile[name];
    checkChoice(option, merged[name]);
  }
  return merged;
}

function fromVariable(option: OptionSpec, text: string | undefined): Value | undefined {
  if (text === undefined || text === '') return undefined;
  if (option.value === undefined) {
    if (/^(1|true|yes)$/i.test(text)) return true;
    if (/^(0|false|no)$/i.test(text)) return undefined;
    throw new HarnessError('E_USAGE', `${variableOf(option.name)}="${text}" is neither true nor false`, {
      hint: 'Set it to true, or unset it.',
    });
  }
  return option.many === true
    ? text
        .split(',')
        .map((each) => each.trim())
        .filter(Boolean)
    : text;
}

function checkChoice(option: OptionSpec, value: Value | undefined): void {
  if (option.choices === undefined || typeof value !== 'string' || option.choices.includes(value)) return;
  throw new HarnessError('E_USAGE', `--${option.name} cannot be "${value}"`, {
    hint: `It is one of ${option.choices.join(', ')}.`,
  });
}

function readSettingsFile(file: string): Record<string, Value> {
  const lineCounter = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter, uniqueKeys: true });
  const placeOf = (offset: number): Place => {
    const { line, col } = lineCounter.linePos(offset);
    return { file, line, column: col };
  };
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new HarnessError('E_SETTINGS', problem.message.split('\n')[0] ?? 'not YAML', {
      place: placeOf(problem.pos[0]),
    });
  }
  if (document.contents === null) return {};
  if (!isMap(document.contents)) {
    throw new HarnessError('E_SETTINGS', 'the settings file is not a map of settings', {
      hint: 'Write lines such as "target: kind".',
      place: placeOf(0),
    });
  }
  const values: Record<string, Value> = {};
  for (const pair of document.contents.items) {
    const node = pair.key as { value: unknown; range?: [number, number, number] };
    const name = String(node.value);
    const place = placeOf(node.range?.[0] ?? 0);
    const option = allOptions.find((each) => each.name === name);
    if (option === undefined) {
      throw new HarnessError('E_SETTINGS', `there is no setting "${name}"`, {
        hint: `Settings are named as the flags of "jwt-e2e run --help", without the dashes.`,
        place,
      });
    }
    values[name] = checkedValue(option, (document.toJS() as Record<string, unknown>)[name], place);
  }
  return values;
}

function checkedValue(option: OptionSpec, value: unknown, place: Place): Value {
  if (option.many === true) {
    const list = Array.isArray(value) ? value : [value];
    if (list.every((each) => typeof each === 'string')) return list;
  } else if (option.value === undefined) {
    if (typeof value === 'boolean') return value;
  } else if (typeof value === 'string' || typeof value === 'number') return String(value);
  const wanted = option.many ? 'a list of texts' : option.value === undefined ? 'true or false' : 'a text';
  throw new HarnessError('E_SETTINGS', `setting "${option.name}" must be ${wanted}`, { place });
}
