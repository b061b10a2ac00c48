/** What GitHub reads besides the workflows: forms for issues, the text of pull requests, and which updates are wanted. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { commandHelp } from '../docs/cli.ts';
import { commandsIn, mistakeIn } from '../docs/command-lines.ts';

interface Field {
  readonly type: string;
  readonly id?: string;
  readonly attributes: {
    readonly label?: string;
    readonly value?: string;
    readonly description?: string;
    readonly options?: readonly string[];
  };
  readonly validations?: { readonly required?: boolean };
}

interface Form {
  readonly name: string;
  readonly description: string;
  readonly labels: readonly string[];
  readonly body: readonly Field[];
}

const folder = '.github/ISSUE_TEMPLATE';
const forms = readdirSync(folder)
  .filter((name) => name !== 'config.yml')
  .map((name) => [name, parse(readFileSync(`${folder}/${name}`, 'utf8')) as Form] as const);

// https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-githubs-form-schema
describe.each(forms)('the form %s', (_, form) => {
  test('has what GitHub wants of a form, and nothing else', () => {
    expect(Object.keys(form).toSorted()).toEqual(['body', 'description', 'labels', 'name']);
    const kinds: Readonly<Record<string, readonly string[]>> = {
      markdown: ['value'],
      textarea: ['label', 'description', 'render', 'placeholder'],
      input: ['label', 'description', 'placeholder'],
      dropdown: ['label', 'description', 'options'],
    };
    for (const { type, id, attributes } of form.body) {
      expect(Object.keys(kinds)).toContain(type);
      expect(kinds[type]).toEqual(expect.arrayContaining(Object.keys(attributes)));
      expect(id === undefined, JSON.stringify(attributes)).toBe(type === 'markdown');
      expect(attributes.value ?? attributes.label).toMatch(/\w/);
    }
    const ids = form.body.flatMap(({ id }) => id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const labels = form.body.flatMap(({ attributes }) => attributes.label ?? []);
    expect(new Set(labels).size).toBe(labels.length);
    expect(form.body.some(({ validations }) => validations?.required)).toBe(true);
  });

  test('names commands and files that there are', () => {
    const known = { commands: commandHelp(), scripts: {} };
    const text = form.body.flatMap(({ attributes }) => [attributes.value, attributes.description]).join('\n');
    const codes = [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
    const mistakes = codes
      .filter((code) => code.startsWith('jwt-e2e '))
      .flatMap((code) => commandsIn(code).map((command) => mistakeIn(command, known)));
    expect(mistakes.filter(Boolean)).toEqual([]);
    expect(codes.filter((code) => /^[\w/]+\.md$/.test(code) && !existsSync(code))).toEqual([]);
  });
});

test('whoever reports that something is wrong says what the machine has', () => {
  for (const name of ['bug.yml', 'wrong-verdict.yml']) {
    const form = new Map(forms).get(name);
    const field = form?.body.find(({ attributes }) =>
      attributes.description?.includes('`jwt-e2e doctor --json`'),
    );
    expect(field?.validations?.required, name).toBe(true);
  }
});

test('vulnerabilities are sent elsewhere by every form for faults', () => {
  for (const name of ['bug.yml', 'wrong-verdict.yml'])
    expect(new Map(forms).get(name)?.body[0]?.attributes.value).toContain('`SECURITY.md`');
  expect(parse(readFileSync(`${folder}/config.yml`, 'utf8'))).toEqual({ blank_issues_enabled: false });
});

test('updates are asked for of everything that has versions, but of what belongs together', () => {
  const { version, updates } = parse(readFileSync('.github/dependabot.yml', 'utf8')) as {
    version: number;
    updates: readonly { 'package-ecosystem': string; directory: string; schedule: { interval: string } }[];
  };
  expect(version).toBe(2);
  const files: Readonly<Record<string, string>> = {
    npm: 'package-lock.json',
    'github-actions': '.github/workflows',
    docker: 'Dockerfile',
  };
  expect(updates.map((each) => each['package-ecosystem'])).toEqual(Object.keys(files));
  for (const each of updates) {
    expect(existsSync(`.${each.directory}${files[each['package-ecosystem']]}`)).toBe(true);
    expect(each.schedule.interval).toBe('weekly');
  }
});

test('the badges of README lead to what they show', () => {
  const [, badges = ''] = readFileSync('README.md', 'utf8').split('\n\n');
  const shown = [...badges.matchAll(/\[!\[([^\]]+)\]\((\S+?)\)\]\((\S+?)\)/g)];
  expect(shown.length).toBeGreaterThan(2);
  const { name, license, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    name: string;
    license: string;
    engines: { node: string };
  };
  for (const [, , image = '', link = ''] of shown) {
    expect(image).toMatch(/^https:\/\/img\.shields\.io\//);
    if (!link.startsWith('https://')) expect(existsSync(link), link).toBe(true);
  }
  expect(badges).toContain(`https://www.npmjs.com/package/${name}`);
  expect(badges).toContain(`license-${license.replaceAll('-', '--')}-`);
  expect(badges).toContain(`Node.js-${encodeURIComponent(engines.node)}-`);
});
