/** `run --mutate`: after the scenarios, mistakes in their policies, and with `--confirm` some of these on the mesh. */
import { join } from 'node:path';
import { worldOf } from '../explain/world.ts';
import { type Judged, trialsOf } from '../mutate/confirm.ts';
import { judgeScenario } from '../mutate/judge.ts';
import { mutationOf } from '../mutate/scores.ts';
import type { PlannedScenario } from '../plan/types.ts';
import type { KeyRing } from '../run/keys/key-ring.ts';
import type { RoundRequest } from '../run/run-all.ts';
import { loadApp } from '../target/kubernetes/load-apps.ts';
import { kindFolder } from './product.ts';

/**
 * @param images of the applications
 * @param confirm how many mistakes are tried on the mesh
 * @returns what a run does when its scenarios have run
 */
export function mutating(
  keys: KeyRing,
  images: Readonly<Record<string, string>>,
  confirm: number,
): NonNullable<RoundRequest['conclude']> {
  const apps = (name: string) => loadApp(join(kindFolder, 'apps'), name, images);
  return async (groups, emit) => {
    const judged: Judged[] = [];
    for (const scenario of groups.flatMap(({ scenarios }) => scenarios)) {
      if (scenario.skip !== undefined) continue;
      const { mutants } = await judgeScenario(scenario, { keys, images, apps, world: worldOf });
      if (mutants.length === 0) continue;
      judged.push({ scenario, mutants });
      emit({ type: 'mutated', ...namesOf(scenario), mutation: mutationOf(mutants) });
    }
    return trialsOf(judged, confirm);
  };
}

function namesOf({ info: { id, mesh } }: PlannedScenario): { scenario: string; mesh: string } {
  return { scenario: id, mesh };
}
