/** Makes the targets that were asked for, with everything they need. */
import type { Target } from '../target/target.ts';
import { chooseTarget } from './choose-target.ts';
import { makeCluster } from './make-cluster.ts';
import { makeKind } from './make-kind.ts';
import { makeLocals } from './make-local.ts';
import type { TargetRequest } from './target-request.ts';

/** The targets: one, or a local mesh for each version. @throws HarnessError that says what is missing and how to get it */
export async function makeTargets(request: TargetRequest): Promise<readonly Target[]> {
  const { name, reason } = await chooseTarget(request);
  if (name === 'cluster') return [makeCluster(request, reason)];
  if (name === 'kind') return [await makeKind(request, reason)];
  return makeLocals(request, reason);
}
