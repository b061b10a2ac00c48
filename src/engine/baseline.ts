/** Loads the baseline file. */
import { resolve } from 'node:path';
import { formatPlace, HarnessError, inFileOrder } from '../base/errors.ts';
import { readLimitedText, whyUnreadable } from '../base/files/limited-file.ts';
import { limits } from '../base/files/limits.ts';
import { profiles } from '../base/profiles.ts';
import type { Baseline } from '../run/answers/known.ts';
import { explainIssues, noMessage } from '../scenario/format/issues.ts';
import { parseYaml } from '../scenario/yaml/yaml-file.ts';
import type { Values } from '../settings/settings.ts';
import { flag, list, text } from '../settings/typed.ts';
import { baselineSchema } from './baseline-schema.ts';

/**
 * The known deviations of `--baseline`; undefined when there is no such setting.
 *
 * @throws HarnessError E_SETTINGS with the place of the first mistake; the others are in its details
 */
export function baselineOf(values: Values, cwd: string): Baseline | undefined {
  const file = text(values, 'baseline');
  return file === undefined ? undefined : { entries: loadBaseline(file, cwd) };
}

/**
 * Whether a run leaves nothing out, neither by selection nor by taking some profiles of the product's own scenarios. Only
 * then a scenario that is not in it can be said not to exist.
 */
export function isWhole(values: Values, scenarios: readonly { readonly profile: string }[]): boolean {
  const taken = new Set(scenarios.map(({ profile }) => profile));
  const own = profiles.filter((profile) => taken.has(profile));
  const isPartOfOwn = own.length > 0 && own.length < profiles.length;
  const isSelected =
    ['grep', 'shard'].some((name) => text(values, name) !== undefined) ||
    ['tag', 'skip-tag'].some((name) => list(values, name).length > 0) ||
    ['last-failed', 'fail-fast'].some((name) => flag(values, name));
  return !isSelected && !isPartOfOwn;
}

function loadBaseline(file: string, cwd: string): Baseline['entries'] {
  const yaml = parseYaml(read(file, cwd), file, {
    expected: 'expected a map with the key "known"',
    hint: 'Write "known:" and below it a list of entries with check, reason and until.',
  });
  const parsed =
    yaml.data === undefined ? undefined : baselineSchema.safeParse(yaml.data, { error: noMessage });
  const mistakes = [
    ...yaml.errors,
    ...(parsed?.success === false ? explainIssues(parsed.error.issues, baselineSchema, yaml) : []),
  ];
  const [first, ...others] = inFileOrder(mistakes);
  if (first !== undefined || parsed?.success !== true) throw inSettings(first, others);
  return parsed.data.known.map(({ target, fetch, ...entry }, index) => ({
    ...entry,
    target: target === undefined ? undefined : [target].flat(),
    fetch: fetch === undefined ? undefined : [fetch].flat(),
    place: yaml.place(['known', index]),
  }));
}

/** A mistake in this file is none in a scenario. */
function inSettings(first: HarnessError | undefined, others: readonly HarnessError[]): HarnessError {
  const details = others.map(({ place, message }) => `${place ? `${formatPlace(place)}: ` : ''}${message}`);
  return new HarnessError('E_SETTINGS', first?.message ?? 'the baseline file cannot be used', {
    hint: first?.hint,
    place: first?.place,
    details: details.length === 0 ? undefined : details.join('\n'),
    cause: first,
  });
}

function read(file: string, cwd: string): string {
  try {
    return readLimitedText(resolve(cwd, file), limits.yamlBytes);
  } catch (thrown) {
    const { why, hint } = whyUnreadable(thrown);
    throw new HarnessError('E_SETTINGS', `the baseline ${file} ${why}`, {
      hint: hint ?? 'Name a YAML file with known deviations, or leave --baseline out.',
      cause: thrown,
    });
  }
}
