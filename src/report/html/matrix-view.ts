/** Checks of a step as the table they come from. */
import type { CheckResult } from '../../base/events.ts';
import { groupBy } from '../../base/group.ts';
import type { StepResult } from '../result.ts';
import type { StepPolicies } from './check/policies.ts';
import type { MeshColumn } from './summary/meshes.ts';

/** A check with its place in the page. */
export interface Shown {
  readonly check: CheckResult;
  readonly mesh: MeshColumn;
  readonly anchor: string;
  /** Another mesh has given another answer. */
  readonly changed: boolean;
  /** Only what was wanted and what came: the page would be too large otherwise. */
  readonly isBrief: boolean;
}

/** What one mesh made of a step. */
export interface StepPart extends StepPolicies {
  readonly mesh: MeshColumn;
  readonly result: StepResult | undefined;
  readonly checks: readonly Shown[];
}

/** What one mesh made of one place in the table. */
export interface Cell {
  readonly mesh: MeshColumn;
  /** One check, as a rule; none where there is no result. */
  readonly shown: readonly Shown[];
  /** Why there is no result. */
  readonly missing: 'no mesh' | 'not run' | 'not planned';
}

interface Row {
  readonly name: string;
  /** For each column of the table, for each mesh. */
  readonly cells: readonly (readonly Cell[])[];
}

export interface Matrix {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/**
 * @param parts what each mesh made of the step
 * @param isUnfinished for each mesh, whether checks of the scenario are left without a result
 * @returns undefined when there is no such check
 */
export function matrixOf(
  parts: readonly StepPart[],
  isUnfinished: readonly boolean[],
  isWanted: (check: CheckResult) => boolean,
): Matrix | undefined {
  const all = parts.flatMap(({ checks }) => checks).filter(({ check }) => isWanted(check));
  if (all.length === 0) return undefined;
  const key = (row: string, column: string) => JSON.stringify([row, column]);
  const found = parts.map(({ checks }) =>
    groupBy(
      checks.filter(({ check }) => isWanted(check)),
      ({ check }) => key(check.row, check.column),
    ),
  );
  const planned = new Set(all.map(({ check }) => key(check.row, check.column)));
  const columns = [...new Set(all.map(({ check }) => check.column))];
  const rows = [...new Set(all.map(({ check }) => check.row))].map((name) => ({
    name,
    cells: columns.map((column) =>
      parts.map(({ mesh }, index): Cell => {
        const shown = found[index]?.get(key(name, column)) ?? [];
        const isMissed = planned.has(key(name, column)) && isUnfinished[index] === true;
        return { mesh, shown, missing: mesh.failed ? 'no mesh' : isMissed ? 'not run' : 'not planned' };
      }),
    ),
  }));
  return { columns, rows };
}
