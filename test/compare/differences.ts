/** What two meshes have answered differently, and which of it is a defect. */
import type { MeshFacts } from '../../src/base/events.ts';
import type { Cell, Cells } from './cells.ts';
import type { Explanation } from './explained.ts';

export interface Difference {
  /** ID of the check, or what of the meshes is different. */
  readonly check: string;
  readonly what: 'mesh' | 'presence' | 'expected' | 'state' | 'actual' | 'no verdict';
  readonly one: string;
  readonly other: string;
  /** Why it is none that counts; undefined when it does. */
  readonly why: string | undefined;
}

export interface Comparison {
  /** Checks that are in both. */
  readonly compared: number;
  /** Checks that both have answered, in the same way. */
  readonly same: number;
  readonly differences: readonly Difference[];
  /** Entries that nothing was explained by. */
  readonly unused: readonly Explanation[];
}

/** Compares two meshes by the IDs of checks; in which order they ran does not matter. */
export function compare(one: Cells, other: Cells, explained: readonly Explanation[]): Comparison {
  const differences: Difference[] = meshDifferences(one.mesh, other.mesh);
  let [compared, same] = [0, 0];
  for (const check of new Set([...one.cells.keys(), ...other.cells.keys()])) {
    const [left, right] = [one.cells.get(check), other.cells.get(check)];
    if (left !== undefined && right !== undefined) compared += 1;
    const found = differenceOf(left, right);
    if (found === undefined) {
      if (left?.state !== 'skipped') same += 1;
      continue;
    }
    const explanation = explained.find((each) => each.covers(check));
    const why = missingCapability(left, right) ?? explanation?.why;
    if (why !== undefined && why === explanation?.why) explanation.isUsed = true;
    differences.push({ check, ...found, why });
  }
  return { compared, same, differences, unused: explained.filter(({ isUsed }) => !isUsed) };
}

/** Other versions make other plans and may answer differently: then it is not the targets that are compared. */
function meshDifferences(one: MeshFacts, other: MeshFacts): Difference[] {
  return (['istio', 'envoy', 'fetch'] as const).flatMap((name) => {
    const [left = 'not known', right = 'not known'] = [one[name], other[name]];
    if (left === right || (name === 'istio' && isSameIstio(left, right))) return [];
    return [{ check: `(${name})`, what: 'mesh', one: left, other: right, why: undefined }];
  });
}

/** In a cluster it is the tag of the image that says the version, and that may say more: `1.31.1-distroless` is 1.31.1. */
function isSameIstio(one: string, other: string): boolean {
  return one.startsWith(`${other}-`) || other.startsWith(`${one}-`);
}

function differenceOf(
  one: Cell | undefined,
  other: Cell | undefined,
): Pick<Difference, 'what' | 'one' | 'other'> | undefined {
  if (one === undefined || other === undefined) {
    return { what: 'presence', one: stateText(one), other: stateText(other) };
  }
  if (one.expected !== other.expected) return { what: 'expected', one: one.expected, other: other.expected };
  // Where neither has a verdict there is nothing that could be the same.
  const isUndecided = one.state === 'error' || other.state === 'error';
  if (isUndecided) return { what: 'no verdict', one: stateText(one), other: stateText(other) };
  if (one.state !== other.state) return { what: 'state', one: stateText(one), other: stateText(other) };
  return one.actual === other.actual ? undefined : { what: 'actual', one: one.actual, other: other.actual };
}

function stateText(cell: Cell | undefined): string {
  if (cell === undefined) return 'not in the plan';
  const { state, actual, message } = cell;
  const more = state === 'passed' ? actual : message || actual;
  return more === '' ? state : `${state}: ${more}`;
}

/**
 * The reason when one target has left out a scenario because it lacks a capability. What depends on a version is no
 * capability of a target, nor is a step that failed, after which the rest of its scenario is skipped.
 */
function missingCapability(one: Cell | undefined, other: Cell | undefined): string | undefined {
  if (one === undefined || other === undefined) return undefined;
  const [left, right] = [one, other].map(({ state, isLeftOut }) => state === 'skipped' && isLeftOut);
  if (left === right) return undefined;
  const { message } = left ? one : other;
  const isAboutVersion = /\bneeds (istio|envoy|kubernetes|asm) /.test(message);
  return message === '' || isAboutVersion ? undefined : message;
}
