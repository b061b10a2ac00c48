/** The YAML in the documentation is right: scenarios pass lint, settings are accepted, every field has an example. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { baselineOf } from '../../src/engine/baseline.ts';
import { parseScenario } from '../../src/scenario/load.ts';
import { mergeSettings } from '../../src/settings/settings.ts';
import { allFields, type Schema, savedAs, scenarioText, usedFields } from './examples.ts';
import { type Fence, pages, read, root, where } from './markdown.ts';

const yaml = pages()
  .flatMap(({ fences }) => fences)
  .filter(({ info }) => info.startsWith('yaml'));
const of = (pattern: RegExp) => yaml.filter(({ info }) => pattern.test(info));
const scenarios = of(/^yaml (scenario|part)\b/);
/** Where files of the user's own are that examples apply: those that the page itself has, or ours. */
function besides(fence: Fence): { folder: string; cwd: string } {
  const file = savedAs(fence);
  if (file === undefined) return { folder: join(root, 'test/docs/own/tests'), cwd: root };
  const cwd = join(saved, fence.file);
  return { folder: join(cwd, dirname(file)), cwd };
}
const saved = mkdtempSync(join(tmpdir(), 'jwt-e2e-docs-'));
afterAll(() => rmSync(saved, { recursive: true }));
for (const fence of yaml) {
  const file = savedAs(fence);
  if (file === undefined) continue;
  mkdirSync(join(saved, fence.file, dirname(file)), { recursive: true });
  writeFileSync(join(saved, fence.file, file), fence.text);
}
const schema = JSON.parse(read('schema/scenario.schema.json')) as Schema;

test('every YAML block says what it is, or is a Kubernetes object, so that it can be checked', () => {
  const unknown = yaml.filter(({ info, text }) => {
    if (/^yaml (scenario( file=\S+)?|part|settings|baseline file=\S+|github|gitlab)$/.test(info))
      return false;
    const objects = parseAllDocuments(text).map((document) => document.toJS() as { kind?: string });
    return !/^yaml( file=\S+)?$/.test(info) || !objects.every((object) => typeof object?.kind === 'string');
  });
  expect(unknown.map(where)).toEqual([]);
});

test.each(scenarios.map((fence) => [where(fence), fence] as const))(
  'the scenario at %s passes lint',
  (_, fence) => {
    const { scenario, errors } = parseScenario(
      scenarioText(fence),
      'example.yaml',
      'custom',
      [],
      besides(fence),
    );
    expect(errors.map(({ message, place }) => `${place?.line}: ${message}`)).toEqual([]);
    expect(scenario?.steps.length).toBeGreaterThan(0);
  },
);

test('the guide has an example of every field of the format', () => {
  const guide = scenarios.filter(({ file }) => file === 'docs/writing-scenarios.md');
  const shown = new Set(guide.flatMap(({ text }) => [...usedFields(parse(text), schema)]));
  const wanted = allFields(schema);
  expect(wanted.size).toBeGreaterThan(60);
  expect([...wanted].filter((field) => !shown.has(field))).toEqual([]);
});

function withFile(name: string, text: string, use: (file: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-docs-'));
  try {
    const file = join(folder, name);
    writeFileSync(file, text);
    use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('files of other kinds', () => {
  test.each(of(/^yaml settings$/).map((fence) => [where(fence), fence] as const))(
    'the settings at %s are accepted',
    (_, { text }) => {
      withFile('jwt-e2e.yaml', text, (file) => {
        const values = Object.entries(mergeSettings({}, {}, file)).filter(([, value]) => value !== undefined);
        expect(values.map(([name]) => name).sort()).toEqual(Object.keys(parse(text) as object).sort());
      });
    },
  );

  test.each(of(/^yaml baseline\b/).map((fence) => [where(fence), fence] as const))(
    'the baseline at %s is accepted',
    (_, { text }) => {
      const known = (parse(text) as { known: unknown[] }).known;
      expect(known.length).toBeGreaterThan(0);
      withFile('known.yaml', text, (file) => {
        expect(baselineOf({ baseline: file }, '/')?.entries).toHaveLength(known.length);
      });
    },
  );
});

describe('the checker', () => {
  test('sees a mistake in a part', () => {
    const part = { file: 'x.md', line: 1, info: 'yaml part', text: 'tokens:\n  bad: { issuer: nobody }\n' };
    expect(parseScenario(scenarioText(part), 'x.yaml').errors.map(({ message }) => message)).toEqual([
      'there is no issuer "nobody"',
    ]);
  });

  test('tells apart fields of the same name in different places', () => {
    const used = usedFields({ when: { istio: '>=1.30' }, steps: [{ when: { asm: '<1.13' } }] }, schema);
    expect(used.size).toBe(5);
    expect([...allFields(schema)].filter((field) => field.endsWith('.when')).length).toBeGreaterThanOrEqual(
      4,
    );
  });
});
