/** What has another form than the API server takes is refused by it, and means nothing. */
import * as z from 'zod';
import { isMap, type KubeObject } from '../../base/kube-object.ts';
import { hintFor } from '../../base/suggest.ts';
import { nameOf } from '../selection.ts';
import { specs } from './object-schemas.ts';
import { refusedParts } from './policy-values.ts';

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

/** What in an object is not as it must be; none for kinds that are not read here. */
export function shapeProblems(object: KubeObject): ShapeProblem[] {
  const { apiVersion, kind, spec } = object;
  const group = apiVersion.includes('/') ? apiVersion.replace(/\/.*/, '') : '';
  const schema = specs[`${group}/${kind}`];
  const parsed = schema?.safeParse(spec ?? {});
  if (parsed?.success !== false)
    return refusedParts(object).map((text) => ({ text, isRefused: true, isNewer: false }));
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

/** Why the API server refuses an object, whatever its version; undefined when it takes it. */
export function whyRefused(policy: KubeObject): string | undefined {
  return shapeProblems(policy).find(({ isRefused }) => isRefused)?.text;
}

/** A line about each thing in an object that is not as it must be. */
export function shapeTexts(policy: KubeObject): string[] {
  const head = nameOf(policy);
  return shapeProblems(policy)
    .filter(({ isNewer }) => !isNewer)
    .map(({ text, isRefused }) =>
      isRefused ? `${head} is left out, because the API server refuses it: ${text}` : `${head}: ${text}`,
    );
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
