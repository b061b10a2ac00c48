/**
 * What the API server takes, as far as it is read here. Policies are read strictly; of other kinds there are only the fields
 * that decide about requests.
 */
import * as z from 'zod';

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

const label = z.record(z.string(), z.string()).optional();
const text = z.string().optional();

/** Of whatever makes pods, as far as it is read here. */
const podSpec = z.looseObject({
  containers: z
    .array(
      z.looseObject({
        ports: z.array(z.looseObject({ name: text, containerPort: z.number() })).optional(),
      }),
    )
    .optional(),
  serviceAccountName: text,
});
const withPods = z.looseObject({
  template: z
    .looseObject({
      metadata: z.looseObject({ labels: label, annotations: label }).optional(),
      spec: podSpec.optional(),
    })
    .optional(),
});

/** https://istio.io/latest/docs/reference/config/networking/virtual-service/, as far as it is read here. */
const destination = z.looseObject({
  host: z.string(),
  subset: text,
  port: z.looseObject({ number: z.number().optional() }).optional(),
});
const stringMatch = z.looseObject({ exact: text, prefix: text, regex: text }).optional();
const httpRoute = z.looseObject({
  match: z
    .array(
      z.looseObject({
        uri: stringMatch,
        method: stringMatch,
        authority: stringMatch,
        headers: z.record(z.string(), z.looseObject({})).optional(),
        gateways: texts,
        port: z.number().optional(),
      }),
    )
    .optional(),
  route: z.array(z.looseObject({ destination })).optional(),
  rewrite: z.looseObject({ uri: text, authority: text }).optional(),
});

/** By group and kind. */
export const specs: Readonly<Record<string, z.ZodType>> = {
  'apps/Deployment': withPods,
  'apps/StatefulSet': withPods,
  'apps/DaemonSet': withPods,
  'apps/ReplicaSet': withPods,
  '/Pod': podSpec,
  '/Service': z.looseObject({
    selector: label,
    ports: z
      .array(
        z.looseObject({
          name: text,
          port: z.number(),
          targetPort: z.union([z.number(), z.string()]).optional(),
          protocol: text,
          appProtocol: text,
        }),
      )
      .optional(),
  }),
  'networking.istio.io/VirtualService': z.looseObject({
    hosts: texts,
    gateways: texts,
    http: z.array(httpRoute).optional(),
  }),
  'networking.istio.io/Gateway': z.looseObject({
    selector: label,
    servers: z
      .array(
        z.looseObject({
          port: z.looseObject({ number: z.number(), name: text, protocol: text }).optional(),
          hosts: texts,
        }),
      )
      .optional(),
  }),
  'gateway.networking.k8s.io/Gateway': z.looseObject({
    gatewayClassName: text,
    infrastructure: z.looseObject({ labels: label }).optional(),
    listeners: z
      .array(z.looseObject({ name: text, port: z.number(), protocol: text, hostname: text }))
      .optional(),
  }),
  'security.istio.io/PeerAuthentication': z.looseObject({
    selector: z.looseObject({ matchLabels: label }).optional(),
    mtls: z.looseObject({ mode: text }).optional(),
  }),
  'security.istio.io/RequestAuthentication': z.strictObject({
    ...selection,
    jwtRules: z.array(jwtRule).optional(),
  }),
  'security.istio.io/AuthorizationPolicy': z.strictObject({
    ...selection,
    action: z.enum(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']).optional(),
    provider: z.looseObject({}).optional(),
    rules: z.array(rule).optional(),
  }),
};
