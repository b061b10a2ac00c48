import { XMLParser } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../src/base/events.ts';
import { junitSuites } from '../../../src/report/junit/junit-model.ts';
import { junitXml } from '../../../src/report/junit/junit-xml.ts';
import { ResultModel } from '../../../src/report/model.ts';
import { check, closing, opening, planned, requireJwt, scenarioEvents, stream } from '../fixture.ts';
import * as runs from '../runs.ts';
import { validateJUnit } from '../validate.ts';

function junit(events: readonly Event[], places = false): string {
  const model = new ResultModel();
  for (const event of events) model.add(event);
  return junitXml(junitSuites(model.result(), 'reports/artifacts'), { hostname: 'ci-1', places });
}

/** Every case that is not green, as `suite | name | kind type: message`. */
function red(xml: string): string[] {
  const parsed = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name) => name === 'testsuite' || name === 'testcase',
  }).parse(xml);
  return (parsed.testsuites.testsuite ?? []).flatMap(
    (suite: { name: string; testcase: Record<string, never>[] }) =>
      (suite.testcase ?? []).flatMap((one) =>
        (['failure', 'error'] as const).flatMap((kind) => {
          const { type, message } = (one[kind] ?? {}) as Record<string, string>;
          return kind in one ? [`${suite.name} | ${one.name} | ${kind} ${type}: ${message}`] : [];
        }),
      ),
  );
}

