/** The user's policies as they stand in the scenario: the same, but for keys, namespace and what is attached to gateways. */
import { isScalar } from 'yaml';
import { escapeTemplate } from '../scenario/template.ts';
import type { IssuerPlan } from './issuers.ts';
import { ownNamespace } from './plan.ts';
import { nameOf, type Policy } from './policy.ts';
import { documentOf, print } from './text.ts';

/** Labels of the ingress gateway in every mesh of this tool. */
const gatewaySelector = { matchLabels: { istio: 'ingressgateway' } };
const gatewayNamespace = 'istio-system';

/**
 * The manifest as YAML, with comments where it differs from the user's.
 *
 * @param name under which it is applied: two namespaces of the user become one
 */
export function carried(policy: Policy, name: string, issuers: readonly IssuerPlan[]): string {
  const { object, isForGateway } = policy;
  const { selector, targetRef, targetRefs, jwtRules, ...rest } = escaped(object.spec ?? {}) as Record<
    string,
    unknown
  >;
  const chosen = isForGateway ? gatewaySelector : selector;
  const document = documentOf({
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace: isForGateway ? gatewayNamespace : ownNamespace },
    spec: {
      ...(chosen === undefined ? {} : { selector: chosen }),
      ...(policy.kind === 'RequestAuthentication'
        ? {
            jwtRules: policy.jwtRules.map((rule) =>
              ruleWithKeys(escaped(rule) as object, rule.issuer, issuers),
            ),
          }
        : rest),
    },
  });
  const comment = (path: (string | number)[], text: string) => {
    const node = document.getIn(path, true);
    if (isScalar(node)) node.comment = ` ${text}`;
  };
  const isMeshWide = policy.namespace === gatewayNamespace && !isForGateway;
  const own = nameOf(object).replace(`${object.kind} `, '');
  comment(['kind'], `yours: ${own}${isMeshWide ? ', for all namespaces' : ''}`);
  if (isForGateway && (targetRef ?? targetRefs) !== undefined) {
    comment(['spec', 'selector', 'matchLabels', 'istio'], 'yours is attached with targetRefs');
  }
  if (policy.kind === 'RequestAuthentication') {
    for (const [index, { jwksUri, jwks }] of policy.jwtRules.entries()) {
      const whose = jwksUri ?? (jwks === undefined ? 'what the issuer says of itself' : 'in the policy');
      comment(['spec', 'jwtRules', index, 'jwks'], `yours: ${whose}`);
    }
  }
  return print(document);
}

/** Nobody but the user can sign for the user's keys, so the keys are those of the run. */
function ruleWithKeys(rule: object, issuer: string, issuers: readonly IssuerPlan[]): object {
  const { issuer: _, jwksUri: __, jwks: ___, ...rest } = rule as Record<string, unknown>;
  const name = issuers.find((each) => each.issuer === issuer)?.name;
  return { issuer: `\${issuers.${name}.issuer}`, jwks: `\${issuers.${name}.jwks}`, ...rest };
}

/** What the user has written is no template of ours. */
function escaped(node: unknown): unknown {
  if (typeof node === 'string') return escapeTemplate(node);
  if (Array.isArray(node)) return node.map(escaped);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, escaped(value)]));
}
