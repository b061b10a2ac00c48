/** Gets what a choice of Istio needs and is not here. */
import { HarnessError } from '../../base/errors.ts';
import type { MeshProgram, Problem, Source } from './build/source.ts';
import type { Choice } from './choices.ts';
import { isComplete, type Planned, plan } from './program-plan.ts';
import type { Context } from './source-context.ts';

/** In which order programs are fetched: what may have to be built, which takes minutes, comes last. */
const order: readonly MeshProgram[] = ['envoy', 'crds', 'pilot-discovery', 'etcd', 'kube-apiserver'];

/**
 * Gets what is not here, unless something is missing: then nothing is of use. What fails is not tried again, but another
 * source of it is.
 *
 * @param failures what has failed before; what fails now is added
 * @returns everything found, or a plan that is not complete
 * @throws HarnessError E_INTERRUPTED
 */
export async function getAll(
  choice: Choice,
  failures: Map<Source, Problem>,
  context: Context,
): Promise<Planned[]> {
  for (;;) {
    const planned = await plan(choice, failures);
    if (!isComplete(planned)) return planned;
    const next = order
      .map((program) => planned.find((each) => each.program === program))
      .find((each) => each !== undefined && each.found === undefined);
    if (next?.source === undefined) return planned;
    try {
      await next.source.get();
    } catch (thrown) {
      if (!(thrown instanceof HarnessError) || thrown.code === 'E_INTERRUPTED') throw thrown;
      context.report(`${next.source.label}: ${thrown.message}`);
      failures.set(next.source, { why: thrown.message, remedy: thrown.hint ?? 'try again' });
      continue;
    }
    if ((await next.source.find(next.program)) === undefined) {
      failures.set(next.source, { why: `it had no ${next.program}`, remedy: 'report this' });
    }
  }
}
