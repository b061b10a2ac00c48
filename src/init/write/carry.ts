/** The user's objects as they stand in the scenario: the same, but for keys and private addresses. */
import { isScalar } from 'yaml';
import { hasPrivate } from '../../policy/match/ip-blocks.ts';
import { nameOf } from '../../policy/selection.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import type { KubeObject } from '../../target/target.ts';
import { type IssuerPlan, issuerOf } from '../issuers.ts';
import { documentOf, escaped, print } from './yaml-text.ts';

/** For documentation alone (RFC 5737): nobody has an address in it. */
const nobodys = '203.0.113.0/24';
const addressKeys = /^((not)?(ipBlocks|remoteIpBlocks))$/i;

/** Without what a server has added; `istio.io/dry-run` decides whether a policy is in force. */
export function plainObject({ apiVersion, kind, metadata, spec }: KubeObject): KubeObject {
  const { name, namespace = 'default', annotations = {} } = metadata;
  const dryRun = annotations['istio.io/dry-run'];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      ...(dryRun === undefined ? {} : { annotations: { 'istio.io/dry-run': dryRun } }),
    },
    spec: spec ?? {},
  };
}

/** Which of one's own addresses a client has is another matter in every mesh: nobody has any of them in a scenario. */
export function withoutPrivate(object: KubeObject): KubeObject {
  if (object.kind !== 'AuthorizationPolicy') return object;
  return { ...object, spec: replaced(object.spec, '') };
}

function replaced(node: unknown, key: string): unknown {
  if (typeof node === 'string')
    return addressKeys.test(key) && hasPrivate(node) === undefined ? nobodys : node;
  if (Array.isArray(node)) return node.map((each) => replaced(each, key));
  if (typeof node !== 'object' || node === null) return node;
  const { key: condition } = node as { key?: unknown };
  const isAddress = ['source.ip', 'remote.ip', 'destination.ip'].includes(String(condition));
  return Object.fromEntries(
    Object.entries(node).map(([name, value]) => [
      name,
      replaced(value, isAddress && /^(notV|v)alues$/.test(name) ? 'ipBlocks' : name),
    ]),
  );
}

/** The manifest as YAML, with comments where it differs from the user's. */
export function carried(object: KubeObject, own: KubeObject, issuers: readonly IssuerPlan[]): string {
  const rules = jwtRulesOf(object);
  const spec = escaped(object.spec) as Record<string, unknown>;
  const document = documentOf({
    ...object,
    spec: rules.length === 0 ? spec : { ...spec, jwtRules: rules.map((rule) => ruleWithKeys(rule, issuers)) },
  });
  const comment = (path: (string | number)[], text: string) => {
    const node = document.getIn(path, true);
    if (isScalar(node)) node.comment = ` ${text}`;
  };
  for (const [index, { jwksUri, jwks }] of rules.entries()) {
    const whose = jwksUri ?? (jwks === undefined ? 'what the issuer says of itself' : 'in the policy');
    comment(['spec', 'jwtRules', index, 'jwks'], `yours: ${whose}`);
  }
  if (JSON.stringify(object.spec) !== JSON.stringify(own.spec ?? {}))
    comment(['kind'], `${nameOf(own)} of yours has more, or other addresses: see above`);
  return print(document);
}

/**
 * Nobody but the user can sign for the user's keys, so the keys are those of the run. With these Istio refuses a rule without an
 * issuer ("issuer or jwksUri must be non-empty string").
 */
export function ruleWithKeys(rule: object, issuers: readonly IssuerPlan[]): object {
  const { issuer: _, jwksUri: __, jwks: ___, ...rest } = rule as Record<string, unknown>;
  const name = issuers.find((each) => each.issuer === issuerOf(rule))?.name;
  const [issuer, jwks] = [`\${issuers.${name}.issuer}`, `\${issuers.${name}.jwks}`];
  return { issuer, jwks, ...(escaped(rest) as object) };
}
