/** A request that is answered otherwise with a mistake in a policy: one of each class is asked about. */
import { holdsFor, policyKinds } from '../policy/selection.ts';
import { decidingOf, nameOfPod } from '../run/explain/hops.ts';
import { hopsFor, type ModelStep } from '../run/explain/predict.ts';
import type { KubeObject, Survey } from '../target/target.ts';
import type { ClassRequest } from './classes/class-request.ts';
import { requestClasses } from './classes/request-classes.ts';
import { classVerify } from './classes/token-classes.ts';

/** The request that tells a mistake, and both answers. */
export interface Witness {
  readonly request: string;
  /** Such as `403 RBAC: access denied`, or `it passes`. */
  readonly answer: string;
  readonly mistaken: string;
}

export interface Found {
  /** The first that gets another code, else the first that gets another body; undefined: no request is answered otherwise. */
  readonly witness: Witness | undefined;
  /** The request of the witness. */
  readonly sent: ClassRequest | undefined;
  /** It passes either way, and the workload gets other headers or another path. */
  readonly isReceived?: boolean;
  /** Why there may be one all the same. */
  readonly gap: string | undefined;
  /** Pods that requests reach, as `namespace/name`. */
  readonly reached: ReadonlySet<string>;
}

/** A mesh as it is in a step of a scenario, and what it answers, which is the same for every mistake. */
export interface Original {
  readonly survey: Survey;
  /** Of the scenario; they say what can be sent. */
  readonly steps: readonly ModelStep[];
  /** What comes of keys at addresses where they are not to be had. */
  readonly failures: ReadonlyMap<string, string>;
  /** Answers by request; filled here. */
  readonly answers: Map<string, Answered>;
}

interface Answered {
  readonly reached: readonly string[];
  /** The status code; undefined: the request passes. */
  readonly code: number | undefined;
  /** In words; undefined: not known. */
  readonly text: string | undefined;
  /** What the workload gets, when it passes. */
  readonly received: string;
  /** Why it is not known. */
  readonly why: string;
  /** Policies were asked. */
  readonly isJudged: boolean;
}

/**
 * @param mesh that of `original`, with a mistake in one of its policies
 * @param changed this policy, as it is and with the mistake
 */
export function differenceOf(original: Original, mesh: Survey, changed: readonly KubeObject[]): Found {
  const { survey, steps, failures, answers } = original;
  const policies = [...survey.objects, ...mesh.objects].filter(({ kind }) => policyKinds.includes(kind));
  const { requests, gap } = requestClasses(policies, changed, steps, survey, classVerify(failures));
  const concerned = new Set(
    survey.pods
      .filter((pod) => changed.some((policy) => holdsFor(policy, pod, survey.rootNamespace)))
      .map(nameOfPod),
  );
  const reached = new Set<string>();
  let unknown: string | undefined;
  let faint: Pick<Found, 'witness' | 'sent'> | undefined;
  let hidden: Pick<Found, 'witness' | 'sent' | 'isReceived'> | undefined;
  for (const each of requests) {
    const key = JSON.stringify([each.origin, each.request]);
    const before = answers.get(key) ?? answered(each, survey, failures);
    answers.set(key, before);
    // Where the policy holds for no proxy on the way, each does the same as before, so the next one is the same, too.
    const isSame = !before.reached.some((name) => concerned.has(name));
    const after = isSame ? before : answered(each, mesh, failures);
    for (const name of [...before.reached, ...after.reached]) reached.add(name);
    // Nobody has asked the policies, as of a connection that is refused.
    if (!before.isJudged && !after.isJudged) continue;
    if (before.text === undefined || after.text === undefined) {
      unknown ??= before.text === undefined ? before.why : after.why;
      continue;
    }
    const witness = { request: each.words, answer: before.text, mistaken: after.text };
    if (before.code !== after.code) return { witness, sent: each, gap: undefined, reached };
    if (before.text !== after.text) faint ??= { witness, sent: each };
    else if (before.received !== after.received) {
      const mistaken = `${passes}, and the workload gets other headers or another path`;
      hidden ??= { witness: { ...witness, mistaken }, sent: each, isReceived: true };
    }
  }
  return { ...(faint ?? hidden ?? { witness: undefined, sent: undefined }), gap: unknown ?? gap, reached };
}

const passes = 'it passes';

function answered(
  { origin, request }: ClassRequest,
  survey: Survey,
  failures: ReadonlyMap<string, string>,
): Answered {
  const hops = hopsFor(origin, request, survey, classVerify(failures));
  const answer = decidingOf(hops)?.answer;
  const { status, body, headers, path, unknown = [] } = answer ?? {};
  const isPassing = answer === undefined || status === 200;
  return {
    reached: hops.map(({ pod }) => nameOfPod(pod)),
    code: isPassing ? undefined : status,
    text: isPassing ? passes : status === undefined ? undefined : `${status} ${body}`.trim(),
    received: status === 200 ? JSON.stringify([headers, path]) : '',
    why: unknown.join('; '),
    isJudged: hops.some(({ answer }) => answer.policies.length + answer.tokens.length > 0),
  };
}
