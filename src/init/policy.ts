/** The user's policies, read strictly: what is not known here cannot be carried over into a scenario. */
import { z } from 'zod';
import { gatewayNameLabel } from '../policy/selection.ts';
import type { Manifest } from '../scenario/schema.ts';

const texts = z.array(z.string()).optional();
const selection = {
  selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()).optional() }).optional(),
  targetRef: z.looseObject({ kind: z.string() }).optional(),
  targetRefs: z.array(z.looseObject({ kind: z.string() })).optional(),
};

/** https://istio.io/latest/docs/reference/config/security/request_authentication/#JWTRule */
const jwtRuleSchema = z.strictObject({
  issuer: z.string(),
  audiences: texts,
  jwksUri: z.string().optional(),
  jwks: z.string().optional(),
  fromHeaders: z.array(z.strictObject({ name: z.string(), prefix: z.string().optional() })).optional(),
  fromParams: texts,
  fromCookies: texts,
  outputPayloadToHeader: z.string().optional(),
  outputClaimToHeaders: z.array(z.strictObject({ header: z.string(), claim: z.string() })).optional(),
  forwardOriginalToken: z.boolean().optional(),
  timeout: z.string().optional(),
  spaceDelimitedClaims: texts,
});

/** https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule */
const ruleSchema = z.strictObject({
  from: z
    .array(
      z.strictObject({
        source: z.strictObject({
          principals: texts,
          notPrincipals: texts,
          requestPrincipals: texts,
          notRequestPrincipals: texts,
          namespaces: texts,
          notNamespaces: texts,
          serviceAccounts: texts,
          notServiceAccounts: texts,
          ipBlocks: texts,
          notIpBlocks: texts,
          remoteIpBlocks: texts,
          notRemoteIpBlocks: texts,
        }),
      }),
    )
    .optional(),
  to: z
    .array(
      z.strictObject({
        operation: z.strictObject({
          hosts: texts,
          notHosts: texts,
          ports: texts,
          notPorts: texts,
          methods: texts,
          notMethods: texts,
          paths: texts,
          notPaths: texts,
        }),
      }),
    )
    .optional(),
  when: z.array(z.strictObject({ key: z.string(), values: texts, notValues: texts })).optional(),
});

const requestSpec = z.strictObject({ ...selection, jwtRules: z.array(jwtRuleSchema).optional() });
const accessSpec = z.strictObject({
  ...selection,
  action: z.enum(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']).optional(),
  provider: z.looseObject({}).optional(),
  rules: z.array(ruleSchema).optional(),
});

export type JwtRule = z.output<typeof jwtRuleSchema>;
export type Rule = z.output<typeof ruleSchema>;

interface Common {
  readonly object: Manifest;
  readonly name: string;
  readonly namespace: string;
  /** Labels that it selects workloads by; undefined: all of its namespace. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** It is for an ingress gateway. */
  readonly isForGateway: boolean;
}

export interface RequestPolicy extends Common {
  readonly kind: 'RequestAuthentication';
  readonly jwtRules: readonly JwtRule[];
}

export interface AccessPolicy extends Common {
  readonly kind: 'AuthorizationPolicy';
  readonly action: 'ALLOW' | 'DENY' | 'AUDIT';
  readonly rules: readonly Rule[];
}

export type Policy = RequestPolicy | AccessPolicy;

export function isRequest(policy: Policy): policy is RequestPolicy {
  return policy.kind === 'RequestAuthentication';
}

export function isAccess(policy: Policy): policy is AccessPolicy {
  return policy.kind === 'AuthorizationPolicy';
}

/** What is not in the scenario, and why. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

/** `RequestAuthentication shop/orders`. */
export function nameOf({ kind, metadata: { name, namespace = 'default' } }: Manifest): string {
  return `${kind} ${namespace}/${name}`;
}

/** The policies among the objects that can be carried over, and those that cannot. */
export function readPolicies(objects: readonly Manifest[]): { policies: Policy[]; leftOut: LeftOut[] } {
  const policies: Policy[] = [];
  const leftOut: LeftOut[] = [];
  const seen = new Set<string>();
  for (const object of objects) {
    if (!isPolicy(object)) continue;
    const what = nameOf(object);
    const read = seen.has(what) ? 'it is there more than once; the first one was taken' : readPolicy(object);
    seen.add(what);
    if (typeof read === 'string') leftOut.push({ what, why: read });
    else policies.push(read);
  }
  return { policies, leftOut };
}

function isPolicy({ apiVersion, kind }: Manifest): boolean {
  return (
    apiVersion.startsWith('security.istio.io/') &&
    (kind === 'RequestAuthentication' || kind === 'AuthorizationPolicy')
  );
}

/** @returns the policy, or why it cannot be carried over */
function readPolicy(object: Manifest): Policy | string {
  const isRequested = object.kind === 'RequestAuthentication';
  const parsed = (isRequested ? requestSpec : accessSpec).safeParse(object.spec ?? {});
  if (!parsed.success) return problemIn(parsed.error);
  const spec = parsed.data;
  const refs = [spec.targetRefs ?? [], spec.targetRef ?? []].flat();
  const other = refs.find(({ kind }) => kind !== 'Gateway');
  if (other !== undefined) {
    return `it is attached to a ${other.kind}, which is for waypoints; meshes of scenarios have sidecars`;
  }
  const labels = spec.selector?.matchLabels;
  const common = {
    object,
    name: object.metadata.name,
    namespace: object.metadata.namespace ?? 'default',
    labels: labels === undefined || Object.keys(labels).length === 0 ? undefined : labels,
    isForGateway:
      refs.length > 0 ||
      Object.entries(labels ?? {}).some(
        ([name, value]) => name === gatewayNameLabel || gatewayLabel.test(value),
      ),
  };
  if (isRequested) {
    const { jwtRules = [] } = spec as z.output<typeof requestSpec>;
    return { ...common, kind: 'RequestAuthentication', jwtRules };
  }
  const { action = 'ALLOW', rules = [] } = spec as z.output<typeof accessSpec>;
  if (action === 'CUSTOM') {
    return 'action CUSTOM asks an authorization server of yours, which a scenario does not have';
  }
  return { ...common, kind: 'AuthorizationPolicy', action, rules };
}

/** How ingress gateways are labelled, by `istio` or by `app`. */
const gatewayLabel = /^ingress$|ingress-?gateway/;

function problemIn(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = ['spec', ...(issue?.path ?? [])].map(String).join('.');
  if (issue?.code === 'unrecognized_keys')
    return `${path} has a field that is not known here: ${issue.keys.join(', ')}`;
  return `${path} is not as it should be: ${issue?.message ?? 'unknown'}`;
}
