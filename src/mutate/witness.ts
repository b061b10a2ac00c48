/** A request that is answered otherwise with a mistake in a policy: one of each class is asked about. */
import { policyKinds } from '../policy/selection.ts';
import { decidingOf, type Hop } from '../run/explain-model.ts';
import { hopsFor, type ModelStep } from '../run/predict.ts';
import type { Survey } from '../target/target.ts';
import { type ClassRequest, requestClasses } from './requests.ts';
import { classVerify } from './token-classes.ts';

/** The request that tells a mistake, and both answers. */
export interface Witness {
  readonly request: string;
  /** Such as `403 RBAC: access denied`, or `it passes`. */
  readonly answer: string;
  readonly mistaken: string;
}

export interface Found {
  /** Undefined: no request of those that were tried is answered otherwise. */
  readonly witness: Witness | undefined;
  /** Why there may be one all the same. */
  readonly gap: string | undefined;
  /** Names of pods that requests reach. */
  readonly reached: ReadonlySet<string>;
}

/**
 * @param original the mesh as it is
 * @param mistaken the same, with a mistake in one of its policies
 * @param steps of the scenario, which say what can be sent
 * @param failures what comes of keys at addresses where they are not to be had
 */
export function differenceOf(
  original: Survey,
  mistaken: Survey,
  steps: readonly ModelStep[],
  failures: ReadonlyMap<string, string>,
): Found {
  const policies = [...original.objects, ...mistaken.objects].filter(({ kind }) => policyKinds.includes(kind));
  const { requests, gap } = requestClasses(policies, steps, original);
  const verify = classVerify(failures);
  const reached = new Set<string>();
  let unknown: string | undefined;
  let hidden: Witness | undefined;
  for (const each of requests) {
    const before = hopsFor(each.origin, each.request, original, verify);
    const after = hopsFor(each.origin, each.request, mistaken, verify);
    for (const { pod } of [...before, ...after]) reached.add(pod.name);
    const compared = compare(before, after, each);
    if (compared.kind === 'answer') return { witness: compared.witness, gap: undefined, reached };
    if (compared.kind === 'unknown') unknown ??= compared.why;
    if (compared.kind === 'received') hidden ??= compared.witness;
  }
  return { witness: hidden, gap: unknown ?? gap, reached };
}

type Compared =
  | { readonly kind: 'same' }
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'answer' | 'received'; readonly witness: Witness };

function compare(before: readonly Hop[], after: readonly Hop[], { words }: ClassRequest): Compared {
  const [one, other] = [decidingOf(before)?.answer, decidingOf(after)?.answer];
  if (one === undefined || other === undefined) return { kind: 'same' };
  if (one.status === undefined || other.status === undefined) {
    // Nobody has asked the policies.
    const isBefore = [one, other].every(({ policies, tokens }) => policies.length + tokens.length === 0);
    return isBefore ? { kind: 'same' } : { kind: 'unknown', why: [...one.unknown, ...other.unknown].join('; ') };
  }
  const witness = { request: words, answer: answerText(one), mistaken: answerText(other) };
  if (one.status !== other.status || one.body !== other.body) return { kind: 'answer', witness };
  const received = ({ headers, path }: typeof one) => JSON.stringify([headers, path]);
  if (one.status !== 200 || received(one) === received(other)) return { kind: 'same' };
  const without = 'it passes, and the workload gets other headers or another path';
  return { kind: 'received', witness: { ...witness, mistaken: without } };
}

function answerText({ status, body }: { status?: number | undefined; body?: string | undefined }): string {
  return status === 200 ? 'it passes' : `${status} ${body}`;
}