describe('JUnit report', () => {
  it.each(Object.entries(runs))('reads as it should: %s', async (name, events) => {
    await expect(junit(events)).toMatchFileSnapshot(`../../golden/report/junit-${name}.xml`);
  });

  it('has failures for wrong answers and errors for missing ones', () => {
    expect(red(junit(runs.passed))).toEqual([]);
    expect(red(junit(runs.skipped))).toEqual([]);
    expect(red(junit(runs.failures))).toEqual([
      'istio-1.30.3 / kind / setup | scenario jwks-external-http@envoy | error E_NOT_READY: deployment httpbin in foo was not ready within 120s',
      'istio-1.30.3 / kind / require-jwt | a token is required / no token / /headers | failure E_CHECK: expected 403 "RBAC: access denied", got 200: the mesh let the request through, 3 times in a row',
      'istio-1.30.3 / kind / require-jwt | a token is required / expired / /headers | failure E_CHECK: expected 401, got 403',
      'istio-1.30.3 / kind / jwks-external-http@istiod | keys by URL / keys / fetched by | failure E_CHECK: expected istiod, got envoy (4 requests)',
      'istio-1.30.3 / kind / jwks-external-http@envoy | keys by URL / valid / /ip | error E_SEND: curl in sleep-5b7c.foo gave no answer within 10s',
      'istio-1.30.3 / kind / jwks-external-http@envoy | 2 checks did not run | error E_NOT_READY: 2 checks did not run of 3 planned: deployment httpbin in foo was not ready within 120s',
    ]);
  });

  it('tells a failed setup once, and what did not run because of it', () => {
    expect(red(junit(runs.setupFailed))).toEqual([
      'setup | install Istio 1.30.3 | error E_ISTIO: istioctl install ended with exit code 1',
      'kind-1.30.3 / require-jwt | 4 checks did not run | error E_ISTIO: 4 checks did not run of 4 planned: istioctl install ended with exit code 1',
      'kind-1.30.3 / bookinfo-exclusion | 2 checks did not run | error E_ISTIO: 2 checks did not run of 2 planned: istioctl install ended with exit code 1',
    ]);
  });

  it('is red when the run ended with another exit code than 0 for whatever reason', () => {
    const one = check(requireJwt, { step: 'a', row: 'b', column: 'c', expected: '200' });
    const events = [...opening, planned([requireJwt, 1]), ...scenarioEvents(requireJwt, [one])];
    expect(red(junit(stream([...events, closing(0, {})])))).toEqual([]);
    expect(red(junit(stream([...events, closing(4, {})])))).toEqual([
      'istio-1.30.3 / kind / setup | run | error exit-code: the run ended with exit code 4',
    ]);
    expect(red(junit(stream([...events, closing(1, {})])))).toEqual([
      'istio-1.30.3 / kind / setup | run | error exit-code: the run ended with exit code 1',
    ]);
    const problem = { code: 'E_CLUSTER', message: 'the cluster could not be deleted' } as const;
    expect(red(junit(stream([...events, closing(4, {}, { problem })])))).toEqual([
      'istio-1.30.3 / kind / setup | run | error E_CLUSTER: the cluster could not be deleted',
    ]);
    expect(red(junit(stream([...events, closing(130, {}, { interrupted: true })])))).toEqual([
      'istio-1.30.3 / kind / setup | run | error interrupted: the run was interrupted; 0 checks did not run',
    ]);
  });

  it('is red when a run failed and all it has is skipped, and says it once when a case is red', () => {
    const run = (state: 'skipped' | 'failed') => {
      const one = check(requireJwt, { step: 'a', row: 'b', column: 'c', expected: '200', state });
      const events = [...opening, planned([requireJwt, 1]), ...scenarioEvents(requireJwt, [one])];
      return red(junit(stream([...events, closing(1, { [state]: 1 })])));
    };
    expect(run('skipped')).toEqual([
      'istio-1.30.3 / kind / setup | run | error exit-code: the run ended with exit code 1',
    ]);
    expect(run('failed')).toEqual([expect.stringContaining('| a / b / c | failure E_CHECK')]);
  });

  it('is red when nothing was tested, and says why', () => {
    expect(red(junit(runs.untested))).toEqual([
      'istio-1.30.3 / kind / setup | run | error E_NOTHING_TESTED: nothing was tested: all 2 checks were skipped (target local has no ingress gateway)',
    ]);
  });

  it.each([
    // From the configuration before are wrong answers before the first right one, of a check that passed.
    [
      'passed',
      { firstRightMs: 412, lastWrongMs: 380, stale: 2 },
      '2 answers before it by the configuration before',
    ],
    ['passed', { firstRightMs: 212, lastWrongMs: 380, stale: 2 }, '2 wrong answers'],
    [
      'passed',
      { firstRightMs: 412, lastWrongMs: 380, stale: 2, answers: 50, right: 49 },
      '2 wrong answers, 49 of 50 right since the proof',
    ],
    [
      'failed',
      { firstRightMs: 90, lastWrongMs: 5000, stale: 27, answers: 55, right: 28 },
      '27 wrong answers, 28 of 55 right since the proof',
    ],
    ['failed', { firstRightMs: 412, lastWrongMs: 380, stale: 2 }, '2 wrong answers'],
  ] as const)('says of wrong answers only what is known: %s %j', (state, convergence, words) => {
    const part = { step: 'a', row: 'b', column: 'c', expected: '200', state };
    const one = check(requireJwt, { ...part, convergence: { attempts: 60, ...convergence } });
    const events = [...opening, planned([requireJwt, 1]), ...scenarioEvents(requireJwt, [one])];
    const right = `first right answer after ${convergence.firstRightMs} ms`;
    expect(junit(stream(events))).toContain(
      `convergence: 60 requests, last wrong answer after ${convergence.lastWrongMs} ms, ${right}, ${words}</system-out>`,
    );
  });

  it('is red as long as the run has not finished', () => {
    for (let length = 1; length < runs.passed.length; length++) {
      expect(red(junit(runs.passed.slice(0, length)))).toContainEqual(
        expect.stringContaining('| run | error aborted: the run did not finish'),
      );
    }
  });

  // These take long, so what else can go wrong is found before.
  it.each(Object.entries(runs))('is valid: %s', async (_, events) => {
    expect(await validateJUnit(junit(events))).toEqual([]);
  });

  it('has the places of checks only when asked, in the dialect of before 2018', async () => {
    const xml = junit(runs.failures, true);
    expect(xml).toContain('file="scenarios/documented/require-jwt.yaml" line="48"');
    const problems = await validateJUnit(xml);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.filter((problem) => !/attribute '(file|line)' is not allowed/.test(problem))).toEqual([]);
  });

  it('is checked by a validation that finds what is wrong', async () => {
    const good = junit(runs.failures);
    expect(await validateJUnit(good.replace('<skipped>', '<skipped message="no">'))).toEqual([
      expect.stringMatching(/^jenkins-junit\.xsd: line \d+: .*skipped/),
      expect.stringMatching(/^junit\.xsd: line \d+: .*skipped/),
    ]);
    expect(await validateJUnit(good.replace('failures="3"', 'failures="2"'))).toEqual([
      'testsuites: failures="2", but there are 3',
    ]);
    expect(await validateJUnit(good.slice(0, 3000))).not.toEqual([]);
  });
});
