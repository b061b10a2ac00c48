/** The comparison of targets, on results of real runs against fakes. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CheckResult } from '../../src/base/events.ts';
import { ResultModel } from '../../src/report/model.ts';
import type { RunResult } from '../../src/report/result.ts';
import { applyAuthorization, run, scenarioSource, sendStep } from '../run/support.ts';
import { FakeTarget, refusal } from '../support/fake-target.ts';
import { typescript } from '../support/typescript.ts';
import { readCells } from './cells.ts';
import { compare, type Difference } from './differences.ts';
import { Explanation, readExplained } from './explained.ts';

const folder = mkdtempSync(join(tmpdir(), 'compare-'));
let files = 0;
afterEach(() => vi.restoreAllMocks());

const denied = '[{ code: 403, body: "RBAC: access denied" }, 200]';
const a = scenarioSource('a', sendStep('only', denied));
const b = scenarioSource('b', sendStep('only'));
const [noToken, valid] = ['a/only//headers/no token', 'a/only//headers/valid'];

interface Fake {
  readonly sources?: readonly string[];
  readonly target?: FakeTarget;
  readonly targets?: readonly FakeTarget[];
  /** Changes the report before it is written. */
  readonly edit?: (result: RunResult) => RunResult;
}

/** A mesh that denies what has no token; `denied` is how. */
function fake(more: Partial<FakeTarget> = {}, denied = 'RBAC: access denied'): FakeTarget {
  const target = new FakeTarget();
  target.answer = ({ headers }) =>
    headers.some(([name]) => name === 'Authorization') ? 200 : { status: 403, body: denied };
  return Object.assign(target, more);
}

/** The report of a run on fakes; returns its file. */
async function report({ sources = [a], target = fake(), targets, edit = (same) => same }: Fake = {}) {
  const { events } = await run(sources, targets === undefined ? { target } : { targets });
  const model = new ResultModel();
  for (const event of events) model.add(event);
  files += 1;
  const file = join(folder, `${files}.json`);
  writeFileSync(file, JSON.stringify(edit(model.result())));
  return file;
}

/** Each difference as `check: what`, with a mark on those that do not count. */
async function differences(one: Fake, other: Fake, explained: readonly Explanation[] = []) {
  const [left, right] = await Promise.all([report(one), report(other)]);
  return compare(readCells(left), readCells(right), explained).differences.map(line);
}

const line = ({ check, what, one, other, why }: Difference) =>
  `${check} (${what}) ${one} | ${other}${why === undefined ? '' : ` (${why})`}`;

const withChecks = (edit: (check: CheckResult) => CheckResult | undefined) => (result: RunResult) => ({
  ...result,
  scenarios: result.scenarios.map((scenario) => ({
    ...scenario,
    checks: scenario.checks.flatMap((check) => edit(check) ?? []),
  })),
});

