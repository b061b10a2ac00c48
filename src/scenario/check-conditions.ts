/** Checks conditions: version ranges, and where they may look at rows and columns. */
import semver from 'semver';
import type { Report } from './mistakes.ts';
import type { Condition, ScenarioSpec } from './schema.ts';
import { rowsOf } from './table.ts';
import type { Path } from './yaml-file.ts';

const ranges = ['istio', 'envoy', 'kubernetes', 'asm'] as const;

export function checkConditions(scenario: ScenarioSpec, report: Report): void {
  checkCondition(scenario.when, ['when'], false, report);
  for (const [index, step] of scenario.steps.entries()) {
    const at = ['steps', index];
    checkCondition(step.when, [...at, 'when'], false, report);
    checkCondition(step.refused?.when, [...at, 'refused', 'when'], false, report);
    for (const [row, cells] of step.expect === undefined ? [] : rowsOf(step.expect)) {
      for (const [column, cell] of cells.entries()) {
        if (Array.isArray(cell)) checkCases(cell, [...at, 'expect', row, column], report);
      }
    }
  }
}

type Case = number | { when?: Condition | undefined };

function checkCases(cases: readonly Case[], at: Path, report: Report): void {
  for (const [index, entry] of cases.entries()) {
    const when = typeof entry === 'number' ? undefined : entry.when;
    checkCondition(when, [...at, index, 'when'], true, report);
    if (when === undefined && index < cases.length - 1) {
      report(
        [...at, index],
        'this case always matches, so those after it never count',
        'Put the case without a condition last, or give it a "when".',
      );
    }
  }
}

function checkCondition(when: Condition | undefined, at: Path, inCell: boolean, report: Report): void {
  if (when === undefined) return;
  for (const key of ranges) {
    const range = when[key];
    // Without numbers it would be "any version", which nobody means who writes a condition.
    if (range === undefined || (semver.validRange(range) !== null && /\d/.test(range))) continue;
    report(
      [...at, key],
      `"${range}" is not a range of versions`,
      'Write it like ">=1.21 <1.27.8", "1.27.x" or "1.21 - 1.26"; "||" joins alternatives.',
    );
  }
  if (inCell) return;
  for (const key of ['row', 'column'] as const) {
    if (when[key] === undefined) continue;
    const hint = 'Only the cases of a cell can depend on the row and the column.';
    report([...at, key], `"${key}" has no meaning here`, hint, 'key');
  }
}
