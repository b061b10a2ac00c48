/**
 * What others have changed since the proof. Answers that came meanwhile are from a mesh of which nothing is proven: a policy
 * that somebody deletes makes right scenarios fail, and one that somebody adds makes wrong ones pass.
 */
import { isDeepStrictEqual } from 'node:util';
import type { FetchMode } from '../../base/events.ts';
import { together } from '../../base/wait.ts';
import { declaredFor, nameOf } from '../../policy/selection.ts';
import type { KubeObject, Survey, Target } from '../../target/target.ts';
import { lacks, type ProxyState } from './declared.ts';
import type { Snapshot } from './prove.ts';

/** What was proven before the answers came. */
export interface Proven {
  readonly snapshot: Snapshot;
  readonly survey: Survey;
  readonly fetch: FetchMode;
}

/**
 * Looks whether everything is still there. Policies are always compared; where answers are wrong, also the pods, what the
 * proxies have, and each object that the run has put into the mesh.
 *
 * @param isWrong whether there were wrong answers
 * @returns what is not as it was proven, in a sentence without an end; undefined when nothing is known of any such thing
 * @throws HarnessError when nobody can say, such as E_KUBE
 */
export async function undoneSince(
  { snapshot, survey: before, fetch }: Proven,
  target: Target,
  isWrong: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [survey, altered] = await Promise.all([
    target.survey(signal),
    isWrong ? target.altered(signal) : undefined,
  ]);
  const states = [...snapshot.values()];
  const changed = states.flatMap(({ proxy }) =>
    differences(declaredFor(proxy, before), declaredFor(proxy, survey)),
  );
  // What was deleted holds for nobody either, which need not be said.
  const told = [...(altered ?? [])];
  for (const each of changed) if (!told.some((other) => each.startsWith(other))) told.push(each);
  if (told.length > 0 || !isWrong) return sentence(told);
  const gone = states.filter(({ proxy }) => !isThere(proxy, survey));
  if (gone.length > 0)
    return sentence(
      gone.map(({ proxy }) => `pod ${proxy.namespace}/${proxy.pod} has gone, or is not ready any more`),
    );
  const now = await together(states, (state, own) => lacksNow(state, target, fetch, own), signal);
  return sentence(now.flat());
}

/** Every policy that is not the same in both, and what has become of it. */
function differences(before: readonly KubeObject[], after: readonly KubeObject[]): string[] {
  const now = new Map(after.map((policy) => [nameOf(policy), policy]));
  const known = new Set(before.map(nameOf));
  return [
    ...before.flatMap((policy) => {
      const name = nameOf(policy);
      const same = now.get(name);
      if (same === undefined) return [`${name} was deleted, or does not hold for the same pods any more`];
      return isDeepStrictEqual(same, policy) ? [] : [`${name} was changed`];
    }),
    ...[...now.keys()].filter((name) => !known.has(name)).map((name) => `${name} was added`),
  ];
}

function isThere({ namespace, pod }: ProxyState['proxy'], { pods }: Survey): boolean {
  return pods.some((each) => each.namespace === namespace && each.name === pod && each.isReady);
}

async function lacksNow(
  state: ProxyState,
  target: Target,
  fetch: FetchMode,
  signal: AbortSignal,
): Promise<string[]> {
  const { proxy } = state;
  const policies = await target.proxyPolicies(proxy, signal);
  return lacks({ ...state, policies }, fetch).map(
    (what) => `proxy ${proxy.namespace}/${proxy.pod} is not as it was: ${what}`,
  );
}

function sentence(parts: readonly string[]): string | undefined {
  return parts.length === 0 ? undefined : parts.join('; ');
}
