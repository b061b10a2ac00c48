import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { allOptions, commandOptions, type OptionSpec, variableOf } from '../../src/settings/options.ts';
import { mergeSettings, type Values } from '../../src/settings/settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'settings-'));
const file = join(folder, 'jwt-e2e.yaml');
const none = join(folder, 'none.yaml');

function merged(given: { flags?: Values; env?: Record<string, string>; text?: string }): Values {
  if (given.text !== undefined) writeFileSync(file, given.text);
  return mergeSettings(given.flags ?? {}, given.env ?? {}, given.text === undefined ? none : file);
}

function mistake(given: Parameters<typeof merged>[0]): HarnessError {
  try {
    merged(given);
  } catch (thrown) {
    if (thrown instanceof HarnessError) return thrown;
    throw thrown;
  }
  return expect.fail('no mistake was found');
}

describe('a setting is one line, because it becomes a part of commands, addresses and files', () => {
  const settings = allOptions.filter(({ value, choices }) => value !== undefined && choices === undefined);
  test.each(settings.map(({ name, many }) => [name, many === true] as const))('%s', (name, isMany) => {
    for (const end of ['\n', '\r', '\0']) {
      const value = `httpbin=a${end}b`;
      for (const given of [
        { flags: { [name]: isMany ? ['curl=c', value] : value } },
        { env: { [variableOf(name)]: value } },
        { text: `${name}: ${JSON.stringify(value).replace('\\u0000', '\\0')}\n` },
      ]) {
        const { code, message } = mistake(given);
        expect(code).toBe('text' in given ? 'E_SETTINGS' : 'E_USAGE');
        expect(message).toContain('has a line break or U+0000 in it');
      }
    }
  });
});

test('an alias in the file stands for what has its anchor', () => {
  const text = 'name: &mine upgrade\ntag: &tags [smoke, *mine]\nskip-tag: *tags\nistio: *mine\n';
  const { tag, istio, ...rest } = merged({ text });
  expect([tag, rest['skip-tag'], istio]).toEqual([['smoke', 'upgrade'], ['smoke', 'upgrade'], 'upgrade']);
});

