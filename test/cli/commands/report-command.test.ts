import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reportCommand } from '../../../src/cli/commands/report-command.ts';
import { typedCommand } from '../../../src/cli/support/io.ts';
import { parseConformance } from '../../../src/report/conformance/read-conformance.ts';
import { onMesh, resultOf, shardOf } from '../../report/results.ts';
import * as runs from '../../report/runs.ts';
import { validateJUnit } from '../../report/validate.ts';
import { workspace } from '../reporting.ts';

const failures = resultOf(runs.failures);
const newer = onMesh(resultOf(runs.passed), { id: 'kind-1.31.0', istio: '1.31.0' });
const isFirst = ({ info }: { info: { name: string } }) => info.name === 'require-jwt';

let space: ReturnType<typeof workspace>;
beforeEach(() => {
  space = workspace();
  space.write('ci/shard-1/results.json', shardOf(failures, isFirst));
  space.write(
    'ci/shard-2/results.json',
    shardOf(failures, (each) => !isFirst(each)),
  );
  space.write('ci/istio-1.31.0/results.json', newer);
});
afterEach(() => rmSync(space.cwd, { recursive: true, force: true }));

const read = (name: string) => readFileSync(join(space.cwd, name), 'utf8');

test('writes the page when nothing is asked for, and says where it is', async () => {
  const { exitCode, stdout } = await space.call(reportCommand, ['ci']);
  expect(exitCode).toBe(1);
  expect(readdirSync(join(space.cwd, 'reports'))).toEqual(['report.html']);
  expect(read('reports/report.html')).toContain('1.31.0');
  expect(stdout).toContain('Istio 1.30.3');
  expect(stdout).toMatch(
    /\d+ checks in \d scenarios on 2 meshes: .*3 failed.*\n {2}page {2}reports\/report\.html\n$/,
  );
  expect(stdout).not.toMatch(/^\n/);
});

test('commands in hints are spelled as they can be typed here', async () => {
  const problem = {
    code: 'E_PROGRAM' as const,
    message: 'there is no envoy',
    hint: '"jwt-e2e doctor" shows what there is.',
  };
  space.write('none/results.json', { ...failures, run: { ...failures.run, problem } });
  const { stdout } = await space.call(reportCommand, ['none']);
  expect(stdout).toContain(`hint: "${typedCommand} doctor" shows what there is.`);
});

test('writes what is asked for, and nothing else', async () => {
  const values = {
    junit: 'out/junit.xml',
    json: 'out/results.json',
    conformance: 'out/conformance.yaml',
    summary: 'out/summary.md',
  };
  await space.call(reportCommand, ['ci/shard-2/results.json', 'ci/shard-1', 'ci/istio-1.31.0'], values);
  expect(readdirSync(join(space.cwd, 'out')).toSorted()).toEqual([
    'conformance.yaml',
    'junit.xml',
    'results.json',
    'summary.md',
  ]);
  expect(read('out/summary.md')).toContain('1.31.0');
  expect(existsSync(join(space.cwd, 'reports'))).toBe(false);
  expect(await validateJUnit(read('out/junit.xml'))).toEqual([]);
  const meshes = parseConformance(read('out/conformance.yaml'), 'c');
  expect(meshes.map(({ mesh, verdicts }) => [mesh, verdicts.size])).toEqual([
    ['kind-1.30.3', 10],
    ['kind-1.31.0', 6],
  ]);
});

test('links evidence from the page, JUnit and JSON to the artifacts of each run', async () => {
  const evidence = space.write(
    'ci/shard-1/artifacts/require-jwt/a-token-is-required/no-token-headers/curl.txt',
    '200',
  );
  await space.call(reportCommand, ['ci'], { html: 'pages/x/report.html', junit: 'out/junit.xml' });
  const [, link = ''] = /href="([^"]*no-token-headers\/)"/.exec(read('pages/x/report.html')) ?? [];
  expect(resolve(space.cwd, 'pages/x', link, 'curl.txt')).toBe(evidence);
  expect(read('out/junit.xml')).toContain(
    'ci/shard-1/artifacts/require-jwt/a-token-is-required/no-token-headers',
  );
});

test('a merged report beside its parts is no part itself the next time', async () => {
  const values = { json: 'ci/results.json' };
  const first = await space.call(reportCommand, ['ci'], values);
  const text = read('ci/results.json');
  const second = await space.call(reportCommand, ['ci'], values);
  expect([first.exitCode, second.exitCode]).toEqual([1, 1]);
  expect(read('ci/results.json')).toBe(text);
  const { error } = await space.call(reportCommand, ['ci/results.json'], values);
  expect(error?.message).toBe('ci/results.json is to be read and to be written');
});

