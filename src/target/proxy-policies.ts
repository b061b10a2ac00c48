/**
 * What a proxy enforces, read from its own configuration: the listeners of Envoy's `/config_dump`. That istiod has taken
 * a policy says nothing about the proxies; this does.
 */
import { distinct } from '../base/group.ts';
import { markerIn } from './marker.ts';
import type { ProviderRule, ProxyPolicies, ProxyRef } from './target.ts';

type Json = Record<string, unknown>;
interface Dump {
  configs?: Json[];
}

const httpManager = 'envoy.filters.network.http_connection_manager';

/** @param listeners answer of `/config_dump?resource=dynamic_listeners` */
export function readProxyPolicies(listeners: Dump, kind: ProxyRef['kind']): ProxyPolicies {
  const jwt: Json[] = [];
  const rbac: Json[] = [];
  const markers: string[] = [];
  for (const entry of listeners.configs ?? []) {
    // Only the active state is enforced: a warming or draining one is not yet, or no longer.
    const active = (entry.active_state as Json | undefined)?.listener as Json | undefined;
    if (active === undefined || !isInbound(active, kind)) continue;
    for (const manager of filtersOf(active, httpManager)) {
      jwt.push(...filtersOf(manager, 'envoy.filters.http.jwt_authn').filter(isIstios));
      const own = filtersOf(manager, 'envoy.filters.http.rbac');
      rbac.push(...own);
      markers.push(markerIn(own.map(({ shadow_rules }) => shadow_rules)) ?? '');
    }
  }
  return {
    providers: distinct(
      jwt.flatMap((config) => Object.values((config.providers ?? {}) as Record<string, Json>)).map(provider),
    ),
    rbac: distinct(rbac.flatMap(policies)),
    markers,
    rejected: rejections(listeners.configs ?? []),
  };
}

/** Policies hold for what comes in. A gateway has nothing else; its listeners have the direction OUTBOUND. */
function isInbound({ traffic_direction: direction }: Json, kind: ProxyRef['kind']): boolean {
  return kind === 'gateway' || direction === 'INBOUND';
}

function rejections(entries: readonly Json[]): ProxyPolicies['rejected'] {
  const found = entries.flatMap(({ name, error_state: error }) => {
    if (error === undefined) return [];
    const { details = 'rejected', failed_configuration: failed } = error as {
      details?: string;
      failed_configuration?: unknown;
    };
    return [{ name: name as string | undefined, details, marker: markerIn(failed) ?? '' }];
  });
  const named = found.filter(({ name }) => name !== undefined);
  // Envoy notes a rejected listener a second time, in an entry without a name.
  const nameless = found.filter(
    ({ name, details }) => name === undefined && !named.some((each) => each.details === details),
  );
  return [
    ...named.map(({ name, details, marker }) => ({ reason: `listener ${name}: ${details}`, marker })),
    ...nameless.map(({ details, marker }) => ({ reason: details, marker })),
  ];
}

/** The configurations of all filters of this name within a node. */
function filtersOf(root: unknown, name: string): Json[] {
  const found: Json[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const each of node) visit(each);
    } else if (typeof node === 'object' && node !== null) {
      if ((node as Json).name === name && 'typed_config' in node) found.push(node.typed_config as Json);
      for (const each of Object.values(node)) visit(each);
    }
  };
  visit(root);
  return found;
}

/** Istio names providers `origins-0`, `origins-1`, … (pilot/pkg/security/authn); an EnvoyFilter may add a filter of its own. */
function isIstios({ providers }: Json): boolean {
  return Object.keys((providers ?? {}) as Json).every((name) => /^origins-\d+$/.test(name));
}

function provider(config: Json): ProxyPolicies['providers'][number] {
  const local = config.local_jwks as { inline_string?: string; inline_bytes?: string } | undefined;
  const remote = config.remote_jwks as { http_uri?: { uri?: string } } | undefined;
  const text =
    local?.inline_string ??
    (local?.inline_bytes === undefined
      ? undefined
      : Buffer.from(local.inline_bytes, 'base64').toString('utf8'));
  return {
    issuer: String(config.issuer ?? ''),
    keys: text === undefined ? undefined : keysOf(text),
    uri: remote?.http_uri?.uri,
    rule: ruleOf(config),
  };
}

/** envoy.extensions.filters.http.jwt_authn.v3.JwtProvider, whose fields istiod sets as the rule has them (pilot/pkg/security/authn). */
function ruleOf(config: Json): ProviderRule {
  const list = (name: string) => (config[name] ?? []) as string[];
  const headers = (config.from_headers ?? []) as { name: string; value_prefix?: string }[];
  const claims = (config.claim_to_headers ?? []) as { header_name: string; claim_name: string }[];
  return {
    audiences: list('audiences'),
    fromHeaders: headers.map(({ name, value_prefix = '' }) => [name.toLowerCase(), value_prefix]),
    fromParams: list('from_params'),
    fromCookies: list('from_cookies'),
    forwardOriginalToken: config.forward === true,
    outputPayloadToHeader: String(config.forward_payload_header ?? '').toLowerCase(),
    outputClaimToHeaders: claims.map(({ header_name, claim_name }) => [
      header_name.toLowerCase(),
      claim_name,
    ]),
  };
}

function keysOf(text: string): Record<string, unknown>[] {
  try {
    return (JSON.parse(text) as { keys?: Record<string, unknown>[] }).keys ?? [];
  } catch {
    return [];
  }
}

function policies(config: Json): { name: string; action: string; rules: string }[] {
  const rules = config.rules as { action?: string; policies?: Record<string, unknown> } | undefined;
  // protojson leaves out the default value of an enum, which is ALLOW.
  const action = rules?.action ?? 'ALLOW';
  return Object.entries(rules?.policies ?? {}).map(([name, body]) => ({
    name,
    action,
    rules: JSON.stringify(body),
  }));
}
