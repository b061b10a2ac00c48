/** Pages that repeat what the sources say are the same as the sources. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { MeshFacts } from '../../src/events.ts';
import { plan } from '../../src/plan/plan.ts';
import type { Plan } from '../../src/plan/types.ts';
import { loadScenarios } from '../../src/scenario/load.ts';
import { allOptions, variableOf } from '../../src/settings/options.ts';
import { commandHelp } from './cli.ts';
import { generatedPart, partOf, table } from './generated.ts';
import { pages, parsePage, read, root } from './markdown.ts';

const flagOf = ({ name, short, value }: { name: string; short?: string; value?: string }) =>
  `\`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}\``;

describe('docs/settings.md', () => {
  test('has every setting', async () => {
    const commands = [...(await commandHelp()).values()];
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

  test('has every command', async () => {
    const rows = [...(await commandHelp()).values()].map(({ name, description, flags, takesFiles }) => {
      const own = [...flags.keys()].filter(
        (flag) => flag !== 'help' && !isSetting(flag, flags.get(flag) === true),
      );
      const more = [...(takesFiles ? ['files and folders'] : []), ...own.map((flag) => `\`--${flag}\``)];
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
    const union = /type ErrorCode =([^;]*);/.exec(read('src/errors.ts'))?.[1] ?? '';
    const codes = [...union.matchAll(/'(E_\w+)'/g)].map((match) => match[1] ?? '');
    expect(codes.length).toBeGreaterThan(15);
    const page = parsePage('docs/troubleshooting.md', read('docs/troubleshooting.md'));
    const sections = page.headings.map(({ text }) => text).filter((text) => text.startsWith('E_'));
    expect(sections).toEqual(codes);
    for (const code of codes) {
      const text = page.text.split(`\n## ${code}\n`)[1]?.split('\n## ')[0] ?? '';
      expect(text, code).toMatch(/\*\*What to do\.\*\*/);
    }
  });

  test('codes that other pages name exist', () => {
    const known = new Set(['E_CHECK', ...(read('src/errors.ts').match(/E_[A-Z_]+/g) ?? [])]);
    const named = pages().flatMap(({ file, text }) =>
      (text.match(/\bE_[A-Z_]+/g) ?? []).map((code) => `${file}: ${code}`),
    );
    expect(named.filter((each) => !known.has(each.split(': ')[1] ?? ''))).toEqual([]);
  });
});

/** The documented scenarios as they run on the mesh that nobody has to ask for. */
function documented(): Plan {
  const { scenarios, errors } = loadScenarios(['scenarios/documented'], { cwd: root });
  expect(errors).toEqual([]);
  const { istio } = parse(read('kind/versions.yaml')) as { istio: { default: string } };
  const facts: MeshFacts = {
    id: 'mesh',
    target: 'kind',
    reason: 'test',
    istio: istio.default,
    fetch: 'istiod',
  };
  return plan(scenarios, facts, new Map(), { canSwitchFetch: true });
}

test('docs/findings.md has the findings of the scenarios', () => {
  const found = new Map<string, string[]>();
  for (const { steps } of documented().scenarios) {
    for (const { finding, id } of steps.flatMap(({ checks }) => checks)) {
      if (finding !== undefined) found.set(finding, [...(found.get(finding) ?? []), id]);
    }
  }
  expect(found.size).toBeGreaterThan(3);
  const wanted = [...found]
    .map(([text, ids]) => `- ${text}\n${ids.map((id) => `  - \`${id}\``).join('\n')}`)
    .join('\n');
  expect(partOf('docs/findings.md', 'findings', wanted)).toBe(wanted);
});

test('the picture in README shows the scenarios and how many checks they have', () => {
  const { scenarios } = documented();
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
