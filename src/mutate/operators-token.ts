/** Mistakes in RequestAuthentications: which tokens are accepted, where they are looked for, and what becomes of them. */
import { type JwtRule, jwtRulesOf } from '../policy/token-locations.ts';
import type { KubeObject } from '../target/target.ts';
import { type Change, replaced, shortened, without } from './change.ts';

interface Altered {
  readonly change: string;
  readonly to: JwtRule;
}

/** Fields that a rule can do without. */
const optional = [
  'audiences',
  'fromHeaders',
  'fromParams',
  'fromCookies',
  'outputPayloadToHeader',
  'outputClaimToHeaders',
  'forwardOriginalToken',
  'spaceDelimitedClaims',
] as const;
const lists = ['audiences', 'fromParams', 'fromCookies', 'spaceDelimitedClaims'] as const;

/** @param policy a RequestAuthentication */
export function tokenChanges(policy: KubeObject): Change[] {
  const rules = jwtRulesOf(policy);
  const as = (changed: readonly JwtRule[]): KubeObject => ({
    ...policy,
    spec: { ...(policy.spec as object), jwtRules: changed },
  });
  const isOnly = rules.length === 1;
  return rules.flatMap((rule, index) => {
    const name = isOnly ? 'its rule' : `rule ${index + 1} (${rule.issuer ?? 'of any issuer'})`;
    return [
      // Without its only rule it does what no policy does, which is a mistake by itself.
      ...(isOnly ? [] : [{ change: `without ${name}`, object: as(replaced(rules, index, undefined)) }]),
      ...ruleChanges(rule).map(({ change, to }) => ({
        change: `${name} ${change}`,
        object: as(replaced(rules, index, to)),
      })),
    ];
  });
}

function ruleChanges(rule: JwtRule): Altered[] {
  const { issuer = '', jwksUri, fromHeaders = [], outputClaimToHeaders = [] } = rule;
  const given = optional.filter((field) => isGiven(rule[field]));
  return [
    ...(issuer === ''
      ? []
      : [{ change: `for the issuer ${issuer}-other`, to: { ...rule, issuer: `${issuer}-other` } }]),
    // Istio refuses a rule that has neither ("issuer or jwksUri must be non-empty string").
    ...(issuer === '' || (jwksUri ?? '') === ''
      ? []
      : [{ change: 'without its issuer', to: without(rule, 'issuer') }]),
    ...given.map((field) => ({ change: `without its \`${field}\``, to: without(rule, field) })),
    ...lists.flatMap((field) =>
      shortened(rule[field] ?? []).map(({ left, gone }) => ({
        change: `without ${gone} in \`${field}\``,
        to: { ...rule, [field]: left },
      })),
    ),
    ...shortened(fromHeaders).map(({ left, gone }) => ({
      change: `without ${gone.name} in \`fromHeaders\``,
      to: { ...rule, fromHeaders: left },
    })),
    ...fromHeaders.flatMap(({ name, prefix = '' }, index) =>
      prefix === ''
        ? []
        : [
            {
              change: `without the prefix of ${name} in \`fromHeaders\``,
              to: { ...rule, fromHeaders: replaced(fromHeaders, index, { name }) },
            },
          ],
    ),
    ...shortened(outputClaimToHeaders).map(({ left, gone }) => ({
      change: `without ${gone.header} in \`outputClaimToHeaders\``,
      to: { ...rule, outputClaimToHeaders: left },
    })),
  ];
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false && value !== '';
}
