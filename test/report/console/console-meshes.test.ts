import { describe, expect, test } from 'vitest';
import type { MeshFacts } from '../../../src/base/events.ts';
import { meshTable } from '../../../src/report/console/console-meshes.ts';
import { colorsOf } from '../../../src/report/console/terminal.ts';
import type { RunResult } from '../../../src/report/result.ts';
import { resultOf } from '../results.ts';
import * as runs from '../runs.ts';

const passed = resultOf(runs.passed);
const colors = colorsOf(false);

/** The passed run on meshes with these facts; the last one gives another answer. */
function sideBySide(...facts: Partial<MeshFacts>[]): RunResult {
  const meshes = facts.map((own, index) => ({ ...passed.meshes[0]!, id: `mesh-${index}`, ...own }));
  const [first] = passed.scenarios;
  const { id: check } = first!.checks[0]!;
  return {
    ...passed,
    run: { ...passed.run, meshes: meshes.map(({ id }) => id) },
    meshes,
    scenarios: meshes.flatMap(({ id }) =>
      passed.scenarios.map((each) => ({ ...each, info: { ...each.info, mesh: id } })),
    ),
    differences: [
      {
        scenario: first!.info.id,
        check,
        answers: meshes.map(({ id }, index) => ({
          mesh: id,
          state: 'passed',
          status: index === meshes.length - 1 ? 401 : 403,
        })),
      },
    ],
  };
}

describe('columns of meshes with the same Istio are told apart by', () => {
  test.each<[string, ...Partial<MeshFacts>[]]>([
    ['target', { target: 'kind' }, { target: 'local', kubernetes: undefined }],
    ['kubernetes', { kubernetes: '1.35.2' }, { kubernetes: '1.36.1' }],
    ['fetch', { fetch: 'istiod' }, { fetch: 'envoy' }],
    ['id', {}, {}],
  ])('%s', async (name, ...facts) => {
    const lines = meshTable(sideBySide(...facts), colors);
    await expect(`${lines.slice(1).join('\n')}\n`).toMatchFileSnapshot(
      `../../golden/report/console-meshes-${name}.txt`,
    );
  });
});
