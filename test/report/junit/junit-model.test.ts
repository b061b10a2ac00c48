/** Why checks did not run, and what a suite says of its steps. */
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../../src/base/events.ts';
import { junitSuites } from '../../../src/report/junit/junit-model.ts';
import type { RunResult, ScenarioResult } from '../../../src/report/result.ts';
import { resultOf } from '../results.ts';
import * as runs from '../runs.ts';

const base = resultOf(runs.passed);
const [scenario] = base.scenarios as [ScenarioResult];
const { mesh } = scenario.info;
const problem = (message: string): Problem => ({ code: 'E_KUBE', message });
const phase = (message: string, of?: string) =>
  ({ phase: 'p', mesh: of, state: 'failed', durationMs: 1, problem: problem(message) }) as const;

/** The scenario with two checks that did not run, in a run to which this has happened. */
function whyNotRun(more: Partial<RunResult>, run: Partial<RunResult['run']> = {}, own?: Problem) {
  const cut = { ...scenario, planned: 5, notRun: 2, problem: own };
  const suites = junitSuites({
    ...base,
    phases: [],
    scenarios: [cut],
    ...more,
    run: { ...base.run, ...run },
  });
  const outcome = suites.find(({ name }) => name.endsWith(scenario.info.id))?.cases.at(-1)?.outcome;
  return outcome?.kind === 'error' ? [outcome.type, outcome.message] : undefined;
}
const start = '2 checks did not run of 5 planned: ';

describe('checks that did not run say why', () => {
  test.each<[string, Parameters<typeof whyNotRun>, string, string]>([
    ['nothing is known', [{}], 'not-run', 'the run ended before'],
    ['the run was killed', [{}, { state: 'running' }], 'aborted', 'the run did not finish'],
    ['the run was interrupted', [{}, { state: 'interrupted' }], 'interrupted', 'the run was interrupted'],
    ['the scenario broke off', [{}, { problem: problem('run') }, problem('own')], 'E_KUBE', 'own'],
    ['the run ended', [{ phases: [phase('phase')] }, { problem: problem('run') }], 'E_KUBE', 'run'],
    [
      'the mesh is lost',
      [
        {
          failedMeshes: [
            { mesh: 'other', problem: problem('other') },
            { mesh, problem: problem('lost') },
          ],
        },
        { problem: problem('run') },
      ],
      'E_KUBE',
      'lost',
    ],
    [
      'another mesh is lost',
      [{ failedMeshes: [{ mesh: 'other', problem: problem('other') }] }],
      'not-run',
      'the run ended before',
    ],
    ['a phase failed', [{ phases: [...base.phases, phase('phase')] }], 'E_KUBE', 'phase'],
    ['a phase of the mesh failed', [{ phases: [phase('o', 'other'), phase('own', mesh)] }], 'E_KUBE', 'own'],
    [
      'a phase of another mesh failed',
      [{ phases: [phase('o', 'other')] }],
      'not-run',
      'the run ended before',
    ],
  ])('%s', (_, input, type, message) => {
    expect(whyNotRun(...input)).toEqual([type, start + message]);
  });
});

test('a suite says of its steps what was applied, what was warned of, and when it held', () => {
  const step = { name: 's', objects: ['ConfigMap a'], warnings: ['deprecated'] };
  const outputOf = (...steps: ScenarioResult['steps']) =>
    junitSuites({ ...base, scenarios: [{ ...scenario, steps }] })[0]?.output;
  expect(outputOf({ ...step, heldMs: 12, proof: 'p' }, { ...step, name: 't', heldMs: 7 })).toBe(
    [
      ...['s: applied ConfigMap a', 's: warning: deprecated', 's: held after 12 ms, p'],
      ...['t: applied ConfigMap a', 't: warning: deprecated', 't: held after 7 ms'],
    ].join('\n'),
  );
  expect(outputOf(step)).toBe('s: applied ConfigMap a\ns: warning: deprecated');
  expect(outputOf({ name: 's', objects: [], warnings: [] })).toBeUndefined();
});
