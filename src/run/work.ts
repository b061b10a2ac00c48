/** The scenarios of a run that nobody has begun, for meshes alike that take them one by one. */
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';
import type { Mesh } from './run-mesh.ts';

/**
 * What a scenario takes, in units of some 35 ms on two cores: each step applies something and waits for proxies, as long as
 * five checks take. Measured with all scenarios of the product.
 */
const costOf = ({ skip, steps }: PlannedScenario) =>
  skip === undefined ? steps.reduce((sum, { checks }) => sum + 5 + checks.length, 0) : 0;

const costOfAll = (scenarios: readonly PlannedScenario[]) =>
  scenarios.reduce((sum, each) => sum + costOf(each), 0);

/** So much is worth a mesh: it takes several times as long as the start, which takes as much of the processors. */
const costWorthAMesh = 500;

/** So much is worth another istiod, and other settings, on a mesh that has nothing else to do. */
const costWorthAChange = 60;

/** How many meshes these are worth. @param atMost how many there may be */
export function meshesWorth(groups: readonly PlannedGroup[], atMost: number): number {
  const all = costOfAll(groups.flatMap(({ scenarios }) => scenarios));
  return Math.max(1, Math.min(atMost, Math.floor(all / costWorthAMesh)));
}

/** What is left to do. */
export class Work {
  readonly #left: ReadonlyMap<PlannedGroup, PlannedScenario[]>;
  readonly #begun = new Set<PlannedGroup>();
  readonly #first: Mesh;

  /** @param groups in the order in which one mesh is to run them @param first the mesh that begins at once */
  constructor(groups: readonly PlannedGroup[], first: Mesh) {
    this.#left = new Map(groups.map((group) => [group, [...group.scenarios]]));
    this.#first = first;
  }

  /**
   * Where a mesh that has nothing to do goes on: with a group that nobody has begun, so that each mesh is in as few states as
   * possible, from the front for the first mesh and from the back for others; else where most is left, if that is worth it.
   */
  next(mesh: Mesh): PlannedGroup | undefined {
    const open = [...this.#left].filter(([, left]) => left.length > 0);
    const isNew = ([group]: (typeof open)[number]) => !this.#begun.has(group);
    const [most] = open.toSorted(([, one], [, other]) => costOfAll(other) - costOfAll(one));
    const [group, left = []] = (mesh === this.#first ? open.find(isNew) : open.findLast(isNew)) ?? most ?? [];
    if (group === undefined || (this.#begun.has(group) && costOfAll(left) < costWorthAChange))
      return undefined;
    this.#begun.add(group);
    return group;
  }

  /** Those of a group that nobody has taken. */
  left(group: PlannedGroup): readonly PlannedScenario[] {
    return this.#left.get(group) ?? [];
  }

  take(group: PlannedGroup): PlannedScenario | undefined {
    return this.#left.get(group)?.shift();
  }

  takeAll(group: PlannedGroup): readonly PlannedScenario[] {
    return this.#left.get(group)?.splice(0) ?? [];
  }
}
