/** The meshes of a run as columns: in which order, and what to call each. */
import type { MeshFacts } from '../../../base/events.ts';
import type { RunResult } from '../../result.ts';

export interface MeshColumn {
  readonly id: string;
  /** As short as tells it from the others, such as `Istio 1.30.3`. */
  readonly name: string;
  /** Absent while nothing is known about it, or when it could not be set up. */
  readonly facts: MeshFacts | undefined;
  /** It could not be tested. */
  readonly failed: boolean;
}

/** All meshes that the result knows of: those that were asked for, in their order, then any others. */
export function meshColumns(result: RunResult): MeshColumn[] {
  const failed = new Set(
    result.failedMeshes.filter(({ problem }) => problem.code !== 'E_NOTHING_TESTED').map(({ mesh }) => mesh),
  );
  const ids = new Set([
    ...(result.run.meshes ?? []),
    ...result.meshes.map(({ id }) => id),
    ...failed,
    ...result.scenarios.map(({ info }) => info.mesh),
  ]);
  return [...ids].map((id) => {
    const facts = result.meshes.find((mesh) => mesh.id === id);
    // One that was tested and could then not be taken down has results all the same.
    return { id, name: nameOf(id, result.meshes), facts, failed: failed.has(id) && facts === undefined };
  });
}

const parts: readonly ((mesh: MeshFacts) => string | undefined)[] = [
  ({ istio }) => `Istio ${istio}`,
  ({ asm }) => asm && `ASM ${asm}`,
  ({ envoy }) => envoy && `Envoy ${envoy}`,
  ({ kubernetes }) => kubernetes && `Kubernetes ${kubernetes}`,
  ({ target }) => target,
  ({ fetch }) => `keys by ${fetch}`,
];

/** What differs between the meshes; the version of Istio where nothing does, the id where that does not tell them apart. */
function nameOf(id: string, meshes: readonly MeshFacts[]): string {
  const mesh = meshes.find((each) => each.id === id);
  if (mesh === undefined) return id;
  const differing = parts.filter((part) => new Set(meshes.map(part)).size > 1);
  const name = (of: MeshFacts) =>
    (differing.length === 0 ? parts.slice(0, 1) : differing)
      .map((part) => part(of))
      .filter((text) => text !== undefined && text !== '')
      .join(', ');
  const own = name(mesh);
  return meshes.some((each) => each !== mesh && name(each) === own) ? id : own;
}