describe('two runs', () => {
  test('that came out alike are alike, in whatever order they ran', async () => {
    const left = await report({ sources: [a, b], target: fake({ answer: () => 200 }) });
    const right = await report({ sources: [b, a], target: fake({ answer: () => 200 }) });
    const comparison = compare(readCells(left), readCells(right), []);
    expect(comparison).toEqual({ compared: 4, same: 4, differences: [], unused: [] });
  });

  test('differ in a status code, also where both are wrong', async () => {
    const wrong = (status: number) => ({ target: fake({ answer: () => status }) });
    expect(await differences({}, wrong(200))).toEqual([
      `${noToken} (state) passed: 403 "RBAC: access denied" | failed: status 200 instead of 403; no AuthorizationPolicy selects foo/httpbin-1`,
    ]);
    expect(await differences(wrong(401), wrong(503))).toEqual([
      `${noToken} (actual) 401 "" | 503 ""`,
      `${valid} (actual) 401 | 503`,
    ]);
  });

  test('differ in the text of a body only where the scenario says what it has to be', async () => {
    const body = (text: string) => ({ target: fake({ answer: () => ({ status: 403, body: text }) }) });
    expect(await differences(body('one'), body('other'))).toEqual([
      `${noToken} (actual) 403 "one" | 403 "other"`,
    ]);
  });

  test('differ in what was expected, and in what was planned', async () => {
    const other = scenarioSource('a', sendStep('only', '[403, 200]'));
    expect(await differences({}, { sources: [other] })).toEqual([
      `${noToken} (expected) 403 "RBAC: access denied" | 403`,
    ]);
    const edit = withChecks((check) => (check.column === 'valid' ? undefined : check));
    expect(await differences({ edit }, {})).toEqual([`${valid} (presence) not in the plan | passed: 200`]);
    expect(await differences({}, { edit })).toEqual([`${valid} (presence) passed: 200 | not in the plan`]);
  });

  test('are alike whatever the addresses in a refusal, and however often keys were fetched', async () => {
    const step = `${sendStep('s')}    fetched: { from: outside, by: istiod }\n`;
    const source = scenarioSource(
      'a',
      `  - name: try\n${applyAuthorization}    refused: { message: "must be set" }\n${step.replace(
        'http://httpbin.foo:8000',
        'http://${keyServers.outside.host}',
      )}`,
      'keyServers: { outside: { serves: sample } }',
    );
    const mesh = (address: string, times: number, by: 'istiod' | 'envoy' = 'istiod'): Fake => {
      const target = fake({ answer: () => 200 });
      target.before = (method, _signal, detail) => {
        if (method === 'apply' && detail !== '') throw refusal(address, 'it must be set');
        const log = target.servers[0]?.log ?? [];
        for (; method === 'send' && log.length < times; ) {
          log.push({ at: Date.now(), path: '/get_jwks', status: 200, by, userAgent: '' });
        }
      };
      return { sources: [source], target };
    };
    expect(await differences(mesh('127.0.0.1', 1), mesh('10.0.0.1', 2))).toEqual([]);
    expect(await differences(mesh('127.0.0.1', 1), mesh('127.0.0.1', 1, 'envoy'))).toEqual([
      expect.stringMatching(/^a\/s\/keys of outside\/fetched by \(state\)/),
    ]);
  });

  test('without a verdict are not alike', async () => {
    const broken = () => ({ target: fake({ answer: () => ({ status: 0, error: 'ECONNRESET' }) }) });
    const found = await differences(broken(), broken());
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(/\(no verdict\) error: no answer: ECONNRESET \| error/);
  });

  test('of other versions are not compared as if they were the same', async () => {
    const mesh = (istio: string, envoy?: string) => ({ target: fake({ facts: { istio, envoy } }) });
    expect(await differences(mesh('1.31.1', '1.38.0'), mesh('1.30.5', '1.38.0'))).toEqual([
      '(istio) (mesh) 1.31.1 | 1.30.5',
    ]);
    expect(await differences(mesh('1.31.1', '1.38.0'), mesh('1.31.1'))).toEqual([
      '(envoy) (mesh) 1.38.0 | not known',
    ]);
    expect(await differences(mesh('1.31.1'), mesh('1.31.1-distroless'))).toEqual([]);
    expect(await differences(mesh('1.31.1-distroless'), mesh('1.31.1'))).toEqual([]);
    expect(await differences(mesh('1.31.1'), mesh('1.31.10'))).toHaveLength(1);
    expect(await differences(mesh('1.31.10'), mesh('1.31.1'))).toHaveLength(1);
  });
});

describe('what is skipped on one side', () => {
  const external = scenarioSource('a', sendStep('only'), 'requires: [external-host]');
  const without = () => fake({ missing: new Map([['external-host', 'there is no second address']]) });

  test('for want of a capability is explained by it', async () => {
    const found = await differences({ sources: [external] }, { sources: [external], target: without() });
    expect(found).toHaveLength(2);
    expect(found[0]).toMatch(
      /\(state\) .* \| skipped: there is no second address \(there is no second address\)$/,
    );
  });

  test('because of its version, or of what failed before, is not', async () => {
    const old = scenarioSource('a', sendStep('only'), 'when: { kubernetes: ">=1.36" }');
    const kubernetes = (version: string) => ({
      sources: [old],
      target: fake({ facts: { kubernetes: version } }),
    });
    for (const each of await differences(kubernetes('1.36.1'), kubernetes('1.34.4'))) {
      expect(each).toMatch(/\| skipped: needs kubernetes >=1\.36, the mesh has 1\.34\.4$/);
    }
    const steps = `  - name: before\n${applyAuthorization}${sendStep('after')}`;
    const sources = [scenarioSource('a', steps)];
    const failing = fake({ answer: () => 200 });
    failing.before = (method, _signal, detail) => {
      if (method === 'apply' && detail !== '') throw refusal(detail, 'no');
    };
    const found = await differences(
      { sources, target: fake({ answer: () => 200 }) },
      { sources, target: failing },
    );
    expect(found).toHaveLength(2);
    for (const each of found) expect(each).toMatch(/\| skipped: step "before" could not be carried out$/);
  });
});

