/** What is particular to the workflow of a release: nothing is published that was not checked, or says something else. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { releaseNotes } from '../../.github/scripts/release-notes.mjs';
import { parseWorkflow } from './workflow.ts';

const { jobs } = parseWorkflow(readFileSync('.github/workflows/release.yml', 'utf8'));
const needs = (name: string): readonly string[] => {
  const own = [(jobs[name] as { needs?: string | string[] } | undefined)?.needs ?? []].flat();
  return [...own, ...own.flatMap(needs)];
};

const changelog = `# Changelog

## [Unreleased]

### Added

- Something later.

## [1.2.0] - 2026-11-29

### Added

- Something.

## [1.1.0] - 2026-10-01

### Fixed

- Something else.
`;

test('it is published after all checks, and announced after that', () => {
  expect(needs('npm')).toEqual(expect.arrayContaining(['test', 'local', 'package']));
  expect(needs('github')).toContain('npm');
});

test('what is published is the very file that was checked, and says where it comes from', () => {
  expect(jobs.npm?.steps.flatMap(({ run }) => run ?? [])).toEqual([
    expect.stringMatching(/^npm publish --provenance .*--ignore-scripts .*\.tgz$/),
  ]);
  expect(jobs.package?.steps.some(({ uses }) => uses?.startsWith('actions/cache@'))).toBe(false);
});

test('its notes are the section of the changelog', () => {
  expect(releaseNotes('v1.2.0', '1.2.0', changelog)).toBe('### Added\n\n- Something.');
});

test.each([
  ['the tag is of another version', 'v1.3.0', '1.2.0', /tag is v1\.3\.0, .* version 1\.2\.0/],
  ['the changelog does not know it', 'v1.3.0', '1.3.0', /says nothing about 1\.3\.0/],
])('there is no release when %s', (_, tag, version, message) => {
  expect(() => releaseNotes(tag, version, changelog)).toThrow(message);
});

test('there is none of a version that is said not to be released', () => {
  const text = changelog.replace('### Added\n\n- Something.\n', 'Not released yet.\n');
  expect(() => releaseNotes('v1.2.0', '1.2.0', text)).toThrow('not released yet');
});

test('the command writes them, and ends with 1 when there can be none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-release-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
  writeFileSync(join(folder, 'package.json'), '{ "version": "1.2.0" }');
  const script = resolve('.github/scripts/release-notes.mjs');
  const call = (tag: string) =>
    execFileSync(process.execPath, [script, tag], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  expect(call('v1.2.0')).toBe('### Added\n\n- Something.\n');
  expect(() => call('v1.1.0')).toThrow('the tag is v1.1.0');
});
