/** What a mesh answers to one request by its policies, and why: without a mesh. */

import { withoutNulls } from '../base/kube-object.ts';
import { nearest } from '../base/suggest.ts';
import { decide } from '../policy/decide.ts';
import { shutAt, shutText } from '../policy/gateway-ports.ts';
import type { Answer, Mesh, Verification } from '../policy/input.ts';
import type { Jwt } from '../policy/jwt.ts';
import { reasonsOf } from '../policy/reasons.ts';
import { whoIsUnknown } from '../policy/rules.ts';
import { holdsFor, isPolicy, nameOf, selectedLabels, targetRefsOf } from '../policy/selection.ts';
import { shapeTexts, whyRefused } from '../policy/shape/object-shape.ts';
import type { JwtRule } from '../policy/token-locations.ts';
import { verifyWith } from '../policy/verify.ts';
import type { KubeObject } from '../target/target.ts';
import type { CurlRequest } from './curl-line.ts';
import { type FoundWorkload, findWorkload } from './find-workload.ts';
import { worldOf } from './world.ts';

export interface Question {
  readonly request: CurlRequest;
  /** `SERVICE.NAMESPACE`. */
  readonly to: string;
  readonly objects: readonly KubeObject[];
  readonly mesh: Mesh;
  /** `NAMESPACE/SERVICEACCOUNT` of the client; undefined: not known; null: it is outside the mesh. */
  readonly client: string | null | undefined;
  /** Seconds since the epoch. */
  readonly at: number;
}

export interface Explained {
  readonly answer: Answer;
  readonly workload: FoundWorkload;
  /** Why no request gets in there; undefined when one does, as far as that is known. */
  readonly shut: string | undefined;
  /** What was taken for granted. */
  readonly assumptions: readonly string[];
  /** Policies that were probably meant for the workload, and do not hold for it: a line each. */
  readonly elsewhere: readonly string[];
  /** What in policies is not as it must be, a line each. */
  readonly malformed: readonly string[];
}

/** @throws HarnessError E_USAGE when `to` is no Service */
export function explainRequest({ request, to, objects: given, mesh, client, at }: Question): Explained {
  const whole = given.map((object) => withoutNulls(object));
  const objects = whole.filter((object) => whyRefused(object) === undefined);
  const { url, path, method, headers } = request;
  const isDefault = url.port === '';
  const port = isDefault ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  // With the Services that istiod makes for Gateways.
  const world = worldOf(objects);
  const workload = findWorkload(to, port, world.objects, world.pods);
  const shut = shutAt(workload, { objects, rootNamespace: mesh.rootNamespace });
  const assumptions: string[] = [];
  const verify = (jwt: Jwt, rule: JwtRule): Verification => {
    if (rule.jwks !== undefined) return verifyWith(rule.jwks, jwt);
    const where = rule.jwksUri === undefined ? `issuer ${rule.issuer}` : rule.jwksUri;
    assumptions.push(
      `the signature of the token is taken to be right: its keys are at ${where}, where nobody has looked`,
    );
    return 'Ok';
  };
  const host = headers.findLast(([name]) => name.toLowerCase() === 'host')?.[1];
  const [namespace = '', account = ''] = client?.split('/') ?? [];
  const answer = decide(
    {
      method,
      authority: host ?? url.host,
      path,
      headers: headers.filter(([name]) => name.toLowerCase() !== 'host'),
      principal:
        typeof client === 'string' ? `${mesh.trustDomains[0]}/ns/${namespace}/sa/${account}` : client,
      destinationPort: workload.port,
      at,
    },
    { mesh, workload, policies: objects, verify, isTcp: workload.isTcp },
  );
  return {
    answer,
    workload,
    shut: shut && shutText(shut),
    assumptions: [...new Set(assumptions)],
    elsewhere: elsewhereOf(objects, workload, mesh.rootNamespace),
    malformed: whole.flatMap(shapeTexts),
  };
}