describe('an explanation', () => {
  const wrong = () => ({ target: fake({ answer: () => 200 }) });

  test('is about checks by their ID, with * for any text', async () => {
    const why = (check: string) => new Explanation({ check, why: 'known' });
    const explained = [why('a/only/*/no token'), why('b/*')];
    const [left, right] = [await report(), await report(wrong())];
    const comparison = compare(readCells(left), readCells(right), explained);
    expect(comparison.differences.map((each) => each.why)).toEqual(['known']);
    expect(comparison.unused.map(({ check }) => check)).toEqual(['b/*']);
  });

  test.each(['a.only*', '*/no', 'no token', '(istio)'])('%s is not about this check', (check) => {
    expect(new Explanation({ check, why: 'known' }).covers(noToken)).toBe(false);
  });

  test('needs a reason, and nothing else', () => {
    const file = join(folder, 'explained.yaml');
    writeFileSync(file, '[{ check: a }]');
    expect(() => readExplained(file)).toThrow(/explained\.yaml: must be a list of \{ check, why \}.*why/s);
    writeFileSync(file, '[{ check: a, why: b, chek: c }]');
    expect(() => readExplained(file)).toThrow(/chek/);
    writeFileSync(file, '# none\n');
    expect(readExplained(file)).toEqual([]);
  });
});

describe('a report', () => {
  const mesh = (label: string) => fake({ mesh: label });

  test('of several meshes is compared by one of them', async () => {
    const file = await report({ targets: [mesh('one'), mesh('two')] });
    expect(readCells(`${file}#two`).mesh.id).toBe('two');
    expect(() => readCells(file)).toThrow(`name one of its meshes: ${file}#one, ${file}#two`);
    expect(() => readCells(`${file}#three`)).toThrow('there is no mesh "three"; there are one, two');
  });

  test('of which nothing can be said is refused', async () => {
    const refused = async (edit: NonNullable<Fake['edit']>) => {
      const file = await report({ edit });
      return expect(() => readCells(file));
    };
    (await refused((result) => ({ ...result, run: { ...result.run, state: 'interrupted' } }))).toThrow(
      'the run is not finished: its state is "interrupted"',
    );
    (await refused((result) => ({ ...result, scenarios: [] }))).toThrow('there are no checks in it');
    const twice = (result: RunResult) => ({
      ...result,
      scenarios: [...result.scenarios, ...result.scenarios],
    });
    (await refused(twice)).toThrow(`the check "${noToken}" is there twice`);
    expect(() => readCells(join(folder, 'none.json'))).toThrow(/none\.json: ENOENT/);
  });
});

describe('the program', () => {
  const program = (...args: string[]) =>
    execa(process.execPath, ['--import', typescript, 'test/compare/compare.ts', ...args], { reject: false });

  test('ends with 0, 1 or 2, and says what is different', async () => {
    const [left, right] = [await report(), await report({ target: fake({}, 'no') })];
    const explained = join(folder, 'explained.yaml');
    writeFileSync(explained, `[{ check: "${noToken}", why: known to be so }]`);
    const none = join(folder, 'none.yaml');
    writeFileSync(none, '[]');
    const [alike, different, known, unused, usage] = await Promise.all([
      program('--explained', none, left, left),
      program('--explained', none, left, right),
      program('--explained', explained, left, right),
      program('--explained', explained, left, left),
      program(left),
    ]);
    expect([alike, different, known, unused, usage].map(({ exitCode }) => exitCode)).toEqual([0, 1, 0, 1, 2]);
    expect(alike.stdout).toMatch(/: 2 checks compared, 2 answered alike, 0 different, 0 explained$/);
    expect(different.stdout).toMatch(
      /^Differences:\n {2}a\/only\/\/headers\/no token \(state\)\n {4}istio-1\.31\.1 fake +passed/,
    );
    expect(known.stdout).toMatch(/^Explained differences:\n.*why: known to be so/s);
    expect(unused.stdout).toContain(`is to be removed from explained.yaml: ${noToken}`);
    expect(usage.stderr).toContain('usage: ');
  });

  test('reads the list of the project', () => {
    expect(() => readExplained('test/compare/explained.yaml')).not.toThrow();
    expect(readFileSync('test/compare/explained.yaml', 'utf8')).toMatch(/^# /);
  });
});
