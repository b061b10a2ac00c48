import fc from 'fast-check';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import { type CheckState, type Event, type ScenarioInfo, stamped } from '../../../src/base/events.ts';
import { junitSuites } from '../../../src/report/junit/junit-model.ts';
import { element, junitXml, xmlDocument } from '../../../src/report/junit/junit-xml.ts';
import { ResultModel } from '../../../src/report/model.ts';
import { markupMarks, oddText } from '../../support/odd-text.ts';
import { check, planned, requireJwt, scenarioEvents } from '../fixture.ts';
import { validateJUnit } from '../validate.ts';

const text = oddText(...markupMarks, ']]>', '\ufffe');
const states = fc.constantFrom<CheckState>('passed', 'failed', 'error', 'skipped');

const results = fc.array(
  fc.record({
    step: text,
    row: text,
    column: text,
    expected: text,
    actual: fc.option(text, { nil: undefined }),
    state: states,
    message: fc.option(text, { nil: undefined }),
    hint: fc.option(text, { nil: undefined }),
    finding: fc.option(text, { nil: undefined }),
    proof: fc.option(text, { nil: undefined }),
    evidence: fc.option(text, { nil: undefined }),
    response: fc.option(fc.record({ status: fc.nat(), headers: fc.dictionary(text, text), body: text }), {
      nil: undefined,
    }),
  }),
  { maxLength: 8 },
);
const run = fc.record({
  name: text,
  title: text,
  runId: text,
  problem: fc.option(text, { nil: undefined }),
  results,
  lost: fc.nat(3),
});

function report({
  name,
  title,
  runId,
  problem,
  results,
  lost,
}: typeof run extends fc.Arbitrary<infer T> ? T : never): {
  readonly xml: string;
  readonly cases: number;
} {
  const info: ScenarioInfo = { ...requireJwt, id: name, name, title, tags: [name] };
  const checks = results.map((part) => check(info, part));
  const model = new ResultModel();
  const emit = stamped(
    (event: Event) => model.add(event),
    () => 0,
  );
  emit({ type: 'run-started', runId, version: runId });
  emit(planned([info, checks.length + lost]));
  const trouble =
    problem === undefined ? {} : { problem: { code: 'E_KUBE' as const, message: problem, details: problem } };
  for (const event of scenarioEvents(info, checks, { ...trouble, warnings: [title] })) emit(event);
  return {
    xml: junitXml(junitSuites(model.result()), { hostname: name }),
    // The run has not finished: one more case says so.
    cases: checks.length + (lost > 0 ? 1 : 0) + (problem === undefined ? 0 : 1) + 1,
  };
}

describe('JUnit report of any strings', () => {
  it('is well-formed and has every case', () => {
    fc.assert(
      fc.property(run, (input) => {
        const { xml, cases } = report(input);
        expect(XMLValidator.validate(xml)).toBe(true);
        const parsed = new XMLParser({
          ignoreAttributes: false,
          isArray: (name) => name.startsWith('test'),
        }).parse(xml);
        const suites: { testcase?: unknown[] }[] = parsed.testsuites[0].testsuite;
        expect(suites.flatMap((suite) => suite.testcase ?? [])).toHaveLength(cases);
      }),
      { numRuns: 200 },
    );
  });

  it('is well-formed and valid by what CI tools use, too', async () => {
    await fc.assert(
      fc.asyncProperty(run, async (input) => {
        const { xml } = report(input);
        expect(await validateJUnit(xml)).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

describe('xmlDocument', () => {
  it('gives back what was written, but for what XML cannot hold', () => {
    fc.assert(
      fc.property(text, (value) => {
        const xml = xmlDocument(element('a', { b: value }, value));
        const parsed = new XMLParser({
          ignoreAttributes: false,
          attributeNamePrefix: '',
          trimValues: false,
          parseTagValue: false,
          htmlEntities: true,
          alwaysCreateTextNode: true,
        }).parse(xml);
        expect(parsed.a['#text']).toBe(parsed.a.b);
        expect(parsed.a.b.isWellFormed?.() ?? true).toBe(true);
      }),
    );
  });
});
