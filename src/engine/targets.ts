/** Makes the targets that were chosen, with everything they need. */
import type { Target } from '../target/target.ts';
import type { Choice } from './choose-target.ts';
import type { TargetRequest } from './target-request.ts';

/** The targets: one, or a local mesh for each version. @throws HarnessError that says what is missing and how to get it */
export async function makeTargets(
  request: TargetRequest,
  { name, reason }: Choice,
): Promise<readonly Target[]> {
  if (name === 'cluster') {
    const { makeCluster } = await import('./make-cluster.ts');
    const { findOwnKeyServer } = await import('./own-keys.ts');
    const ownKeyServer = await findOwnKeyServer(request.values, request.signal);
    return [await makeCluster({ ...request, ownKeyServer }, reason)];
  }
  if (name === 'kind') return [await (await import('./make-kind.ts')).makeKind(request, reason)];
  return (await import('./make-local.ts')).makeLocals(request, reason);
}
