/**
 * Why the mesh may have answered otherwise than expected, as far as it can be read from the policies that were applied,
 * those that select the proxies, and Envoy's own words in the answer.
 */
import { nameOfKey } from '../names.ts';
import type { PlannedStep } from '../plan/types.ts';
import { resolve } from '../scenario/template.ts';
import type { KubeObject } from '../target/target.ts';
import type { Snapshot } from './hold.ts';
import type { StepState } from './state.ts';

export interface WrongAnswer {
  readonly expected: number;
  readonly status: number;
  readonly body: string;
  /** The `iss` claim of the token that was sent, when there is one. */
  readonly issuer: string | undefined;
  /** Every object that the scenario has applied and not deleted. */
  readonly applied: readonly KubeObject[];
  /** What selects the proxies that decide, and what they have. */
  readonly snapshot: Snapshot;
}

/** A half sentence, such as `no AuthorizationPolicy selects foo/httpbin-1`; undefined when nothing is to be seen. */
export function explain(wrong: WrongAnswer): string | undefined {
  const states = [...wrong.snapshot.values()];
  if (states.length === 0) return undefined;
  const declared = states.flatMap((state) => state.declared);
  return (
    selectsNothing(wrong.applied, declared) ??
    fromEnvoy(wrong, declared) ??
    nothingSelects(wrong, declared, [...wrong.snapshot.keys()].join(', '))
  );
}

const kinds = ['RequestAuthentication', 'AuthorizationPolicy'];

function selectsNothing(applied: readonly KubeObject[], declared: readonly KubeObject[]): string | undefined {
  const names = new Set(declared.map(nameOf));
  const lost = applied
    .filter(({ kind, spec }) => kinds.includes(kind) && !hasTarget(spec))
    .map(nameOf)
    .filter((name) => !names.has(name));
  if (lost.length === 0) return undefined;
  const verb = lost.length === 1 ? 'selects' : 'select';
  return `${lost.join(' and ')} ${verb} none of the proxies that decide about this request: see namespace and selector`;
}

/** Policies for gateways and waypoints name them, and are not found by labels. */
function hasTarget(spec: unknown): boolean {
  const { targetRef, targetRefs } = (spec ?? {}) as { targetRef?: unknown; targetRefs?: unknown };
  return targetRef !== undefined || targetRefs !== undefined;
}

/** The texts are those of Envoy's jwt_authn (jwt_verify_lib, status.cc) and rbac filters. */
function fromEnvoy(wrong: WrongAnswer, declared: readonly KubeObject[]): string | undefined {
  const rules = declared.flatMap(
    ({ spec }) =>
      (spec as { jwtRules?: { issuer?: string; jwksUri?: string }[] } | undefined)?.jwtRules ?? [],
  );
  const uris = rules.flatMap(({ jwksUri }) => (jwksUri === undefined ? [] : [jwksUri]));
  if (wrong.body.startsWith('Jwt issuer is not configured') && wrong.issuer !== undefined) {
    return `iss of the token is ${wrong.issuer}, and the policies are for ${list(rules.map(({ issuer }) => issuer))}`;
  }
  if (/^(Jwks|Jwt verification fails)/.test(wrong.body) && uris.length > 0) {
    return `the proxy may not have the keys of ${list(uris)}: see istiod-jwks.txt of the evidence`;
  }
  if (wrong.status === 403 && wrong.body.startsWith('RBAC:')) {
    const rbac = [...wrong.snapshot.values()].flatMap(({ policies }) => policies.rbac);
    const having = (action: string) => rbac.filter((each) => each.action === action).map(({ name }) => name);
    const denied = having('DENY').length === 0 ? undefined : `${list(having('DENY'))} denies it`;
    const notAllowed =
      having('ALLOW').length === 0 ? undefined : `none of ${list(having('ALLOW'))} allows it`;
    return [denied, notAllowed].filter((part) => part !== undefined).join(', or ') || undefined;
  }
  return undefined;
}

function nothingSelects(
  { expected, status }: WrongAnswer,
  declared: readonly KubeObject[],
  proxies: string,
): string | undefined {
  const missing = (kind: string) => !declared.some((object) => object.kind === kind);
  if (status === expected) return undefined;
  if (expected === 403 && missing('AuthorizationPolicy')) return `no AuthorizationPolicy selects ${proxies}`;
  if (expected === 401 && missing('RequestAuthentication'))
    return `no RequestAuthentication selects ${proxies}`;
  return undefined;
}

function nameOf({ kind, metadata }: KubeObject): string {
  return nameOfKey({ kind, name: metadata.name, namespace: metadata.namespace });
}

function list(values: readonly (string | undefined)[]): string {
  return [...new Set(values)].join(', ') || 'none';
}

export function issuerOf(claims: unknown): string | undefined {
  const { iss } = (claims ?? {}) as { iss?: unknown };
  return typeof iss === 'string' ? iss : undefined;
}

/** Every object that the scenario has applied up to this step and not deleted again. */
export function inPlace(
  step: PlannedStep,
  { scenario, context }: Pick<StepState, 'scenario' | 'context'>,
): KubeObject[] {
  const objects = new Map<string, KubeObject>();
  for (const each of scenario.steps.slice(0, scenario.steps.indexOf(step) + 1)) {
    for (const ref of each.delete) objects.delete(nameOfKey(ref));
    for (const { manifest, place } of each.apply) {
      const object = resolve(manifest, context.names, place) as unknown as KubeObject;
      objects.set(nameOf(object), object);
    }
  }
  return [...objects.values()];
}
