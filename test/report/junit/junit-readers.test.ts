/**
 * What the report actions on GitHub make of a JUnit report. None of them can be had as a library, so what is held here is
 * what their parsers rely on, as read in their sources: mikepenz/action-junit-report (src/testParser.ts),
 * dorny/test-reporter (src/parsers/java-junit) and EnricoMi/publish-unit-test-result-action (python/publish/junit.py).
 */
import { XMLParser } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import { junitSuites } from '../../../src/report/junit/junit-model.ts';
import { junitXml } from '../../../src/report/junit/junit-xml.ts';
import { mergeResults } from '../../../src/report/merge/merge.ts';
import type { RunResult } from '../../../src/report/result.ts';
import { onMesh, resultOf, withChecks } from '../results.ts';
import * as runs from '../runs.ts';

interface Case {
  readonly classname: string;
  readonly name: string;
  readonly file?: string;
  readonly line?: string;
  readonly failure?: { readonly message: string; readonly '#text': string };
  readonly error?: { readonly message: string; readonly '#text': string };
  readonly skipped?: string;
}

function casesOf(result: RunResult, places = true): Case[] {
  const xml = junitXml(junitSuites(result, 'artifacts'), { hostname: 'ci-1', places });
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    trimValues: false,
    parseTagValue: false,
    isArray: (name) => name === 'testsuite' || name === 'testcase',
  });
  const { testsuite } = parser.parse(xml).testsuites as { testsuite: { testcase: Case[] }[] };
  return testsuite.flatMap(({ testcase }) => testcase);
}

const failures = resultOf(runs.failures);
const several = mergeResults([
  { file: 'a/results.json', result: failures },
  { file: 'b/results.json', result: onMesh(failures, { istio: '1.31.0', id: 'kind-1.31.0' }) },
]);

describe('action-junit-report', () => {
  test('looks for a file with the name of the last part of the class: there is none for the set-up', () => {
    const names = casesOf(resultOf(runs.setupFailed)).map(({ classname }) => classname.split('.').at(-1));
    expect(names[0]).toBe('jwt-e2e-setup');
  });

  test('shows neither suite nor class, so messages say which of several meshes they are about', () => {
    const messages = casesOf(several).flatMap(({ name, failure, error }) => {
      const message = (failure ?? error)?.message;
      return message === undefined ? [] : [`${name} ${message}`];
    });
    expect(messages).toHaveLength(12);
    expect(messages.filter((message) => message.includes('istio-1.30.3 / kind'))).toHaveLength(6);
    expect(messages.filter((message) => message.includes('istio-1.31.0 / kind'))).toHaveLength(6);
    // Where there is one it would only be in the way.
    const [first] = casesOf(failures).flatMap(({ failure }) => failure ?? []);
    expect(first?.message).toMatch(/^expected 403/);
  });
});

describe('test-reporter', () => {
  const frame = /^\s*at (.*)\((.*):(\d+)\)$/m;

  test('finds file and line of a failure in a line of a stack trace', () => {
    const red = casesOf(failures).filter(({ failure, error }) => failure ?? error);
    for (const { file, line, failure, error } of red) {
      const [, trace = '', name, number] = frame.exec((failure ?? error)!['#text']) ?? [];
      expect([`${trace.replaceAll('.', '/')}/${name}`, number]).toEqual([file, line]);
    }
    expect(red).toHaveLength(6);
  });

  test('gets none where it would be wrong, nor readers that have not asked for places', () => {
    for (const file of ['../other/a.yaml', '/tmp/a.yaml', 'a.yaml', 'v1.2/a.yaml', 'a/b.c/d.yaml']) {
      const moved = withChecks(failures, (check) => ({ ...check, place: { ...check.place, file } }));
      const failed = casesOf(moved).filter(({ failure }) => failure);
      for (const { failure } of failed) expect(failure!['#text']).not.toMatch(frame);
    }
    for (const { failure } of casesOf(failures, false)) expect(failure?.['#text'] ?? '').not.toMatch(frame);
  });
});

describe('publish-unit-test-result-action', () => {
  test('takes cases with the same file, class and name for one that was repeated', () => {
    const repeated = {
      ...failures,
      scenarios: [1, 2].flatMap((repeat) =>
        failures.scenarios.map((scenario) => ({
          ...scenario,
          info: { ...scenario.info, id: `${scenario.info.id}#${repeat}`, repeat },
        })),
      ),
    };
    for (const result of [several, repeated]) {
      const keys = casesOf(result).map(({ file, classname, name }) =>
        JSON.stringify([file, classname, name]),
      );
      expect(new Set(keys).size).toBe(keys.length);
    }
  });
});

test('all of them take a known deviation for skipped, and say so with its reason', () => {
  const known = { reason: 'istio/istio#1', until: '2027-01-01' };
  const result = withChecks(failures, (check) =>
    check.state === 'failed' ? { ...check, state: 'known', known } : check,
  );
  const cases = casesOf(result);
  expect(cases.filter(({ failure }) => failure)).toEqual([]);
  expect(cases.flatMap(({ skipped }) => skipped ?? [])).toContain(
    'known deviation until 2027-01-01: istio/istio#1; expected 401, got 403',
  );
});
