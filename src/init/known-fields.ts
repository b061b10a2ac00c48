/** The fields of policies, read strictly: one that Istio does not know would make the API server refuse the scenario. */
import * as z from 'zod';
import { targetRefsOf } from '../policy/selection.ts';
import type { KubeObject } from '../target/target.ts';

const texts = z.array(z.string()).optional();

/** Lists, each with its opposite: `hosts` and `notHosts`. */
function lists(...names: readonly string[]) {
  const both = names.flatMap((name) => [name, `not${name[0]?.toUpperCase()}${name.slice(1)}`]);
  return z.strictObject(Object.fromEntries(both.map((name) => [name, texts])));
}

const selection = {
  selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()).optional() }).optional(),
  targetRef: z.looseObject({ kind: z.string(), name: z.string() }).optional(),
  targetRefs: z.array(z.looseObject({ kind: z.string(), name: z.string() })).optional(),
};

/** https://istio.io/latest/docs/reference/config/security/request_authentication/#JWTRule */
const jwtRule = z.strictObject({
  issuer: z.string().optional(),
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

const sources = [
  'principals',
  'requestPrincipals',
  'namespaces',
  'serviceAccounts',
  'ipBlocks',
  'remoteIpBlocks',
];

/** https://istio.io/latest/docs/reference/config/security/authorization-policy/#Rule */
const rule = z.strictObject({
  from: z.array(z.strictObject({ source: lists(...sources) })).optional(),
  to: z.array(z.strictObject({ operation: lists('hosts', 'ports', 'methods', 'paths') })).optional(),
  when: z.array(z.strictObject({ key: z.string(), values: texts, notValues: texts })).optional(),
});

const specs: Readonly<Record<string, z.ZodType>> = {
  RequestAuthentication: z.strictObject({ ...selection, jwtRules: z.array(jwtRule).optional() }),
  AuthorizationPolicy: z.strictObject({
    ...selection,
    action: z.enum(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']).optional(),
    provider: z.looseObject({}).optional(),
    rules: z.array(rule).optional(),
  }),
};

/** Why a policy cannot be in a scenario; undefined when it can. */
export function problemOf({ kind, spec = {} }: KubeObject): string | undefined {
  const parsed = specs[kind]?.safeParse(spec);
  if (parsed?.success === false) return problemIn(parsed.error);
  const other = targetRefsOf(spec).find((ref) => ref.kind !== 'Gateway');
  if (other !== undefined)
    return `it is attached to a ${other.kind}, which is for waypoints; meshes of scenarios have sidecars`;
  if ((spec as { action?: string }).action === 'CUSTOM')
    return 'action CUSTOM asks an authorization server of yours, which a scenario does not have';
  return undefined;
}

function problemIn(error: z.ZodError): string {
  const [issue] = error.issues;
  const path = ['spec', ...(issue?.path ?? [])].map(String).join('.');
  if (issue?.code === 'unrecognized_keys')
    return `${path} has a field that is not known here: ${issue.keys.join(', ')}`;
  return `${path} is not as it should be: ${issue?.message ?? 'unknown'}`;
}
