import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Settings } from '../../src/api/program-settings.ts';
import { settingOptions, valuesOf } from '../../src/api/values.ts';

test('the type has every option that a program can give, with a type that fits', () => {
  const source = readFileSync('src/api/program-settings.ts', 'utf8');
  const typed = [...source.matchAll(/^ {2}readonly '?([\w-]+)'?\?: (.*) \| undefined;$/gm)].map(
    ([, name = '', type = '']) => `${name}: ${type}`,
  );
  const wanted = settingOptions.map(({ name, value, many, choices, form }) => {
    if (value === undefined) return `${name}: boolean`;
    if (choices !== undefined) return `${name}: ${choices.map((each) => `'${each}'`).join(' | ')}`;
    if (form?.wanted.includes('number')) return `${name}: number`;
    return `${name}: ${many || value.includes('[,') ? 'Texts' : 'string'}`;
  });
  expect(typed.toSorted()).toEqual(wanted.toSorted());
});

test('values come as they do from the command line', () => {
  const settings: Settings = { istio: ['1.30.1', '1.31.0'], tag: 'smoke', consecutive: 5, keep: true };
  const values = valuesOf(settings, {});
  expect(values).toMatchObject({ istio: '1.30.1,1.31.0', tag: ['smoke'], consecutive: '5', keep: true });
});

test('what is not given comes from variables, unless it is only for people', () => {
  const env = { JWT_E2E_TARGET: 'local', JWT_E2E_GREP: 'a', JWT_E2E_WATCH: 'true', JWT_E2E_DRY_RUN: 'true' };
  const values = valuesOf({ grep: 'b', hub: undefined }, env);
  expect(values).toMatchObject({ target: 'local', grep: 'b', hub: undefined });
  expect(Object.keys(values)).not.toContain('watch');
  expect(Object.keys(values)).not.toContain('dry-run');
});

const wrong = (settings: unknown) => () => valuesOf(settings as Settings, {});

test.each([
  [{ taget: 'kind' }, 'there is no setting "taget"', 'Did you mean "target"?'],
  [{ zzzzzzzz: 'kind' }, 'there is no setting "zzzzzzzz"', /^Settings are target, /],
  [{ watch: true }, 'the setting "watch" is for the command line only', /^Leave it out/],
  [{ junit: 'a.xml' }, 'the setting "junit" is for the command line only', /resultOf\(events\)/],
  [{ target: 'docker' }, '--target cannot be "docker"', 'It is one of auto, kind, cluster, local.'],
  [{ keep: 'yes' }, 'the setting "keep" must be true or false, not "yes"', undefined],
  [{ grep: {} }, 'the setting "grep" must be a text, not {}', undefined],
  [{ tag: [true] }, 'the setting "tag" must be a text or a list, not [true]', undefined],
  [{ consecutive: 0 }, '--consecutive must be a whole number from 1 to 1000, not "0"', undefined],
])('refuses %j', (settings, message, hint) => {
  let thrown: unknown;
  try {
    wrong(settings)();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'E_USAGE', message });
  if (hint !== undefined) expect(thrown).toMatchObject({ hint: expect.stringMatching(hint) });
});
