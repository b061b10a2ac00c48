/** Which rule of which AuthorizationPolicy has denied a request, and what in the rule or the request is the reason. */
import { matchesPath, matchesPrincipal } from '../policy/patterns.ts';
import { nameOf, targetRefsOf } from '../policy/selection.ts';
import type { EvidenceFile, KubeObject } from '../target/target.ts';
import type { Explanation } from './explanation.ts';
import { jwtRulesOf } from './jwt-rules.ts';
import type { Snapshot } from './proof/prove.ts';

/** The request as rules see it. */
export interface Denied {
  /** Path without query. */
  readonly path: string;
  /** Of the token that was sent: what its principal is made of (security.istio.io/v1, Source.requestPrincipals). */
  readonly token: { readonly issuer: string; readonly subject: string } | undefined;
  readonly snapshot: Snapshot;
  /** With the lines of the access logs that are about this request. */
  readonly evidence: readonly EvidenceFile[];
}

interface Rule {
  readonly from?: readonly { readonly source?: Readonly<Record<string, readonly string[] | undefined>> }[];
  readonly to?: readonly { readonly operation?: Readonly<Record<string, readonly string[] | undefined>> }[];
}

/** Envoy names the policy in the details of its answer: `rbac_access_denied_matched_policy[NAME]`, or `none`. */
const inLog = /rbac_access_denied_matched_policy\[((?:[^[\]]|\[[^\]]*\])*)\]/;

/** @returns undefined when no policy is known that could have denied it */
export function whoDenied(denied: Denied): Explanation | undefined {
  const cause = isFromBehind(denied.evidence) ? behind(denied) : here(denied);
  if (cause === undefined) return undefined;
  return { cause, remedy: 'Correct the rule or the selector of the policy, or what the scenario expects.' };
}

/** The line of the access logs about the answer that is explained: those before came from older policies. */
function lastDenials(evidence: readonly EvidenceFile[]): string[] {
  return evidence
    .filter(({ name }) => name.startsWith('access-log-'))
    .flatMap(({ content }) => content.split('\n').findLast((line) => line.includes('" 403 ')) ?? []);
}

function here(denied: Denied): string | undefined {
  const states = [...denied.snapshot.values()];
  const rbac = states.flatMap(({ policies }) => policies.rbac);
  const having = (action: string) => rbac.filter((each) => each.action === action).map(({ name }) => name);
  const logged = lastDenials(denied.evidence).flatMap((line) => inLog.exec(line)?.[1] ?? []);
  const named = logged.filter((name) => name !== 'none');
  const isUnmatched = logged.includes('none');
  const deniers = named.length > 0 ? named : isUnmatched ? [] : having('DENY');
  const allowers = named.length > 0 ? [] : having('ALLOW');
  const parts = [
    deniers.length === 0 ? undefined : `${all(deniers, denied)} denies it${why(deniers, denied)}`,
    allowers.length === 0
      ? undefined
      : `${allowers.length === 1 ? '' : 'none of '}${all(allowers, denied)} ${allowers.length === 1 ? 'does not allow' : 'allows'} it${why(allowers, denied)}`,
  ];
  return parts.filter((part) => part !== undefined).join(', or ') || undefined;
}

/** Whether the proxies that are known have passed on what another one behind them has answered: Envoy's `via_upstream`. */
function isFromBehind(evidence: readonly EvidenceFile[]): boolean {
  const last = lastDenials(evidence);
  return last.length > 0 && last.every((line) => line.includes(' via_upstream '));
}

function behind({ snapshot, token }: Denied): string {
  const states = [...snapshot.values()];
  const wide = states
    .flatMap(({ declared }) => declared)
    .filter((policy) => policy.kind === 'AuthorizationPolicy' && hasNoSelector(policy));
  const whom = states.map(({ proxy }) => `${proxy.namespace}/${proxy.pod}`).join(', ');
  const [first] = wide;
  if (first === undefined) return `a proxy behind ${whom} denies it`;
  const names = [...new Set(wide.map(nameOf))].join(' and ');
  const reach = `${names} ${wide.length === 1 ? 'has' : 'have'} no selector, so it holds for every workload of the mesh`;
  const more = token === undefined ? '' : '; a token reaches them only with forwardOriginalToken';
  return `a proxy behind ${whom} denies it: ${reach}${more}`;
}

