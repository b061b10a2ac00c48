/**
 * What of a policy is refused, though its form is right; here all but the values in its rules. By Istio's definitions
 * (crd-all.gen.yaml), and by istiod's webhook (pkg/config/validation/validation.go, ValidateAuthorizationPolicy).
 */
import { isMap, specOf } from '../../base/kube-object.ts';
import type { KubeObject } from '../../target/target.ts';
import { plainField } from '../doubts/fields.ts';
import { actionOf, type Rule, rulesOf } from '../rules.ts';
import { isPolicy } from '../selection.ts';
import { jwtRulesOf } from '../token-locations.ts';
import { refusedJwtRule } from './jwt-rule-values.ts';
import { refusedValues } from './rule-values.ts';

/** What is refused, each with its place, such as `spec.rules[0].when[0].key`. The object has the form that it must have. */
export function refusedParts(object: KubeObject): string[] {
  if (!isPolicy(object)) return [];
  const rules = rulesOf(object);
  return [
    ...refusedSelection(specOf(object) as Readonly<Record<string, unknown>>),
    ...(object.kind === 'AuthorizationPolicy' ? refusedAction(object, rules) : []),
    ...refusedValues(rules),
    ...jwtRulesOf(object).flatMap((rule, index) => refusedJwtRule(rule, `spec.jwtRules[${index}]`)),
  ];
}

/** What a policy can be attached to, by its group; none is that of Service. */
const targets: Readonly<Record<string, string>> = {
  Service: '',
  ServiceEntry: 'networking.istio.io',
  Gateway: 'gateway.networking.k8s.io',
  GatewayClass: 'gateway.networking.k8s.io',
};

function refusedSelection(spec: Readonly<Record<string, unknown>>): string[] {
  const given = ['selector', 'targetRef', 'targetRefs'].filter((name) => spec[name] !== undefined);
  const { selector, targetRef, targetRefs = [] } = spec;
  const labels = isMap(selector) && isMap(selector.matchLabels) ? Object.entries(selector.matchLabels) : [];
  const refs = [
    ...(isMap(targetRef) ? [['spec.targetRef', targetRef] as const] : []),
    ...(targetRefs as readonly unknown[]).flatMap((ref, index) =>
      isMap(ref) ? [[`spec.targetRefs[${index}]`, ref] as const] : [],
    ),
  ];
  return [
    ...(given.length > 1 ? [`spec has ${given.join(' and ')}: write one of them`] : []),
    ...labels.flatMap(([name, value]) =>
      name === '' || `${name}${value}`.includes('*')
        ? `spec.selector.matchLabels has "${name}: ${value}": labels are compared as they are; without a selector it is every workload`
        : [],
    ),
    ...refs.flatMap(([at, ref]) => refusedTarget(at, ref)),
  ];
}

function refusedTarget(at: string, ref: Readonly<Record<string, unknown>>): string[] {
  const { group = '', kind, name, namespace } = ref;
  const wanted = targets[String(kind)];
  return [
    ...(name === '' ? [`${at}.name is empty`] : []),
    ...(namespace === undefined || namespace === ''
      ? []
      : [`${at}.namespace is set: a policy is attached to what is in its own namespace`]),
    ...(wanted === undefined
      ? [`${at}.kind is ${kind}, and must be one of ${Object.keys(targets).join(', ')}`]
      : group === wanted || (wanted === '' && group === 'core')
        ? []
        : [`${at}.group is "${group}", and that of ${kind} is "${wanted}"`]),
  ];
}

function refusedAction(policy: KubeObject, rules: readonly Rule[]): string[] {
  const action = actionOf(policy);
  const { provider } = specOf(policy) as { provider?: { readonly name?: unknown } };
  if (rules.length === 0 && /^(?:DENY|CUSTOM)$/.test(action))
    return [
      `spec.rules is missing, without which action ${action} is never taken: an empty rule, {}, is for every request`,
    ];
  if (action !== 'CUSTOM')
    return provider === undefined ? [] : [`spec.provider is for action CUSTOM, and the action is ${action}`];
  return [
    ...(provider?.name ? [] : ['spec.provider.name is missing: action CUSTOM asks an extension provider']),
    ...rules.flatMap((rule, index) => unfitForCustom(rule, `spec.rules[${index}]`)),
  ];
}

const customKeys = /^(?:source\.(?:namespace|serviceAccount|trustDomain|principal)$|request\.auth\.)/;
const addresses = ['ipBlocks', 'remoteIpBlocks'];

/** What Envoy does not know yet when it asks a provider. */
function unfitForCustom({ from = [], when = [] }: Rule, at: string): string[] {
  const places = [
    ...from.flatMap(({ source = {} }, index) =>
      Object.entries(source).flatMap(([field, values = []]) =>
        values.length === 0 || addresses.includes(plainField(field))
          ? []
          : `${at}.from[${index}].source.${field}`,
      ),
    ),
    ...when.flatMap(({ key }, index) => (customKeys.test(key) ? `${at}.when[${index}].key "${key}"` : [])),
  ];
  return places.map((place) => `${place} cannot be used with action CUSTOM, which comes before identities`);
}
