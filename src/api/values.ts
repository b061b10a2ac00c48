/** From settings that a program gives to the values that the parts of the product take. */
import { HarnessError } from '../base/errors.ts';
import { nearest } from '../base/suggest.ts';
import { allOptions, type OptionSpec } from '../settings/options.ts';
import { mergeSettings, type Value, type Values } from '../settings/settings.ts';
import type { Settings } from './program-settings.ts';

/** What only makes sense at a terminal, or is about reports, which a program makes of the events as it likes. */
const onlyForPeople: readonly string[] = [
  'watch',
  'dry-run',
  'last-failed',
  'pause-on-failure',
  'debug',
  'quiet',
  'open',
  'no-open',
  'junit',
  'junit-places',
  'json',
  'html',
  'title',
  'history',
  'conformance',
  'summary',
];

/** The options that {@link Settings} has. */
export const settingOptions: readonly OptionSpec[] = allOptions.filter(
  ({ name }) => !onlyForPeople.includes(name),
);

/**
 * The values of settings, completed as on the command line: `JWT_E2E_*` variables, then `jwt-e2e.yaml` where the program
 * was started, then defaults.
 *
 * @throws HarnessError E_USAGE for a setting that does not exist or a value that means nothing; E_SETTINGS for the file
 */
export function valuesOf(settings: Settings, env: NodeJS.ProcessEnv = process.env): Values {
  const given: Record<string, Value> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) given[name] = readValue(optionOf(name), value);
  }
  const merged = mergeSettings(given, env);
  return Object.fromEntries(settingOptions.map(({ name }) => [name, merged[name]]));
}

function optionOf(name: string): OptionSpec {
  const option = settingOptions.find((each) => each.name === name);
  if (option !== undefined) return option;
  if (onlyForPeople.includes(name)) {
    throw new HarnessError('E_USAGE', `the setting "${name}" is for the command line only`, {
      hint: 'Leave it out; reports can be made of the events, such as with resultOf(events).',
    });
  }
  const names = settingOptions.map((each) => each.name);
  const meant = nearest(name, names);
  throw new HarnessError('E_USAGE', `there is no setting "${name}"`, {
    hint: meant === undefined ? `Settings are ${names.join(', ')}.` : `Did you mean "${meant}"?`,
  });
}

function readValue({ name, value, many }: OptionSpec, given: unknown): Value {
  const wrong = (wanted: string) =>
    new HarnessError('E_USAGE', `the setting "${name}" must be ${wanted}, not ${JSON.stringify(given)}`);
  if (value === undefined) {
    if (typeof given === 'boolean') return given;
    throw wrong('true or false');
  }
  const texts = [given].flat().map((each) => (typeof each === 'number' ? String(each) : each));
  if (!texts.every((each) => typeof each === 'string')) throw wrong(many ? 'a text or a list' : 'a text');
  // Of what may be given but once, a list is what the flag takes separated by commas.
  return many ? texts : texts.join(',');
}
