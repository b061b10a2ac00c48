/** Pages that repeat what the sources say are the same as the sources. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { MeshFacts } from '../../src/base/events.ts';
import { type Profile, profiles } from '../../src/base/profiles.ts';
import { plan } from '../../src/plan/plan.ts';
import type { Plan } from '../../src/plan/types.ts';
import { loadVersions } from '../../src/programs/versions.ts';
import { loadScenarios } from '../../src/scenario/load.ts';
import { allOptions, configOption, variableOf } from '../../src/settings/options.ts';
import { commandHelp } from './cli.ts';
import { contacts } from './contacts.ts';
import type { Schema } from './examples.ts';
import { generatedPart, partOf, table } from './generated.ts';
import { pages, parsePage, read, root } from './markdown.ts';
import { fieldTable } from './reference.ts';

const flagOf = ({ name, short, value }: { name: string; short?: string; value?: string }) =>
  `\`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}\``;

describe('docs/settings.md', () => {
  test('has every setting', () => {
    const commands = [...commandHelp().values()];
    const rows = allOptions.map((option) => {
      const { name, value, many, choices, description } = option;
      const kind = many ? 'list' : value === undefined ? 'true or false' : (choices?.join(', ') ?? 'text');
      const users = commands.filter(
        ({ flags }) => flags.has(name) && flags.get(name) === (value !== undefined),
      );
      return [
        flagOf(option),
        `\`${variableOf(name)}\``,
        kind,
        users.map((each) => each.name).join(', '),
        description,
      ];
    });
    const wanted = table(['Flag', 'Variable', 'Value', 'Commands', 'What it is'], rows);
    expect(partOf('docs/settings.md', 'settings', wanted)).toBe(wanted);
  });

  test('has every command', () => {
    const rows = [...commandHelp().values()].map(({ name, description, flags, operand }) => {
      const own = [...flags.keys()].filter(
        // What all of them have is said above the table.
        (flag) => !['help', configOption.name].includes(flag) && !isSetting(flag, flags.get(flag) === true),
      );
      const more = [...(operand === undefined ? [] : [operand]), ...own.map((flag) => `\`--${flag}\``)];
      return [`\`jwt-e2e ${name}\``, description, more.join(', ')];
    });
    const wanted = table(['Command', 'What it does', 'Takes, besides settings'], rows);
    expect(partOf('docs/settings.md', 'commands', wanted)).toBe(wanted);
  });
});

function isSetting(flag: string, takesValue: boolean): boolean {
  const option = allOptions.find(({ name }) => name === flag);
  return option !== undefined && (option.value !== undefined) === takesValue;
}

describe('docs/troubleshooting.md', () => {
  test('has a section for every error code, and none for another', () => {
    const union = /type ErrorCode =([^;]*);/.exec(read('src/base/errors.ts'))?.[1] ?? '';
    const codes = [...union.matchAll(/'(E_\w+)'/g)].map((match) => match[1] ?? '');
    expect(codes.length).toBeGreaterThan(15);
    const page = parsePage('docs/troubleshooting.md', read('docs/troubleshooting.md'));
    const sections = page.headings.map(({ text }) => text).filter((text) => text.startsWith('E_'));
    expect(sections).toEqual(codes);
    for (const code of codes) {
      const text = page.text.split(`\n## ${code}\n`)[1]?.split('\n## ')[0] ?? '';
      for (const part of ['Usual causes', 'What to do', 'Next command'])
        expect(text, code).toContain(`**${part}.**`);
      expect(text, code).toMatch(/\n```sh\n\S.*\n/);
    }
  });

  test('codes that other pages name exist', () => {
    const known = new Set(['E_CHECK', ...(read('src/base/errors.ts').match(/E_[A-Z_]+/g) ?? [])]);
    const named = pages().flatMap(({ file, text }) =>
      (text.match(/\bE_[A-Z_]+/g) ?? []).map((code) => `${file}: ${code}`),
    );
    expect(named.filter((each) => !known.has(each.split(': ')[1] ?? ''))).toEqual([]);
  });
});

test('docs/air-gapped.md says what is asked from where, with the versions that there are', () => {
  const wanted = contacts(loadVersions(join(root, 'kind/versions.yaml')));
  expect(partOf('docs/air-gapped.md', 'contacts', wanted)).toBe(wanted);
});

describe('docs/reports.md', () => {
  const schemaOf = (name: string) => JSON.parse(read(`schema/${name}.schema.json`)) as Schema;

  test('shows what diff writes, and what a conformance report looks like, as they are tested', () => {
    const diff = `\`\`\`text\n${read('test/golden/report/diff-all-kinds.txt').trim()}\n\`\`\``;
    expect(partOf('docs/reports.md', 'diff', diff)).toBe(diff);
    const [first = ''] = read('test/golden/report/conformance-several.yaml').split('\n---\n');
    const report = `\`\`\`yaml\n${first.trim()}\n\`\`\``;
    expect(partOf('docs/reports.md', 'conformance', report)).toBe(report);
  });

  test('has every field of the baseline', () => {
    const schema = schemaOf('baseline');
    const wanted = fieldTable(schema.definitions?.KnownDeviation ?? {}, schema);
    expect(partOf('docs/reports.md', 'baseline', wanted)).toBe(wanted);
  });

  test('has every field of results.json, and of a check in it', () => {
    const schema = schemaOf('results');
    const [, section = ''] = read('docs/reports.md').split('\n## JSON\n');
    const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(rows.sort()).toEqual(Object.keys(schema.properties ?? {}).sort());
    // Which check it is: parts of its id.
    const own = ['kind', 'scenario', 'step', 'row', 'column', 'code', 'finding'];
    const fields = Object.keys(schema.definitions?.Check?.properties ?? {});
    expect(fields.filter((name) => !own.includes(name) && !section.includes(`\`${name}\``))).toEqual([]);
  });
});

/** The scenarios of a profile as they run on a mesh; without versions on the one that nobody has to ask for. */
function planOf(profile: Profile, mesh?: { istio: string; envoy: string }): Plan {
  const { scenarios, errors } = loadScenarios([`scenarios/${profile}`], { cwd: root });
  expect(errors).toEqual([]);
  const { istio } = parse(read('kind/versions.yaml')) as { istio: { default: string } };
  const facts: MeshFacts = {
    id: 'mesh',
    target: 'kind',
    reason: 'test',
    istio: istio.default,
    fetch: 'istiod',
    ...mesh,
  };
  return plan(scenarios, facts, new Map(), { canSwitchFetch: true });
}

