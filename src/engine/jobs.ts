/** How many meshes of a run are up at a time: as many as `--jobs` says, or as fit. */
import { HarnessError } from '../base/errors.ts';
import { capacityNow, meshesAtOnce, perMesh } from '../run/several.ts';
import type { Values } from '../settings/settings.ts';
import { count, flag } from '../settings/typed.ts';
import type { Target } from '../target/target.ts';

/** @param tell told when not all fit */
export function atOnceOf(values: Values, meshes: number, tell: (message: string) => void): number {
  const jobs = count(values, 'jobs', undefined);
  const atOnce = meshesAtOnce(meshes, jobs, capacityNow());
  if (atOnce < meshes && jobs === undefined) {
    tell(`${atOnce} of ${meshes} meshes at a time fit into memory and processors; --jobs N says otherwise`);
  }
  return atOnce;
}

/**
 * Among how many meshes alike the scenarios of one may be divided: as many as `--jobs` says, or as fit besides what is up. Not
 * where the run waits for somebody to look at the mesh.
 */
export function sharingOf(values: Values, meshes: number): number {
  if (meshes > 1 || flag(values, 'pause-on-failure')) return 1;
  const { memory, processors } = capacityNow();
  const capacity = { memory: memory + perMesh, processors };
  return meshesAtOnce(Number.MAX_SAFE_INTEGER, count(values, 'jobs', undefined), capacity);
}

/** The targets, since watching keeps all of them up. @throws HarnessError E_USAGE when there is no memory for that */
export function allAtOnce(values: Values, targets: readonly Target[]): readonly Target[] {
  const all = targets.length;
  const fitting = meshesAtOnce(all, count(values, 'jobs', undefined), { ...capacityNow(), processors: all });
  if (fitting === all || all === 0) return targets;
  throw new HarnessError('E_USAGE', `--watch keeps all ${all} meshes up at once, and only ${fitting} fit`, {
    hint: `Name fewer versions, or say --jobs ${all} if there is memory for them.`,
  });
}
