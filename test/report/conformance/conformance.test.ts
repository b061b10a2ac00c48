import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { HarnessError } from '../../../src/base/errors.ts';
import { changesBetween } from '../../../src/report/changes/changes.ts';
import { ConformanceReporter, conformanceYaml } from '../../../src/report/conformance/conformance.ts';
import { meshVerdicts } from '../../../src/report/conformance/conformance-verdicts.ts';
import { parseConformance } from '../../../src/report/conformance/read-conformance.ts';
import { conformanceSchema } from '../../../src/report/schema/conformance-schema.ts';
import { onMesh, resultOf, withChecks } from '../results.ts';
import * as runs from '../runs.ts';

const all = Object.entries(runs);

describe('the conformance report', () => {
  test.each([
    ['failures', runs.failures],
    ['several', runs.several],
    ['setupFailed', runs.setupFailed],
    ['interrupted', runs.interrupted],
  ])('of %s', async (name, events) => {
    const yaml = conformanceYaml(resultOf(events));
    await expect(yaml).toMatchFileSnapshot(`../../golden/report/conformance-${name}.yaml`);
  });

  test.each(all)('fits its schema and is YAML that others can read: %s', (_, events) => {
    const yaml = conformanceYaml(resultOf(events));
    for (const document of parseAllDocuments(yaml, { version: '1.1' })) {
      expect([...document.errors, ...document.warnings]).toEqual([]);
    }
    for (const document of parseAllDocuments(yaml)) {
      const data: unknown = document.toJS();
      // Nothing is in it that the schema does not know.
      expect(conformanceSchema.parse(data)).toEqual(data);
    }
  });

  test.each(all)('reads back as it was, check by check: %s', (_, events) => {
    const result = resultOf(events);
    const written = meshVerdicts(result);
    const read = parseConformance(conformanceYaml(result), 'c.yaml');
    expect(read.map(({ mesh }) => mesh)).toEqual(written.map(({ mesh }) => mesh));
    written.forEach((mesh, index) => {
      const changes = changesBetween(mesh, read[index]!);
      expect([changes.changes, changes.findings]).toEqual([[], { added: [], gone: [] }]);
      expect(changes.same).toBe(mesh.verdicts.size);
      expect(read[index]?.incomplete).toEqual(mesh.incomplete);
    });
  });

  test('is the same for another run with the same answers', () => {
    const first = resultOf(runs.failures);
    const later = {
      ...first,
      run: { ...first.run, id: 'other', durationMs: 1, startedAt: '2026-03-14T23:59:59.000Z' },
      scenarios: first.scenarios
        .toReversed()
        .map((each) => ({ ...each, durationMs: 1, startedAt: undefined })),
    };
    const again = withChecks(later, (check) => ({ ...check, durationMs: 7, convergence: undefined }));
    expect(conformanceYaml(again)).toBe(conformanceYaml(first));
  });

  test('has a check that was repeated once, with the worst that came of it', () => {
    const once = resultOf(runs.passed);
    const [scenario] = once.scenarios;
    const repeated = [1, 2, 3].map((repeat) => ({
      ...scenario!,
      info: { ...scenario!.info, id: `${scenario!.info.id}#${repeat}`, repeat },
      checks: scenario!.checks.map((check, index) =>
        repeat === 2 && index === 1 ? { ...check, state: 'failed' as const } : check,
      ),
    }));
    const [mesh] = meshVerdicts({ ...once, scenarios: repeated });
    const states = [...mesh!.verdicts].map(([id, { state }]) => `${state} ${id.split('/')[0]}`);
    expect(states).toEqual(['passed', 'failed', 'passed', 'passed'].map((state) => `${state} require-jwt`));
  });

  test('keeps the order of rows whose names look like numbers, and versions as text', () => {
    const result = withChecks(onMesh(resultOf(runs.passed), { istio: '1.30' }), (check) =>
      check.column === 'valid' ? { ...check, row: '2', column: '1' } : check,
    );
    const yaml = conformanceYaml(result);
    expect(yaml).toContain('  version: "1.30"\n');
    expect(yaml.indexOf('/headers:')).toBeLessThan(yaml.indexOf('"2":'));
  });

  test('is written as a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-conformance-'));
    const file = join(folder, 'conformance.yaml');
    const reporter = new ConformanceReporter({ file });
    for (const event of runs.failures) reporter.handle(event);
    expect(readFileSync(file, 'utf8')).toBe(conformanceYaml(resultOf(runs.failures)));
    rmSync(folder, { recursive: true });
  });
});

describe('what is no conformance report is refused', () => {
  const good = conformanceYaml(resultOf(runs.passed));
  const tenTimes = (alias: string) => `[${Array(10).fill(alias).join(', ')}]`;
  const bomb = [
    'a: &a [x, x]',
    `b: &b ${tenTimes('*a')}`,
    `c: &c ${tenTimes('*b')}`,
    `d: &d ${tenTimes('*c')}`,
    `e: &e ${tenTimes('*d')}`,
    `f: ${tenTimes('*e')}`,
  ].join('\n');
  test.each([
    ['another file', 'a: 1\n', 'c.yaml is no conformance report: its kind is not ConformanceReport'],
    ['not YAML', 'a: [1\n', 'c.yaml is not YAML: line 2: '],
    ['with an alias of nothing', 'a: *b\n', 'c.yaml is not YAML: Unresolved alias'],
    ['an alias bomb', bomb, 'c.yaml cannot be read: the aliases up to here stand for more than 200000 keys'],
    [
      'of another version',
      good.replace('istio-jwt-e2e/v1', 'istio-jwt-e2e/v2'),
      'c.yaml is of istio-jwt-e2e/v2, this program reads istio-jwt-e2e/v1',
    ],
    ['damaged', good.replace('state: finished', 'state: over'), 'c.yaml is damaged: state: '],
  ])('%s', (_, text, message) => {
    expect(() => parseConformance(text, 'c.yaml')).toThrow(
      expect.objectContaining<Partial<HarnessError>>({
        code: 'E_USAGE',
        message: expect.stringContaining(message),
        hint: expect.any(String),
      }),
    );
  });
});
