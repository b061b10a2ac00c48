/** Scenarios of one mesh, run on several that are alike: each scenario runs on one of them. */
import { asHarnessError } from '../base/errors.ts';
import type { MeshFacts } from '../base/events.ts';
import type { PlannedGroup } from '../plan/types.ts';
import { type GroupRequest, inOrder, runGroups } from './groups.ts';
import { Mesh } from './run-mesh.ts';
import type { Tally } from './tally.ts';
import { meshesWorth, Work } from './work.ts';

/**
 * Runs them on this mesh, and on others like it, which are set up when they are needed.
 *
 * @param others those that are up
 */
export async function runShared(
  groups: readonly PlannedGroup[],
  facts: MeshFacts,
  request: GroupRequest & { readonly sharing?: (() => number) | undefined },
  tally: Tally,
  others: Mesh[],
): Promise<void> {
  const { mesh, signal } = request;
  const makeOther = mesh.target.another?.bind(mesh.target);
  const count = makeOther === undefined ? 1 : meshesWorth(groups, request.sharing?.() ?? 1);
  const shared = count === 1 ? undefined : new Work(inOrder(groups, facts, mesh.target), mesh);
  const onOther = async (_: unknown, index: number) => {
    const other = others[index] ?? new Mesh(makeOther!(index + 2), undefined);
    others[index] = other;
    try {
      await other.ready(() => {}, signal);
    } catch (thrown) {
      if (signal.aborted) return;
      const { message } = asHarnessError(thrown);
      tally.emit({
        type: 'warning',
        message: `one more mesh could not be started, and its scenarios run on those that are there: ${message}`,
        mesh: mesh.label,
      });
      return;
    }
    await runGroups(groups, facts, { ...request, mesh: other, shared }, tally);
  };
  const ended = await Promise.allSettled([
    runGroups(groups, facts, { ...request, shared }, tally),
    ...Array.from({ length: count - 1 }, onOther),
  ]);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}
