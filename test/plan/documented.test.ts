import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { MeshFacts } from '../../src/base/events.ts';
import { plan } from '../../src/plan/plan.ts';
import { algorithms } from '../../src/scenario/format/schema.ts';
import { loadScenarios } from '../../src/scenario/load.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const facts: MeshFacts = {
  id: 'mesh',
  target: 'cluster',
  reason: 'a test',
  istio: '1.31.1',
  fetch: 'istiod',
};

/** What the table of the scenario "algorithms" expects of a valid token, by algorithm. */
function expectedCodes(asm: string | undefined): Record<string, number | string> {
  const { scenarios, errors } = loadScenarios(['scenarios/documented/algorithms.yaml'], { cwd: root });
  expect(errors).toEqual([]);
  const planned = plan(scenarios, { ...facts, asm }, new Map(), { canSwitchFetch: true });
  const checks = planned.scenarios[0]!.steps[0]!.checks.filter(({ column }) => column === 'valid');
  return Object.fromEntries(
    checks.map((check) => [check.row, check.kind === 'request' ? check.expected.code : 0]),
  );
}

describe('the version table of the FAQ', () => {
  it('has a row for each of the thirteen algorithms, in its order', () => {
    expect(Object.keys(expectedCodes(undefined))).toEqual([...algorithms]);
  });

  it('expects all of them in Istio and in ASM 1.13 and later', () => {
    for (const asm of [undefined, '1.13.0', '1.22.6']) {
      expect(new Set(Object.values(expectedCodes(asm))), String(asm)).toEqual(new Set([200]));
    }
  });

  it('expects the RS family alone before ASM 1.13', () => {
    const accepted = Object.entries(expectedCodes('1.12.5'))
      .filter(([, code]) => code === 200)
      .map(([name]) => name);
    expect(accepted).toEqual(['RS256', 'RS384', 'RS512']);
  });
});
