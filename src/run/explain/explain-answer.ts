/**
 * Why the mesh may have answered otherwise than expected, as far as it can be read from what istiod and Envoy say about keys
 * and issuers, and from policies that hold for nobody. What the policies themselves say is in explain-model.ts.
 */

import { nameOf, policyKinds, targetRefsOf } from '../../policy/selection.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import type { EvidenceFile, KubeObject, ProxyRef } from '../../target/target.ts';
import type { Snapshot } from '../proof/prove.ts';
import { whyNoKeys } from './explain-keys.ts';
import type { Explanation } from './explanation.ts';
import { jwksUrisOf } from './jwt-rules.ts';

export interface WrongAnswer {
  readonly expected: number;
  readonly status: number;
  readonly body: string;
  /** The claims of the token that was sent, when there is one. */
  readonly claims: unknown;
  /** Every object that the scenario has applied and not deleted. */
  readonly applied: readonly KubeObject[];
  /** What selects the proxies that decide first, and what they have. */
  readonly snapshot: Snapshot;
  /** What holds for others on its way. */
  readonly behind: readonly KubeObject[];
  /** What the target has collected about this request. */
  readonly evidence: readonly EvidenceFile[];
}

/** Undefined when nothing is to be seen. What Envoy itself says comes first: it is about this very request. */
export function explain(wrong: WrongAnswer): Explanation | undefined {
  const states = [...wrong.snapshot.values()];
  if (states.length === 0) return undefined;
  const declared = states.flatMap((state) => state.declared);
  const proxies = states.map(({ proxy }) => proxy);
  const lost = selectsNothing(wrong.applied, [...declared, ...wrong.behind], proxies);
  return fromEnvoy(wrong, declared) ?? lost ?? nothingSelects(wrong, declared, [...wrong.snapshot.keys()]);
}

/** The texts are those of Envoy's jwt_authn (source/common/jwt/status.cc). */
function fromEnvoy(wrong: WrongAnswer, declared: readonly KubeObject[]): Explanation | undefined {
  const { body, evidence } = wrong;
  const { iss } = (wrong.claims ?? {}) as { iss?: unknown };
  const uris = jwksUrisOf(declared);
  if (body.startsWith('Jwt issuer is not configured') && typeof iss === 'string') {
    const issuers = [...new Set(declared.flatMap(jwtRulesOf).map(({ issuer }) => issuer))].join(', ');
    return {
      cause: `iss of the token is ${iss}, and the policies are for ${issuers || 'none'}`,
      remedy: 'Make issuer of the RequestAuthentication the same as iss, down to the last slash.',
    };
  }
  if (/^(Jwks|Jwt verification fails)/.test(body) && uris.length > 0) return whyNoKeys(uris, body, evidence);
  return undefined;
}

function nothingSelects(
  { expected, status }: WrongAnswer,
  declared: readonly KubeObject[],
  proxies: readonly string[],
): Explanation | undefined {
  const kind = { 401: 'RequestAuthentication', 403: 'AuthorizationPolicy' }[expected];
  if (kind === undefined || status === expected) return undefined;
  if (declared.some((object) => object.kind === kind)) return undefined;
  return {
    cause: `no ${kind} selects ${proxies.join(', ')}`,
    remedy: 'Apply one whose namespace and selector fit these pods.',
  };
}

// Policies that were applied and hold for none of the proxies that decide, and why.

/** @returns undefined when all of them hold for some proxy on the way */
function selectsNothing(
  applied: readonly KubeObject[],
  declared: readonly KubeObject[],
  proxies: readonly ProxyRef[],
): Explanation | undefined {
  const names = new Set(declared.map(nameOf));
  const lost = applied.filter(
    (policy) =>
      policyKinds.includes(policy.kind) &&
      targetRefsOf(policy.spec).length === 0 &&
      !names.has(nameOf(policy)),
  );
  if (lost.length === 0) return undefined;
  const verb = lost.length === 1 ? 'selects' : 'select';
  const reasons = [...new Set(lost.flatMap((policy) => reason(policy, proxies) ?? []))];
  const whose = lost.length === 1 ? 'its' : 'their';
  const why =
    reasons.length > 0
      ? reasons.map((each) => `${whose} ${each}`).join(', and ')
      : 'see namespace and selector';
  return {
    cause: `${lost.map(nameOf).join(' and ')} ${verb} none of the proxies that decide about this request: ${why}`,
    remedy:
      'Correct metadata.namespace or spec.selector.matchLabels of the policy, or the labels of the pods.',
  };
}

/** A policy holds in its namespace, for workloads with all labels of its selector (Istio, "Policy target" of both kinds). */
function reason({ metadata, spec }: KubeObject, proxies: readonly ProxyRef[]): string | undefined {
  const near = proxies.filter(({ namespace }) => namespace === metadata.namespace);
  if (near.length === 0) {
    const namespaces = [...new Set(proxies.map(({ namespace }) => namespace))];
    return `namespace is ${metadata.namespace}, and that of the proxies is ${namespaces.join(' or ')}`;
  }
  const { matchLabels = {} } =
    ((spec ?? {}) as { selector?: { matchLabels?: Record<string, string> } }).selector ?? {};
  const wrong = Object.entries(matchLabels).filter(([name, value]) =>
    near.every(({ labels }) => labels[name] !== value),
  );
  const have = wrong.flatMap(([name]) =>
    near.map(({ labels }) => (labels[name] === undefined ? `no ${name}` : `${name}=${labels[name]}`)),
  );
  if (wrong.length === 0) return undefined;
  const wanted = wrong.map(([name, value]) => `${name}=${value}`).join(', ');
  return `selector wants ${wanted}, and the proxies have ${[...new Set(have)].join(', ')}`;
}
