/** The Dockerfile says the same as the rest of the project: versions, settings, and what is copied. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadVersions } from '../../src/programs/versions.ts';
import { allOptions, variableOf } from '../../src/settings/options.ts';
import { partOf, table } from '../docs/generated.ts';

const text = readFileSync('Dockerfile', 'utf8');
const versions = loadVersions('kind/versions.yaml');

interface Argument {
  readonly name: string;
  readonly value: string;
  /** The comment above it, without its sources. */
  readonly about: string;
}

/** Those before the first FROM, which are all. */
const args: readonly Argument[] = [...text.matchAll(/((?:^#.*\n)*)^ARG (\w+)=(.*)$/gm)].map(
  ([, comment = '', name = '', value = '']) => ({
    name,
    value,
    about: comment
      .split('\n')
      .map((line) => line.replace(/^#\s?/, ''))
      .filter((line) => !/^https?:/.test(line))
      .join(' ')
      .trim(),
  }),
);
const defaultOf = (name: string) => args.find((each) => each.name === name)?.value;

test('its versions are those of kind/versions.yaml', () => {
  expect(defaultOf('HUB')).toBe(versions.istio.hub);
  expect(defaultOf('ISTIO')).toBe(versions.istio.default);
  expect(defaultOf('KUBERNETES')).toBe(versions.local.envtest.kubernetes);
});

test('every image and every version in it can be replaced', () => {
  const from = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  expect(from.length).toBeGreaterThan(6);
  for (const image of from) expect(image).toMatch(/^\$\{\w+\}$/);
  const [, after = ''] = text.split(/^FROM .*$/m);
  expect(after).not.toMatch(/\d+\.\d+\.\d+/);
});

test('it needs nothing that only BuildKit has', () => {
  expect(text).not.toMatch(/^RUN --|<<|^COPY --(link|chmod|parents)/m);
});

test('the settings in it exist', () => {
  const known = new Set(allOptions.map(({ name }) => variableOf(name)));
  const named = text.match(/\bJWT_E2E_\w+/g) ?? [];
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});

describe('.dockerignore', () => {
  const lines = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

  test('lets in what the package is made of, and nothing else', () => {
    expect(lines[0]).toBe('*');
    const let_in = lines.slice(1).map((line) => line.replace(/^!/, ''));
    expect(lines.slice(1).every((line) => line.startsWith('!'))).toBe(true);
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] };
    const wanted = files.filter((file) => !file.startsWith('!') && file !== 'dist' && !file.endsWith('.md'));
    expect(let_in).toEqual(expect.arrayContaining([...wanted, 'src', 'tools', '*.md', 'package-lock.json']));
    expect(let_in.filter((name) => !name.includes('*') && !existsSync(name))).toEqual([]);
  });
});

test('docs/container.md has every build argument', () => {
  for (const { name, about } of args) expect(about, name).toMatch(/\w/);
  const rows = args.map(({ name, value, about }) => [`\`${name}\``, `\`${value}\``, about]);
  const wanted = table(['Argument', 'Default', 'What it is'], rows);
  expect(partOf('docs/container.md', 'build-arguments', wanted)).toBe(wanted);
});