test.each(['documented', 'extended'] as const)(
  'docs/findings.md has the findings of the %s scenarios',
  (profile) => {
    const found = new Map<string, string[]>();
    for (const { steps } of planOf(profile).scenarios) {
      for (const { finding, id } of steps.flatMap(({ checks }) => checks)) {
        if (finding !== undefined) found.set(finding, [...(found.get(finding) ?? []), id]);
      }
    }
    expect(found.size).toBeGreaterThan(0);
    const wanted = [...found]
      .map(([text, ids]) => `- ${text}\n${ids.map((id) => `  - \`${id}\``).join('\n')}`)
      .join('\n');
    expect(partOf('docs/findings.md', profile, wanted)).toBe(wanted);
  },
);

test('docs/findings.md has what only some of the versions do that it was tried with', () => {
  const meshes = [
    { istio: '1.31-alpha.b01690e6db7d', envoy: '1.38.3' },
    { istio: '1.32-alpha.eed52ebb66ad', envoy: '1.40.0' },
    { istio: '1.32-alpha.eed52ebb66ad', envoy: '1.36.4' },
  ];
  const found = new Map<string, { on: Set<string>; ids: Set<string> }>();
  for (const mesh of meshes) {
    const checks = profiles.flatMap((profile) =>
      planOf(profile, mesh).scenarios.flatMap(({ skip, steps }) =>
        skip === undefined ? steps.flatMap((step) => step.checks) : [],
      ),
    );
    for (const { finding, id } of checks) {
      if (finding === undefined) continue;
      const { on, ids } = found.get(finding) ?? { on: new Set(), ids: new Set() };
      found.set(finding, { on: on.add(`Istio ${mesh.istio} with Envoy ${mesh.envoy}`), ids: ids.add(id) });
    }
  }
  const differing = [...found].filter(([, { on }]) => on.size < meshes.length);
  expect(differing.length).toBeGreaterThan(0);
  const wanted = differing
    .map(([text, { on, ids }]) =>
      [`- ${text} Seen on ${[...on].join(' and on ')}.`, ...[...ids].map((id) => `  - \`${id}\``)].join('\n'),
    )
    .join('\n');
  expect(partOf('docs/findings.md', 'versions', wanted)).toBe(wanted);
});

test('the picture in README shows the scenarios and how many checks they have', () => {
  const { scenarios } = planOf('documented');
  const picture = read('docs/images/report.svg').replaceAll(/<[^>]+>/g, '');
  const shown = [...picture.matchAll(/✓ ([\w@-]+)\s+(\d+) checks?\b/g)].map(
    ([, name, checks]) => `${name} ${checks}`,
  );
  const sizes = scenarios.map(({ info, steps }) => ({
    id: info.id,
    checks: steps.flatMap(({ checks }) => checks).length,
  }));
  expect(shown.sort()).toEqual(sizes.map(({ id, checks }) => `${id} ${checks}`).sort());
  const total = sizes.reduce((sum, { checks }) => sum + checks, 0);
  expect(picture).toContain(`${total} checks in ${scenarios.length} scenarios`);
});

test('every decision has a number of its own, its three parts, and a place in the list', () => {
  const files = readdirSync(join(root, 'docs/adr')).filter((file) => /^\d{4}-/.test(file));
  expect(files.length).toBeGreaterThanOrEqual(7);
  // Sorted by name, which has four digits.
  expect(files.sort().map((file) => Number(file.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  for (const file of files) {
    const text = read(`docs/adr/${file}`);
    expect(text, file).toMatch(/^# \d{4} \S/);
    const headings = parsePage(file, text).headings.map((heading) => heading.text);
    expect(headings.slice(1), file).toEqual(['Context', 'Decision', 'Consequences']);
    expect(read('docs/adr/README.md'), file).toContain(`](${file})`);
  }
});

test('CHANGELOG has a part for the version of package.json', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const headings = parsePage('CHANGELOG.md', read('CHANGELOG.md')).headings.map(({ text }) => text);
  expect(headings.some((text) => text.startsWith(`[${version}]`))).toBe(true);
  expect(headings).toContain('[Unreleased]');
});

test('a generated part is found and replaced, and nothing else is', () => {
  const text = 'before\n<!-- generated: x -->\n\nold\n\n<!-- /generated -->\nafter\n';
  const part = generatedPart(text, 'x');
  expect(part.now).toBe('old');
  expect(part.replaced('new')).toBe(text.replace('old', 'new'));
  expect(() => generatedPart(text, 'y')).toThrow('no part "y"');
});
