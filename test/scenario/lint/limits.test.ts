import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../src/base/files/limits.ts';
import { renderAll } from '../../../src/cli/commands/lint.ts';
import { loadScenarios, parseScenario } from '../../../src/scenario/load.ts';

const list = (name: string, length: number) => Array.from({ length }, (_, index) => `${name}${index}`);

function scenario(expectation: string, more = ''): string {
  return `name: large
title: t
source: { document: d, section: s }
${more}
issuers: { i: { issuer: x } }
steps:
  - name: s
    through: ingress
    request: { path: /p, token: no token }
    expect: ${expectation}
`;
}

/** The messages of a file, and that they came in less than two seconds of a core. */
function mistakes(source: string): string[] {
  const before = process.cpuUsage();
  const { errors } = parseScenario(source, 'f.yaml');
  const { user } = process.cpuUsage(before);
  expect(user).toBeLessThan(2_000_000);
  return errors.map(({ message, place }) => `${place?.line}: ${message}`);
}

describe('a scenario that is larger than anybody can mean is refused at once', () => {
  const three = `lists: { a: [${list('a', 200)}], b: [${list('b', 200)}], c: [${list('c', 200)}] }`;
  const tooMany = 'the lists of this scenario make more than 10000 entries and cells';

  test.each([
    ['rows', "{ columns: [x], '${a}${b}${c}': [200] }"],
    ['columns', "{ columns: ['${a}${b}${c}'], r: [200] }"],
    ['rows and columns', "{ columns: ['${a}'], '${b}${c}': [200] }"],
    ['more columns than rows', "{ columns: ['${a}${b}'], '${c}': [200] }"],
  ])('three lists of 200 values, in %s', (_, table) => {
    expect(mistakes(scenario(table, three))).toEqual([`10: ${tooMany}`]);
  });

  test('three lists of 200 values, in tokens and issuers', () => {
    const tokens = `${three}\ntokens: { '\${a}\${b}\${c}': { issuer: i } }`;
    expect(mistakes(scenario('{ columns: [x], r: [200] }', tokens))).toEqual([`5: ${tooMany}`]);
  });

  test('more than 5000 checks, with lists or without, in one step or in all of them', () => {
    const lists = `lists: { a: [${list('a', 71)}], b: [${list('b', 71)}] }`;
    const message = 'up to here the scenario has more than 5000 checks';
    expect(mistakes(scenario("{ columns: ['${a}'], '${b}': [200] }", lists))).toEqual([`10: ${message}`]);
    const rows = list('r', 5001).map((row) => `      ${row}: [200]`);
    expect(mistakes(scenario(`\n      columns: [x]\n${rows.join('\n')}`))).toEqual([`10: ${message}`]);
    expect(mistakes(scenario(`\n      columns: [x]\n${rows.slice(1).join('\n')}`))).toEqual([]);
  });

  test('texts that grow when rows and columns are filled in', () => {
    const long = 'x'.repeat(30_000);
    const lists = `lists: { a: [${list('a', 70)}], b: [${list('b', 70)}] }`;
    const source = scenario("{ columns: ['${a}'], '${b}': [200] }", lists).replace('/p', `/p${long}`);
    expect(mistakes(source)).toEqual([
      '10: up to here the requests and answers have more than 16777216 characters once they are filled in',
    ]);
    const body = `{ columns: [${long}], r: [{ code: 200, body: "${'${column}'.repeat(1000)}" }] }`;
    expect(mistakes(scenario(body))[0]).toContain('have more than 16777216 characters');
  });

  test('texts that grow when lists are filled in', () => {
    const lists = `lists: { a: [${list('a', 5000)}] }\ntokens: { '\${a}': { issuer: i, raw: "${'y'.repeat(5000)}" } }`;
    expect(mistakes(scenario('{ columns: [x], r: [200] }', lists))).toEqual([
      '5: the lists of this scenario make more than 16777216 characters',
    ]);
  });

  test('more entries than a file can have, of keys, lists or both', () => {
    const message = 'the file has more than 10000 keys and list entries';
    expect(mistakes(`tags: [${'a, '.repeat(30_000)}]`)).toEqual([`1: ${message}`]);
    expect(
      mistakes(
        list('k', 30_000)
          .map((key) => `${key}: v\n`)
          .join(''),
      ),
    ).toEqual([`10001: ${message}`]);
  });

  test('aliases of aliases', () => {
    const levels = list('', 12).map((_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}]`);
    expect(mistakes(`a0: &a0 [x]\n${levels.join('\n')}`)[0]).toMatch(
      /^10: the aliases up to here stand for more/,
    );
  });

  test('as many keys as a file can have are compared in no time', () => {
    const keys = list('k', 9_500);
    const found = mistakes(`${keys.map((key) => `${key}: v\n`).join('')}k7: v\n`);
    expect(found).toContain('9501: the key "k7" is there twice');
  });
});

test('of very many mistakes the first are shown, and all are counted', () => {
  const { errors } = parseScenario(
    list('k', 5_000)
      .map((key) => `${key}: v\n`)
      .join(''),
    'f.yaml',
  );
  const shown = renderAll(errors, '.');
  expect(shown.match(/unknown key/g)?.length).toBeLessThanOrEqual(limits.mistakes);
  expect(shown).toMatch(/\n5003 mistakes in 1 file, 4903 of them not shown\n$/);
});

describe.skipIf(process.platform === 'win32')('on the command line', () => {
  function folderWith(): string {
    const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-limits-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }
  const messages = (paths: string[], cwd: string) =>
    loadScenarios(paths, { cwd }).errors.map((each) => each.message);

  test('files that have no end, or are too large, are not read', () => {
    const folder = folderWith();
    symlinkSync('/dev/zero', join(folder, 'zero.yaml'));
    execFileSync('mkfifo', [join(folder, 'pipe.yaml')]);
    writeFileSync(join(folder, 'large.yaml'), '');
    truncateSync(join(folder, 'large.yaml'), 47_000_000);
    expect(messages(['zero.yaml', 'pipe.yaml', 'large.yaml'], folder)).toEqual([
      'zero.yaml is a device or a pipe and no file',
      'pipe.yaml is a device or a pipe and no file',
      'large.yaml has 44.8 MiB, more than the 1 MiB that are read',
    ]);
    // In a folder what is no file is not looked for.
    expect(messages(['.'], folder)).toEqual(['large.yaml has 44.8 MiB, more than the 1 MiB that are read']);
  });

  test('a folder with far too many files is not looked through, and far too many scenarios are not loaded', () => {
    const folder = folderWith();
    for (const name of list('f', 2_001)) writeFileSync(join(folder, `${name}.yaml`), '');
    expect(messages(['.'], folder)).toEqual(['there are 2001 YAML files in what was named']);
    const deep = join(folder, ...list('d', 40));
    mkdirSync(deep, { recursive: true });
    symlinkSync(folder, join(deep, 'up'));
    expect(messages([join(deep, 'up/d0')], folder)).toEqual([
      `there is no scenario file in ${join(deep, 'up/d0')}`,
    ]);
  });
});
