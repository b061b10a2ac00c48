/**
 * Values in rules that istiod's webhook refuses, though their form is right (pkg/config/validation/validation.go,
 * ValidateAuthorizationPolicy; pkg/config/security/security.go).
 */
import { subjectOf } from '../doubts/fields.ts';
import { meantKey } from '../doubts/value-doubts.ts';
import { isBlock } from '../match/ip-blocks.ts';
import type { Rule } from '../rules.ts';

interface Values {
  /** Where they stand, such as `spec.rules[0].to[0].operation.ports`. */
  readonly at: string;
  /** The condition of the same meaning as the field, or its plain name. */
  readonly key: string;
  readonly values: readonly string[];
}

/** What in the rules of an AuthorizationPolicy is refused, with its place. The rules have the form that they must have. */
export function refusedValues(rules: readonly Rule[]): string[] {
  return rules.flatMap((rule, index) => {
    const at = `spec.rules[${index}]`;
    return [
      ...empty(rule, at),
      ...besideAccounts(rule, at),
      ...conditions(rule, at),
      ...valuesIn(rule, at).flatMap(refused),
    ];
  });
}

/** Fields of a source that serviceAccounts cannot stand beside, as they say the same. */
const sameAsAccounts = ['principals', 'notPrincipals', 'namespaces', 'notNamespaces'];

function besideAccounts({ from = [] }: Rule, at: string): string[] {
  return from.flatMap(({ source = {} }, index) => {
    const other = sameAsAccounts.find((field) => source[field] !== undefined);
    const has = source.serviceAccounts !== undefined || source.notServiceAccounts !== undefined;
    return has && other !== undefined
      ? `${at}.from[${index}].source has serviceAccounts and ${other}: write two entries of from, or one of them`
      : [];
  });
}

/** A source or an operation that wants nothing. */
function empty({ from = [], to = [] }: Rule, at: string): string[] {
  const isEmpty = (fields: object = {}) => Object.values(fields).every((values = []) => values.length === 0);
  return [
    ...from.flatMap(({ source }, index) => (isEmpty(source) ? `${at}.from[${index}].source` : [])),
    ...to.flatMap(({ operation }, index) => (isEmpty(operation) ? `${at}.to[${index}].operation` : [])),
  ].map((place) => `${place} is empty: write a field, or leave it out`);
}

function conditions({ when = [] }: Rule, at: string): string[] {
  return when.flatMap(({ key, values = [], notValues = [] }, index) => {
    const meant = meantKey(key);
    if (meant !== undefined)
      return `${at}.when[${index}].key is "${key}", which Istio does not know: ${meant}`;
    return values.length + notValues.length === 0
      ? `${at}.when[${index}] has no values: write values or notValues`
      : [];
  });
}

function valuesIn({ from = [], to = [], when = [] }: Rule, at: string): Values[] {
  const ofFields = (fields: Readonly<Record<string, readonly string[] | undefined>> = {}, place: string) =>
    Object.entries(fields).map(([name, values = []]) => ({
      at: `${place}.${name}`,
      key: subjectOf(name),
      values,
    }));
  return [
    ...from.flatMap(({ source }, index) => ofFields(source, `${at}.from[${index}].source`)),
    ...to.flatMap(({ operation }, index) => ofFields(operation, `${at}.to[${index}].operation`)),
    ...when.flatMap(({ key, values = [], notValues = [] }, index) => [
      { at: `${at}.when[${index}].values`, key, values },
      { at: `${at}.when[${index}].notValues`, key, values: notValues },
    ]),
  ];
}

function refused({ at, key, values }: Values): string[] {
  return values.flatMap((value) => {
    const why = whyRefused(key, value);
    return why === undefined ? [] : `${at} has "${value}": ${why}`;
  });
}

function whyRefused(key: string, value: string): string | undefined {
  if (value === '') return 'an empty text is no value';
  if (key === 'destination.port')
    return /^\d+$/.test(value) && Number(value) <= 65_535 ? undefined : 'a port is a number up to 65535';
  if (/^(?:source|remote|destination)\.ip$/.test(key))
    return isBlock(value) ? undefined : 'an address is written as 10.1.2.3, and a range as 10.0.0.0/8';
  if (key === 'source.serviceAccount')
    return /^[^/*]+(?:\/[^/*]+)?$/.test(value)
      ? undefined
      : 'a service account is written as NAME or NAMESPACE/NAME, without a star';
  return key === 'paths' ? whyNoPath(value) : undefined;
}

/** Why braces do not stand where they can in a template, or other signs beside them. */
function whyNoPath(value: string): string | undefined {
  const parts = value.replace(/^\/+|\/+$/g, '').split('/');
  const isTemplate = (part: string) => part === '{*}' || part === '{**}';
  const any = parts.indexOf('{**}');
  const plain = parts.filter((part) => !isTemplate(part));
  if (plain.some((part) => /[{}]/.test(part)) || (any !== -1 && parts.slice(any + 1).some(isTemplate)))
    return 'in braces there can be nothing but * or **, between slashes, and {**} is the last of them';
  const odd = plain.find((part) => !/^[\w.~%!$&'()+,;:@=-]+$/.test(part));
  return odd === undefined || plain.length === parts.length
    ? undefined
    : `in a path with {*} or {**}, "${odd}" cannot stand between slashes`;
}