/** Istio names RBAC policies `ns[NAMESPACE]-policy[NAME]-rule[N]` (pilot/pkg/security/authz/builder). */
function find(
  name: string,
  { snapshot }: Denied,
): { policy: KubeObject; rule: Rule; index: number } | undefined {
  const [, namespace, policyName, index] = /^ns\[(.*?)\]-policy\[(.*?)\]-rule\[(\d+)\]$/.exec(name) ?? [];
  const policy = [...snapshot.values()]
    .flatMap(({ declared }) => declared)
    .find(
      ({ kind, metadata }) =>
        kind === 'AuthorizationPolicy' && metadata.namespace === namespace && metadata.name === policyName,
    );
  const rule = (policy?.spec as { rules?: Rule[] } | undefined)?.rules?.[Number(index)];
  return policy === undefined ? undefined : { policy, rule: rule ?? {}, index: Number(index) };
}

function all(names: readonly string[], denied: Denied): string {
  const shown = names.map((name) => {
    const found = find(name, denied);
    return found === undefined ? name : `rule ${found.index + 1} of ${nameOf(found.policy)}`;
  });
  return [...new Set(shown)].join(', ');
}

function why(names: readonly string[], denied: Denied): string {
  const reasons = [...new Set(names)].flatMap((name) => {
    const found = find(name, denied);
    return found === undefined
      ? []
      : [...paths(found.rule, denied), ...principals(found.rule, denied), ...scope(found.policy, denied)];
  });
  return reasons.length === 0 ? '' : `: ${[...new Set(reasons)].join('; ')}`;
}

function paths({ to = [] }: Rule, { path }: Denied): string[] {
  const of = (field: string) => to.flatMap(({ operation }) => operation?.[field] ?? []);
  const [wanted, spared] = [of('paths'), of('notPaths')];
  const isNot = (list: readonly string[]) => list.length > 0 && !list.some((each) => matchesPath(each, path));
  return [
    ...(isNot(spared) ? [`its notPaths are ${spared.join(', ')}, and the path is ${path}`] : []),
    ...(isNot(wanted) ? [`its paths are ${wanted.join(', ')}, and the path is ${path}`] : []),
  ];
}

function principals({ from = [] }: Rule, { token, snapshot }: Denied): string[] {
  const of = (field: string) => from.flatMap(({ source }) => source?.[field] ?? []);
  const [wanted, refused] = [of('requestPrincipals'), of('notRequestPrincipals')];
  if (token === undefined) return [];
  const { issuer, subject } = token;
  const isLike = (pattern: string) => matchesPrincipal(pattern, issuer, subject);
  if (wanted.length > 0 && !wanted.some(isLike)) {
    return [
      `it wants the request principal ${wanted.join(' or ')}, and that of the token is ${issuer}/${subject}`,
    ];
  }
  if (!refused.some(isLike)) return [];
  const declared = [...snapshot.values()].flatMap((state) => state.declared);
  return jwtRulesOf(declared).some((rule) => rule.issuer === issuer)
    ? [
        'no token that is valid has reached the proxy that denies it, for which forwardOriginalToken is needed',
      ]
    : [
        `no RequestAuthentication with a rule for issuer ${issuer} selects the proxy, so it knows no principal`,
      ];
}

/** Without a selector a policy holds for its whole namespace, and in the root namespace for the whole mesh. */
function scope(policy: KubeObject, { snapshot }: Denied): string[] {
  if (!hasNoSelector(policy)) return [];
  const { namespace } = policy.metadata;
  const isMeshWide = [...snapshot.values()].some(({ proxy }) => proxy.namespace !== namespace);
  return [
    `it has no selector, so it holds for every workload of ${isMeshWide ? 'the mesh' : `namespace ${namespace}`}`,
  ];
}

function hasNoSelector({ spec }: KubeObject): boolean {
  const { selector } = (spec ?? {}) as { selector?: { matchLabels?: object } };
  return targetRefsOf(spec).length === 0 && Object.keys(selector?.matchLabels ?? {}).length === 0;
}