describe('precedence', () => {
  const text = 'hub: of-the-file\nkeep: true\ntag: [file]\n';
  const env = { JWT_E2E_HUB: 'of-the-variable', JWT_E2E_KEEP: 'false', JWT_E2E_TAG: 'variable, other' };

  test('flag, variable, file, default', () => {
    expect(merged({ flags: { hub: 'of-the-flag' }, env, text }).hub).toBe('of-the-flag');
    expect(merged({ env, text }).hub).toBe('of-the-variable');
    expect(merged({ text }).hub).toBe('of-the-file');
    expect(merged({}).hub).toBeUndefined();
  });

  test('for switches too: a variable can turn off what the file turns on', () => {
    expect(merged({ flags: { keep: true }, env, text }).keep).toBe(true);
    expect(merged({ env, text }).keep).toBe(false);
    expect(merged({ text }).keep).toBe(true);
  });

  test('lists replace each other', () => {
    expect(merged({ flags: { tag: ['flag'] }, env, text }).tag).toEqual(['flag']);
    expect(merged({ env, text }).tag).toEqual(['variable', 'other']);
    expect(merged({ text }).tag).toEqual(['file']);
  });

  test('an empty variable is as none', () => {
    expect(merged({ env: { JWT_E2E_HUB: '', JWT_E2E_KEEP: '' }, text })).toMatchObject({
      hub: 'of-the-file',
      keep: true,
    });
  });

  test('holds for every option that takes a text', () => {
    const texts = allOptions.filter(
      (option) => option.value !== undefined && !option.choices && !option.form,
    );
    expect(texts.length).toBeGreaterThan(10);
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.option(fc.constant('flag'), { nil: undefined }),
        fc.option(fc.constant('variable'), { nil: undefined }),
        fc.option(fc.constant('file'), { nil: undefined }),
        ({ name, many }, flag, variable, inFile) => {
          const asValue = (each?: string) => (each === undefined || many !== true ? each : [each]);
          const values = merged({
            flags: { [name]: asValue(flag) },
            env: variable === undefined ? {} : { [variableOf(name)]: variable },
            text: inFile === undefined ? '' : `${name}: ${inFile}\n`,
          });
          expect(values[name]).toEqual(asValue(flag ?? variable ?? inFile));
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('variables', () => {
  test('are named after the flag', () => {
    expect(variableOf('node-image')).toBe('JWT_E2E_NODE_IMAGE');
    const names = allOptions.map(({ name }) => variableOf(name));
    expect(new Set(names).size).toBe(names.length);
  });

  test.each([
    ['1', true],
    ['true', true],
    ['YES', true],
    ['0', false],
    ['False', false],
    ['no', false],
  ])('a switch takes %s', (text, value) => {
    expect(merged({ env: { JWT_E2E_REUSE: text } }).reuse).toBe(value);
  });

  test('a switch that is neither is a mistake', () => {
    expect(mistake({ env: { JWT_E2E_REUSE: 'maybe' } })).toMatchObject({
      code: 'E_USAGE',
      message: 'JWT_E2E_REUSE="maybe" is neither true nor false',
      hint: 'Set it to true or false, or unset it.',
    });
  });

  test('say which variable is wrong, and not which flag', () => {
    expect(mistake({ env: { JWT_E2E_TARGET: 'nowhere' } })).toMatchObject({
      code: 'E_USAGE',
      message: 'JWT_E2E_TARGET cannot be "nowhere"',
      hint: expect.stringContaining('kind'),
    });
    expect(mistake({ env: { JWT_E2E_CONSECUTIVE: '0' } }).message).toBe(
      'JWT_E2E_CONSECUTIVE must be a whole number from 1 to 1000, not "0"',
    );
  });
});

describe('flags', () => {
  test.each<[Values, string]>([
    [{ target: 'nowhere' }, '--target cannot be "nowhere"'],
    [{ shard: '0/3' }, '--shard must be such as 1/3, not "0/3"'],
    [{ consecutive: 'three' }, '--consecutive must be a whole number from 1 to 1000, not "three"'],
    [
      { 'answer-timeout': '1.5' },
      '--answer-timeout must be a whole number of seconds from 1 to 86400, not "1.5"',
    ],
    [
      { 'answer-timeout': '86401' },
      '--answer-timeout must be a whole number of seconds from 1 to 86400, not "86401"',
    ],
    [
      { repeat: '9'.repeat(400) },
      `--repeat must be a whole number from 1 to 10000, not "${'9'.repeat(400)}"`,
    ],
    [{ 'hold-timeout': '-1' }, '--hold-timeout must be a whole number of seconds from 1 to 86400, not "-1"'],
    [{ image: ['curl=x', 'curl'] }, '--image must be NAME=IMAGE, not "curl"'],
  ])('%j is a mistake', (flags, message) => {
    expect(mistake({ flags })).toMatchObject({ code: 'E_USAGE', message, place: undefined });
  });
});

describe('the file', () => {
  test('may be missing or empty, or have only comments', () => {
    for (const text of ['', '# nothing\n', '---\n']) expect(merged({ text }).hub).toBeUndefined();
  });

  test('takes texts, numbers as they are written, switches and lists', () => {
    const text =
      'istio: 1.30\nconsecutive: 5\nkeep: true\ntag: [a, 2]\nimage: curl=example.com/curl:1\nhub: "yes"\n';
    expect(merged({ text })).toMatchObject({
      istio: '1.30',
      consecutive: '5',
      keep: true,
      tag: ['a', '2'],
      image: ['curl=example.com/curl:1'],
      hub: 'yes',
    });
  });

  test.each([
    ['unknown setting', 'target: kind\nnode_image: x\n', 2, 1, 'there is no setting "node_image"'],
    ['unknown setting without a name', 'target: kind\n: x\n', 2, 1, 'there is no setting "null"'],
    ['unknown setting of any kind', '[a, b]: x\n', 1, 1, 'there is no setting "["a","b"]"'],
    ['wrong choice', '\ntarget: nowhere\n', 2, 1, 'setting "target" cannot be "nowhere"'],
    ['wrong form', 'shard: 1 of 3\n', 1, 1, 'setting "shard" must be such as 1/3, not "1 of 3"'],
    [
      'wrong number',
      'consecutive: -1\n',
      1,
      1,
      'setting "consecutive" must be a whole number from 1 to 1000, not "-1"',
    ],
    ['no text', 'hub: [a]\n', 1, 1, 'setting "hub" must be a text'],
    ['nothing', 'hub:\n', 1, 1, 'setting "hub" must be a text'],
    ['no switch', 'keep: "true"\n', 1, 1, 'setting "keep" must be true or false'],
    ['no list', 'tag: { a: b }\n', 1, 1, 'setting "tag" must be a list of texts'],
    ['a list in a list', 'tag: [[a]]\n', 1, 1, 'setting "tag" must be a list of texts'],
    ['no map', '- target\n', 1, 1, 'the settings file is not a map of settings'],
  ])('%s: says what and where', (_, text, line, column, message) => {
    expect(mistake({ text })).toMatchObject({ code: 'E_SETTINGS', message, place: { file, line, column } });
  });

  test.each([
    ['not YAML', 'target: [kind\n'],
    ['the same setting twice', 'hub: a\nhub: b\n'],
    ['two documents', 'hub: a\n---\nhub: b\n'],
  ])('%s: says what and where', (_, text) => {
    const error = mistake({ text });
    expect(error).toMatchObject({ code: 'E_SETTINGS', place: { file } });
    expect(error.message).toMatch(/^the settings file is no YAML: [^\n]*(?<!:)$/);
    expect(error.message).not.toContain('\n');
  });

  test('that cannot be read is a mistake with its name', () => {
    const path = join(folder, 'a-folder.yaml');
    mkdirSync(path, { recursive: true });
    expect(() => mergeSettings({}, {}, path)).toThrow(
      expect.objectContaining({ code: 'E_SETTINGS', message: expect.stringContaining(path) }),
    );
  });

  test.each(['', '../x', 'a/../../b', '.hidden', 'a b', 'x'.repeat(64)])('names no mesh "%s"', (name) => {
    expect(() => mergeSettings({ name }, {}, 'gone.yaml')).toThrow(
      expect.objectContaining({
        code: 'E_USAGE',
        message: expect.stringMatching(/^--name must be up to 63 letters, .*, such as jwt-e2e, not /),
      }),
    );
  });

  test('in another encoding is refused, and loses no letter in silence', () => {
    const path = join(folder, 'latin1.yaml');
    writeFileSync(path, Buffer.from('grep: \u00e4\n', 'latin1'));
    expect(() => mergeSettings({}, {}, path)).toThrow(
      expect.objectContaining({
        code: 'E_SETTINGS',
        message: `the settings file ${path} is not encoded in UTF-8`,
        hint: 'Save it as UTF-8.',
      }),
    );
  });

  test('is checked also where a flag wins', () => {
    expect(mistake({ flags: { target: 'kind' }, text: 'target: nowhere\n' }).code).toBe('E_SETTINGS');
  });
});

test('every option is described, and what is a setting of a run is the same for all commands', () => {
  for (const option of Object.values<readonly OptionSpec[]>(commandOptions).flat()) {
    expect(option.description).toMatch(/^\w.*[^.]$/);
    // What a command prints as JSON is no file.
    const isSwitch = option.name === 'json' && option.value === undefined;
    const known = allOptions.find(({ name }) => name === option.name && !isSwitch);
    // Another command may use it for something that needs other words.
    const form = ({ value, description: _, group: __, ...rest }: OptionSpec) => ({
      ...rest,
      hasValue: value !== undefined,
    });
    if (known !== undefined) expect(form(known)).toEqual(form(option));
  }
});

test.each([
  ['JWT_E2E_TRAGET', 'Did you mean JWT_E2E_TARGET? Or unset it.'],
  ['JWT_E2E_NOTHING_OF_THE_KIND', expect.stringContaining('docs/settings.md has them all')],
])('the variable %s is refused, and not overlooked', (name, hint) => {
  expect(() => mergeSettings({}, { [name]: 'x' }, 'no-such-file')).toThrow(
    expect.objectContaining({
      code: 'E_USAGE',
      message: `there is no setting for the variable ${name}`,
      hint,
    }),
  );
});

test('variables for tests and for processes of this tool, and empty ones, are no settings', () => {
  const env = {
    JWT_E2E_TEST_CLUSTER: 'x',
    JWT_E2E_MESH_HOST: '{}',
    JWT_E2E_HUB: 'h',
    OTHER: 'x',
    JWT_E2E_NO_MORE: '',
  };
  expect(mergeSettings({}, env, 'no-such-file')).toMatchObject({ hub: 'h' });
});

describe('the settings file', () => {
  test('can be another one, by flag before variable, and must then be there', () => {
    const own = mkdtempSync(join(tmpdir(), 'settings-'));
    const write = (name: string, text: string) => {
      writeFileSync(join(own, name), text);
      return join(own, name);
    };
    const usual = write('usual.yaml', 'hub: usual');
    const [one, other] = [write('one.yaml', 'hub: one'), write('other.yaml', 'hub: other')];
    const env = { JWT_E2E_CONFIG: other };
    expect(mergeSettings({}, {}, usual)).toMatchObject({ hub: 'usual' });
    expect(mergeSettings({}, env, usual)).toMatchObject({ hub: 'other', config: other });
    expect(mergeSettings({ config: one }, env, usual)).toMatchObject({ hub: 'one', config: one });
    const gone = join(own, 'gone.yaml');
    expect(() => mergeSettings({ config: gone }, {}, usual)).toThrow(
      expect.objectContaining({ code: 'E_USAGE', message: `--config names ${gone}, which does not exist` }),
    );
    expect(() => mergeSettings({}, { JWT_E2E_CONFIG: gone }, usual)).toThrow(/^JWT_E2E_CONFIG names /);
    rmSync(own, { recursive: true });
  });

  test('cannot say where it is', () => {
    const own = mkdtempSync(join(tmpdir(), 'settings-'));
    const file = join(own, 'a.yaml');
    writeFileSync(file, 'config: b.yaml');
    expect(() => mergeSettings({ config: file }, {})).toThrow('there is no setting "config"');
    rmSync(own, { recursive: true });
  });
});

test.each([
  ['keep: "yes"\n', 'Write it as "keep: true", or leave it out.'],
  ['target:\n', 'Write it as "target: NAME", or leave it out.'],
  ['tag: { a: b }\n', 'Write it as "tag: [TAG]", or leave it out.'],
])('what to write in place of %j', (text, hint) => {
  expect(mistake({ text })).toMatchObject({ hint });
});
