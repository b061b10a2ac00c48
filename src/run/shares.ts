/** Scenarios of one mesh, divided among several that are alike: each scenario runs on one of them. */
import { asHarnessError } from '../base/errors.ts';
import type { MeshFacts } from '../base/events.ts';
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';
import { type GroupRequest, runGroups } from './groups.ts';
import { Mesh } from './run-mesh.ts';
import type { Tally } from './tally.ts';

/**
 * What a scenario takes, in units of some 35 ms on two cores: each step applies something and waits for proxies, as long as
 * five checks take. Measured with all scenarios of the product.
 */
const costOf = ({ skip, steps }: PlannedScenario) =>
  skip === undefined ? steps.reduce((sum, { checks }) => sum + 5 + checks.length, 0) : 0;

/** So much is worth a mesh: it takes several times as long as the start, which takes as much of the processors. */
const costWorthAMesh = 500;

/** What the first mesh does while another one starts. */
const costMeanwhile = 150;

/**
 * Parts of about the same length, in the order of the groups, so that each mesh is in as few states as possible; the first
 * is for the mesh that is up already.
 *
 * @param atMost how many there may be @returns at least one, and no more than are worth their mesh
 */
export function sharesOf(
  groups: readonly PlannedGroup[],
  atMost: number,
): readonly (readonly PlannedGroup[])[] {
  const all = groups.flatMap(({ scenarios }) => scenarios).reduce((sum, each) => sum + costOf(each), 0);
  const count = Math.max(1, Math.min(atMost, Math.floor(all / costWorthAMesh)));
  if (count === 1) return [groups];
  const other = (all - costMeanwhile) / count;
  const parts: PlannedGroup[][] = Array.from({ length: count }, () => []);
  let done = 0;
  for (const group of groups) {
    const shared: PlannedScenario[][] = parts.map(() => []);
    for (const scenario of group.scenarios) {
      const cost = costOf(scenario);
      // Where the middle of it is.
      const index = Math.floor((done + cost / 2 - costMeanwhile) / other);
      shared[Math.min(Math.max(index, 0), count - 1)]?.push(scenario);
      done += cost;
    }
    for (const [index, scenarios] of shared.entries()) {
      if (scenarios.length > 0) parts[index]?.push({ ...group, scenarios });
    }
  }
  return parts;
}

/** Divides them among this mesh and others like it, which are set up when they are needed. @param others those that are */
export async function runShared(
  groups: readonly PlannedGroup[],
  facts: MeshFacts,
  request: GroupRequest & { readonly sharing?: (() => number) | undefined },
  tally: Tally,
  others: Mesh[],
): Promise<void> {
  const { mesh, signal } = request;
  const makeOther = mesh.target.another?.bind(mesh.target);
  const [first = [], ...more] = sharesOf(groups, makeOther === undefined ? 1 : (request.sharing?.() ?? 1));
  const left: PlannedGroup[] = [];
  const onOther = async (share: readonly PlannedGroup[], index: number) => {
    const other = others[index] ?? new Mesh(makeOther!(index + 2), undefined);
    others[index] = other;
    try {
      await other.ready(() => {}, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const { message } = asHarnessError(thrown);
      tally.emit({
        type: 'warning',
        message: `another mesh could not be started, and its scenarios run after the others on the first one: ${message}`,
        mesh: mesh.label,
      });
      left.push(...share);
      return;
    }
    await runGroups(share, facts, { ...request, mesh: other }, tally);
  };
  const ended = await Promise.allSettled([runGroups(first, facts, request, tally), ...more.map(onOther)]);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
  if (left.length > 0) await runGroups(left, facts, request, tally);
}
