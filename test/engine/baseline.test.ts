import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { asHarnessError, formatPlace } from '../../src/base/errors.ts';
import { baselineOf, isWhole } from '../../src/engine/baseline.ts';

const golden = fileURLToPath(new URL('../golden/baseline/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-baseline-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(text: string) {
  writeFileSync(join(folder, 'known.yaml'), text);
  return baselineOf({ baseline: 'known.yaml' }, folder)?.entries;
}

test('entries are read with their places; what can be one or several becomes a list', () => {
  expect(
    load(`known:
  - check: "jwks-in-cluster@istiod/*"
    istio: ">=1.30 <1.32"
    target: [kind, local]
    fetch: istiod
    answer: 401
    reason: istio/istio#1
    until: 2027-01-31
  - { check: "*", reason: b, until: 2027-01-31, answer: 'keys fetched by *' }
`),
  ).toEqual([
    {
      check: 'jwks-in-cluster@istiod/*',
      istio: '>=1.30 <1.32',
      target: ['kind', 'local'],
      fetch: ['istiod'],
      answer: 401,
      reason: 'istio/istio#1',
      until: '2027-01-31',
      place: { file: 'known.yaml', line: 2, column: 5 },
    },
    {
      check: '*',
      answer: 'keys fetched by *',
      reason: 'b',
      until: '2027-01-31',
      place: { file: 'known.yaml', line: 9, column: 5 },
    },
  ]);
});

test('there may be none, in the file or at all', () => {
  expect(load('known: []\n')).toEqual([]);
  expect(baselineOf({}, folder)).toBeUndefined();
  expect(baselineOf({ baseline: '.github/known-deviations.yaml' }, process.cwd())?.entries).toBeDefined();
});

describe('mistakes have their place and say what to write instead', () => {
  test.each(readdirSync(golden).filter((name) => name.endsWith('.yaml')))('%s', async (name) => {
    const text = (() => {
      try {
        return `taken: ${JSON.stringify(baselineOf({ baseline: name }, golden))}`;
      } catch (thrown) {
        const { code, place, message, hint, details } = asHarnessError(thrown);
        expect(code).toBe('E_SETTINGS');
        return [`${place === undefined ? '' : formatPlace(place)}: ${message}`, `  ${hint}`, details].join(
          '\n',
        );
      }
    })();
    await expect(`${text.trimEnd()}\n`).toMatchFileSnapshot(
      `../golden/baseline/${name.replace('yaml', 'txt')}`,
    );
  });

  test('a file in another encoding is refused, and a folder with what to do about it', () => {
    writeFileSync(join(folder, 'latin1.yaml.txt'), Buffer.from('known: [] # \u00e4\n', 'latin1'));
    onTestFinished(() => rmSync(join(folder, 'latin1.yaml.txt')));
    expect(() => baselineOf({ baseline: 'latin1.yaml.txt' }, folder)).toThrow(
      expect.objectContaining({
        message: 'the baseline latin1.yaml.txt is not encoded in UTF-8',
        hint: 'Save it as UTF-8.',
      }),
    );
    expect(() => baselineOf({ baseline: '.' }, folder)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Name a file') }),
    );
  });

  test('a file that is not there is named', () => {
    expect(() => baselineOf({ baseline: 'gone.yaml' }, folder)).toThrow(
      expect.objectContaining({
        code: 'E_SETTINGS',
        message: expect.stringContaining('the baseline gone.yaml does not exist'),
      }),
    );
  });
});

test('a run is whole when nothing is selected, and all profiles of the product are in it', () => {
  const [documented, extended, cve, asm, custom] = ['documented', 'extended', 'cve', 'asm', 'custom'].map(
    (profile) => ({ profile }),
  );
  expect(isWhole({}, [documented!, extended!, cve!, asm!])).toBe(true);
  expect(isWhole({}, [documented!, extended!, cve!])).toBe(false);
  expect(isWhole({}, [documented!, extended!])).toBe(false);
  expect(isWhole({}, [custom!])).toBe(true);
  expect(isWhole({}, [documented!])).toBe(false);
  for (const values of [{ grep: 'x' }, { shard: '1/2' }, { tag: ['slow'] }, { 'last-failed': true }]) {
    expect(isWhole(values, [custom!])).toBe(false);
  }
});

test('the schema for editors says the same as the program', () => {
  const schema = JSON.parse(readFileSync('schema/baseline.schema.json', 'utf8'));
  expect(schema.required).toEqual(['known']);
  expect(schema.definitions.KnownDeviation.required).toEqual(['check', 'reason', 'until']);
  expect(schema.definitions.KnownDeviation.additionalProperties).toBe(false);
});