/** For people: the answer, then why. */
export function explanationText(explained: Explained): string {
  const { answer, workload, shut, assumptions, malformed } = explained;
  const { status, body, unknown, decidedBy } = answer;
  const first =
    status === undefined
      ? `It cannot be known: ${unknown.map(withRemedy).join('; ')}.`
      : status === 200
        ? `It passes${decidedBy === undefined ? ': no policy is against it' : `, by ${decidedBy}`}.`
        : `${status} ${body}${status === 403 && decidedBy === 'no ALLOW rule' ? ': there are ALLOW policies, and no rule of them matches' : `, by ${decidedBy}`}.`;
  const labels = Object.entries(workload.labels).map(([name, value]) => `${name}=${value}`);
  const port = workload.port === undefined ? 'port not known' : `port ${workload.port} of the container`;
  const reasons = reasonsOf(answer);
  return [
    ...(shut === undefined ? [] : [`No request gets in there: ${shut}.`, 'If one did:']),
    ...malformed.map((each) => `${each}.`),
    first,
    '',
    `Workload: namespace ${workload.namespace}, ${labels.join(', ')}; ${port}. From ${workload.how}.`,
    ...assumptions.map((each) => `Taken for granted: ${each}.`),
    '',
    ...(reasons.length === 0
      ? ['No policy holds for this workload.']
      : ['Policies, the nearest miss first:', ...reasons.map((each) => `  ${each}`)]),
    '',
    ...(explained.elsewhere.length === 0
      ? []
      : ['Policies that do not hold for it:', ...explained.elsewhere.map((each) => `  ${each}`), '']),
  ].join('\n');
}

/** What somebody who asks can say. */
function withRemedy(unknown: string): string {
  return unknown === whoIsUnknown
    ? `${unknown} (say it with --client NAMESPACE/SERVICEACCOUNT, or --client outside)`
    : unknown;
}

/** A line about each policy that was probably meant for a workload, and does not hold for it. */
function elsewhereOf(
  objects: readonly KubeObject[],
  workload: FoundWorkload,
  rootNamespace: string,
): string[] {
  return objects.flatMap((policy) => {
    if (!isPolicy(policy) || holdsFor(policy, workload, rootNamespace)) return [];
    const why = whyNot(policy, workload);
    return why === undefined ? [] : `${nameOf(policy)}: ${why}`;
  });
}

/** Undefined for one that is about something else. */
function whyNot(
  { metadata, spec }: KubeObject,
  { namespace, labels, isGuess }: FoundWorkload,
): string | undefined {
  const { namespace: own } = metadata;
  const of = new Map(Object.entries(labels));
  const [ref] = targetRefsOf(spec);
  const wanted = Object.entries(selectedLabels(spec)).map(([name, value]) => [name, String(value)] as const);
  const missing = wanted.filter(([name, value]) => of.get(name) !== value);
  const isHere = (own ?? 'default') === namespace;
  if (ref !== undefined)
    return isHere
      ? `it is for ${ref.kind} ${ref.name} by targetRefs, which hold for waypoints and for Gateways of the Gateway API, and for no sidecar`
      : undefined;
  if (!isHere) {
    if (own === undefined)
      return `it says no namespace, so it is one of namespace default, and the workload is in ${namespace}`;
    return wanted.length > 0 && missing.length === 0
      ? `it is in namespace ${own}, and the workload is in ${namespace}: a policy holds for its own namespace alone`
      : undefined;
  }
  if (isGuess && missing.every(([name]) => !of.has(name)))
    return `it selects ${missing.map((each) => each.join('=')).join(' and ')}, and which labels the workload has is a guess: put its Service and its Deployment beside the policies`;
  const isNear = missing.every(
    ([name, value]) =>
      missing.length < wanted.length ||
      nearest(value, [of.get(name) ?? '']) !== undefined ||
      Object.values(labels).includes(value),
  );
  if (!isNear) return undefined;
  const shown = missing.map(([name, value]) => {
    const has = of.get(name);
    return `${name}=${value}, and the workload has ${has === undefined ? `no label ${name}` : `${name}=${has}`}`;
  });
  return `it selects ${shown.join('; ')}`;
}