test('what the settings say of runs is no wish for a report, and may be read', async () => {
  const settings = { json: 'ci/shard-1/results.json', artifacts: 'elsewhere' };
  const { exitCode, stdout } = await space.call(
    (files, values, io) => reportCommand(files, values, io, {}),
    ['ci/shard-1'],
    settings,
  );
  expect([exitCode, stdout.split('\n').at(-2)]).toEqual([1, '  page  reports/report.html']);
  expect(read('reports/report.html')).toContain('artifacts/../../ci/shard-1/artifacts/require-jwt/');
});

test('numbers in names of folders count as numbers', async () => {
  for (const minor of [10, 9]) {
    const istio = `1.${minor}.0`;
    space.write(`many/istio-1.${minor}/results.json`, onMesh(newer, { id: istio, istio }));
  }
  await space.call(reportCommand, ['many'], { json: 'all.json' });
  expect(JSON.parse(read('all.json')).run.meshes).toEqual(['1.9.0', '1.10.0']);
});

test('says which shards are missing, and ends with 4 in every report', async () => {
  const part = resultOf(runs.passed);
  space.write('ci/one/results.json', { ...part, run: { ...part.run, shard: { index: 2, count: 3 } } });
  const values = { html: 'a.html', junit: 'a.xml', json: 'a.json', conformance: 'a.yaml', summary: 'a.md' };
  const { exitCode, stdout } = await space.call(reportCommand, ['ci/one'], values);
  expect(exitCode).toBe(4);
  const sentence = 'this is no whole run: shards 1/3, 3/3 missing';
  expect(stdout).toContain(`E_MISSING_SHARD: ${sentence}\n`);
  for (const name of Object.values(values)) expect(read(name).replaceAll('\\', '')).toContain(sentence);
  expect(read('a.xml')).toContain(`<error message="${sentence}" type="E_MISSING_SHARD">`);
  expect(await validateJUnit(read('a.xml'))).toEqual([]);
});

describe('a baseline', () => {
  const known = (check: string, until = '9999-12-31') =>
    `known:\n  - { check: "${check}", reason: because, until: ${until} }\n`;

  test('makes known deviations green, and says which entries can go', async () => {
    space.write('known.yaml', known('*require-jwt/*') + known('*/keys by URL/valid*').slice(7));
    const files = ['ci/shard-1', 'ci/istio-1.31.0'];
    expect((await space.call(reportCommand, files, { json: 'a.json' })).exitCode).toBe(1);
    const { exitCode, stdout } = await space.call(reportCommand, files, {
      json: 'b.json',
      baseline: 'known.yaml',
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('2 known deviations');
    const { warnings, counts } = JSON.parse(read('b.json'));
    expect(counts).toMatchObject({ failed: 0, known: 2 });
    expect(warnings.at(-1)).toEqual({
      message: expect.stringContaining('"*/keys by URL/valid*" is gone'),
      place: { file: 'known.yaml', line: 3, column: 5 },
    });
    expect(stdout).toMatch(/^warning: known\.yaml:3:5: known deviation .* is gone/);
  });

  test('that has ended does not', async () => {
    space.write('known.yaml', known('require-jwt/*', '2026-01-01'));
    const values = { json: 'a.json', baseline: 'known.yaml' };
    expect((await space.call(reportCommand, ['ci/shard-1'], values)).exitCode).toBe(1);
    expect(read('a.json')).toContain('This was known until 2026-01-01 (known.yaml:2:5): because.');
  });
});

describe('wrong usage', () => {
  test('two reports in one file, of which one would be lost', async () => {
    const { exitCode, error } = await space.call(reportCommand, ['ci'], { json: 'a.out', html: './a.out' });
    expect([exitCode, error?.message]).toEqual([2, '--html and --json would both be written to a.out']);
    expect(existsSync(join(space.cwd, 'a.out'))).toBe(false);
  });

  test.each([
    [[], 'there is nothing to report on'],
    [['gone.json'], 'gone.json does not exist'],
    [['loop'], 'loop cannot be read (ELOOP)'],
    [['empty'], 'there is no results.json in empty'],
    [['broken.json'], 'broken.json is not JSON'],
    [['ci', 'ci/shard-1/../shard-1'], undefined],
    [['ci', 'again.json'], 'scenario require-jwt on mesh "kind-1.31.0" is in'],
  ])('%j', async (files, message) => {
    space.write('empty/notes.txt', '');
    rmSync(join(space.cwd, 'loop'), { force: true });
    symlinkSync('loop', join(space.cwd, 'loop'));
    space.write('broken.json', '{');
    space.write('again.json', newer);
    const { exitCode, error } = await space.call(reportCommand, files, { json: 'out.json' });
    // The same file twice is read once.
    if (message === undefined) expect([exitCode, error]).toEqual([1, undefined]);
    else {
      expect([exitCode, error?.message]).toEqual([2, expect.stringContaining(message)]);
      expect(error?.hint).toBeDefined();
      expect(existsSync(join(space.cwd, 'out.json'))).toBe(false);
    }
  });
});
