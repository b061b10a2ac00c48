/** Whether all parts of a run are there. */
import type { Problem, Shard } from '../../base/events.ts';
import { idsOf, type MeshNames, type ResultFile } from './merge-meshes.ts';

/** Something that is wrong about a mesh as a whole. */
export interface MeshProblem {
  readonly mesh: string;
  readonly problem: Problem;
}

interface Part {
  readonly file: string;
  readonly shard: Shard;
}

/**
 * For each mesh the shards that are not there, and those that are there twice. Shards belong together when they ran on
 * equal meshes and are of the same number. A part that never had a mesh has a problem of its own, and belongs to none.
 */
export function missingShards(results: readonly ResultFile[], names: MeshNames): MeshProblem[] {
  return names.all.flatMap((mesh) => {
    const parts = results.flatMap(({ file, result }): Part[] => {
      const { shard } = result.run;
      const isOn = hasMesh(result) && idsOf(file, result).some((id) => names.of(file, id) === mesh);
      return shard === undefined || !isOn ? [] : [{ file, shard }];
    });
    const counts = new Set(parts.map(({ shard }) => shard.count));
    return [...counts].flatMap((count) => {
      const problem = problemOf(
        count,
        parts.filter(({ shard }) => shard.count === count),
      );
      return problem === undefined ? [] : [{ mesh, problem }];
    });
  });
}

function hasMesh({ run, meshes }: ResultFile['result']): boolean {
  return run.meshes !== undefined || meshes.length > 0;
}

function problemOf(count: number, parts: readonly Part[]): Problem | undefined {
  const missing: string[] = [];
  const twice: string[] = [];
  // A number that no run can have is no reason to count up to it.
  const isMany = count > 10_000;
  for (let index = 1; index <= (isMany ? 0 : count); index++) {
    const files = parts.filter(({ shard }) => shard.index === index).map(({ file }) => file);
    if (files.length === 0) missing.push(`${index}/${count}`);
    if (files.length > 1)
      twice.push(`shard ${index}/${count} is there ${files.length} times (${files.join(', ')})`);
  }
  if (missing.length === 0 && twice.length === 0 && !isMany) return undefined;
  const few = missing.length > 20 ? [...missing.slice(0, 20), `${missing.length - 20} more`] : missing;
  const there = parts.map(({ file, shard }) => `${shard.index}/${count} is ${file}`);
  const what = [
    ...(isMany ? [`${parts.length} of ${count} shards are there`] : []),
    ...(missing.length === 0
      ? []
      : [`${missing.length === 1 ? 'shard' : 'shards'} ${few.join(', ')} missing`]),
    ...twice,
  ];
  return {
    code: 'E_MISSING_SHARD',
    message: `this is no whole run: ${what.join('; ')}`,
    hint: 'Name the results of all shards of one run, each once; what a shard has not tested has no verdict.',
    details: there.join('\n'),
  };
}
