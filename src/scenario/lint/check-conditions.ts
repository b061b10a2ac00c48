/** Checks conditions: that each can hold somewhere, and where they may look at rows and columns. */

import { hintFor } from '../../base/suggest.ts';
import type { Condition, ScenarioSpec, StepSpec, Table } from '../format/schema.ts';
import { fitsPattern } from '../pattern.ts';
import { rowsOf } from '../table.ts';
import type { Path } from '../yaml/yaml-file.ts';
import type { Report } from './mistakes.ts';
import { rangeMistake } from './ranges.ts';
import { alwaysHolds, isConflict, narrowed, type Room, roomOf, versionKeys } from './room.ts';

/**
 * @param origin says the same of paths when they are the same text in the file: of an entry that stands for several, or
 * that aliases repeat
 */
export function checkConditions(
  scenario: ScenarioSpec,
  report: Report,
  origin: (path: Path) => string,
): void {
  const whole = checkCondition(scenario.when, ['when'], roomOf(scenario.mesh?.fetch), report);
  const cases = new Cases();
  for (const [index, step] of scenario.steps.entries()) {
    const at = ['steps', index];
    const room = checkCondition(step.when, [...at, 'when'], whole, report);
    checkCondition(step.refused?.when, [...at, 'refused', 'when'], room, report);
    checkFetchers(step, at, room, report);
    if (step.expect === undefined) continue;
    for (const [row, cells] of rowsOf(step.expect)) {
      for (const [column, cell] of cells.entries()) {
        if (!Array.isArray(cell)) continue;
        const name = { row, column: step.expect.columns[column] ?? '' };
        checkCases(
          cell,
          [...at, 'expect', row, column],
          { ...name, room, table: step.expect },
          report,
          (path, mistake) => cases.add(origin(path), mistake),
        );
      }
    }
  }
  cases.report(report);
}

/** Reports what is wrong with a condition, and returns what it leaves. */
function checkCondition(when: Condition | undefined, at: Path, room: Room, report: Report): Room {
  if (when === undefined) return room;
  checkParts(when, at, report);
  for (const key of ['row', 'column'] as const) {
    if (when[key] === undefined) continue;
    const hint = 'Only the cases of a cell can depend on the row and the column.';
    report([...at, key], `"${key}" has no meaning here`, hint, 'key');
  }
  const left = narrowed(room, when);
  if (!isConflict(left)) return left;
  report([...at, left.key], left.message, left.hint);
  return room;
}

function checkParts(when: Condition, at: Path, report: Report): void {
  if (Object.keys(when).length === 0) {
    report(at, 'a condition that says nothing always holds', 'Say when it holds, or remove "when".', 'key');
  }
  for (const key of versionKeys) {
    const range = when[key];
    const mistake = range === undefined ? undefined : rangeMistake(range);
    if (mistake !== undefined) report([...at, key], mistake.message, mistake.hint);
  }
}

/** In modes that it does not name, the check is skipped; when it names none of those in which it runs, always. */
function checkFetchers({ fetched }: StepSpec, at: Path, room: Room, report: Report): void {
  if (fetched === undefined || typeof fetched.by === 'string') return;
  if (Object.keys(fetched.by).some((mode) => room.fetch.includes(mode))) return;
  const hint = `Say who fetches in at least one of the modes in which the step runs: ${room.fetch.join(', ')}.`;
  report([...at, 'fetched', 'by'], 'in no fetch mode is anything expected here', hint);
}

type Case = number | { when?: Condition | undefined };

/** Where a case stands. */
interface Cell {
  readonly row: string;
  readonly column: string;
  readonly room: Room;
  readonly table: Table;
}

/** Why a case never counts. */
interface Mistake {
  readonly path: Path;
  readonly message: string;
  readonly hint: string;
}

function checkCases(
  cases: readonly Case[],
  at: Path,
  cell: Cell,
  report: Report,
  found: (path: Path, mistake: Mistake | undefined) => void,
): void {
  const before: Condition[] = [];
  for (const [index, entry] of cases.entries()) {
    const path = [...at, index];
    const when = typeof entry === 'number' ? undefined : entry.when;
    if (when === undefined) {
      if (index === cases.length - 1) continue;
      report(
        path,
        'this case always matches, so those after it never count',
        'Put the case without a condition last, or give it a "when".',
      );
      continue;
    }
    checkParts(when, [...path, 'when'], report);
    found(path, whyNever(when, path, before, cell));
    const { row = '*', column = '*' } = when;
    if (fitsPattern(cell.row, row) && fitsPattern(cell.column, column)) before.push(when);
  }
}

function whyNever(
  when: Condition,
  path: Path,
  before: readonly Condition[],
  { room, table }: Cell,
): Mistake | undefined {
  const names = { row: rowsOf(table).map(([row]) => row), column: table.columns };
  for (const key of ['row', 'column'] as const) {
    const pattern = when[key];
    if (pattern === undefined || names[key].some((name) => fitsPattern(name, pattern))) continue;
    const hint = hintFor(pattern, names[key], `${key}s`);
    return { path: [...path, 'when', key], message: `no ${key} of this table fits "${pattern}"`, hint };
  }
  const left = narrowed(room, when);
  if (isConflict(left)) return { ...left, path: [...path, 'when', left.key] };
  if (!before.some((earlier) => alwaysHolds(earlier, left))) return undefined;
  return {
    path: [...path, 'when'],
    message: 'this case never counts, because one before it holds whenever it does',
    hint: 'The first case that holds counts: put the narrower one first, or remove this one.',
  };
}

/** Cases by where they stand in the file. One that lists or aliases repeat is wrong only if it is nowhere of use. */
class Cases {
  readonly #found = new Map<string, Mistake | undefined>();

  add(origin: string, mistake: Mistake | undefined): void {
    if (mistake === undefined || !this.#found.has(origin)) this.#found.set(origin, mistake);
  }

  report(report: Report): void {
    for (const mistake of this.#found.values()) {
      if (mistake !== undefined) report(mistake.path, mistake.message, mistake.hint);
    }
  }
}
