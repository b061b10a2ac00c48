/** The fields of policies, read strictly: what has another form is refused by the API server, and means nothing. */
import * as z from 'zod';
import { isMap, type KubeObject } from '../base/kube-object.ts';
import { hintFor } from '../base/suggest.ts';
import { nameOf } from './selection.ts';

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

interface ShapeProblem {
  /** Behind the name of the policy, such as `spec.action is "deny": …`. */
  readonly text: string;
  /** It has another form than any version takes; otherwise it is a field that is not known. */
  readonly isRefused: boolean;
  /** A field that some versions know. */
  readonly isNewer: boolean;
}

/** Fields that only newer versions of Istio know. */
const newer: readonly string[] = ['presence', 'trustDomains', 'notTrustDomains'];

/** What in a policy is not as it must be; none for other kinds. */
export function shapeProblems({ apiVersion, kind, spec }: KubeObject): ShapeProblem[] {
  const schema = apiVersion.startsWith('security.istio.io/') ? specs[kind] : undefined;
  const parsed = schema?.safeParse(spec ?? {});
  if (parsed?.success !== false) return [];
  return parsed.error.issues.map((issue) => {
    const at = issue.path.reduce<string>(
      (before, key) => (typeof key === 'number' ? `${before}[${key}]` : `${before}.${String(key)}`),
      'spec',
    );
    const value = issue.path.reduce<unknown>((whole, key) => Object(whole)[key], spec);
    if (issue.code !== 'unrecognized_keys')
      return { text: `${at} ${mismatch(issue, value)}`, isRefused: true, isNewer: false };
    const known = fieldsAt(schema, issue.path);
    const meant = issue.keys.map((key) =>
      newer.includes(key) ? key : `${key} (${hintFor(key, known, 'fields')})`,
    );
    const text = `${at} has a field that is not known here: ${meant.join(', ')}`;
    return { text, isRefused: false, isNewer: issue.keys.every((key) => newer.includes(key)) };
  });
}

/** Why the API server refuses a policy, whatever its version; undefined when it takes it. */
export function whyRefused(policy: KubeObject): string | undefined {
  return shapeProblems(policy).find(({ isRefused }) => isRefused)?.text;
}

/** A line about each thing in a policy that is not as it must be. */
export function shapeTexts(policy: KubeObject): string[] {
  const head = nameOf(policy);
  return shapeProblems(policy)
    .filter(({ isNewer }) => !isNewer)
    .map(({ text, isRefused }) =>
      isRefused ? `${head} is left out, because the API server refuses it: ${text}` : `${head}: ${text}`,
    );
}

/** Fields without a value are as those that are not there: the API server takes them away. */
export function withoutNulls<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each) => withoutNulls(each)) as T;
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(kept.map(([name, each]) => [name, withoutNulls(each)])) as T;
}

/** `is a text, and must be a list: write ["*"]`. */
function mismatch(issue: z.core.$ZodIssue, value: unknown): string {
  const shown = JSON.stringify(value);
  if (issue.code === 'invalid_value') return `is ${shown}, and must be one of ${issue.values.join(', ')}`;
  if (value === undefined) return 'is missing';
  const [is, must] = [typeName(value), issue.code === 'invalid_type' ? issue.expected : ''];
  if (must === 'array')
    return `is a ${is}, and must be a list: ${isMap(value) ? 'put a dash before its first field' : `write [${shown}]`}`;
  if (must === 'string' && !isMap(value) && !Array.isArray(value))
    return `is a ${is}, and must be a text: write "${shown}"`;
  return `is a ${is}, and must be a ${names[must] ?? must}`;
}

const names: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'map',
  record: 'map',
  array: 'list',
  boolean: 'true or false',
};

function typeName(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  return isMap(value) ? 'map' : typeof value === 'string' ? 'text' : typeof value;
}

/** Names of the fields that a map may have. */
function fieldsAt(schema: z.ZodType | undefined, path: readonly PropertyKey[]): string[] {
  const inner = path.reduce<z.ZodType | undefined>((outer, key) => {
    const plain = unwrapped(outer);
    if (plain instanceof z.ZodArray) return plain.element as z.ZodType;
    return plain instanceof z.ZodObject ? (plain.shape[String(key)] as z.ZodType) : undefined;
  }, schema);
  const plain = unwrapped(inner);
  return plain instanceof z.ZodObject ? Object.keys(plain.shape) : [];
}

function unwrapped(schema: z.ZodType | undefined): z.ZodType | undefined {
  return schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
}
