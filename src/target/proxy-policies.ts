/**
 * What a proxy enforces, read from its own configuration: the listeners and clusters of Envoy's `/config_dump`.
 * That istiod has taken a policy says nothing about the proxies; this does.
 */
import { createHash } from 'node:crypto';
import type { ProxyPolicies } from './target.ts';

type Json = Record<string, unknown>;
interface Dump {
  configs?: Json[];
}

/**
 * @param listeners answer of `/config_dump?resource=dynamic_listeners`
 * @param clusters answer of `/config_dump?resource=dynamic_active_clusters`, or undefined when none matter
 * @param hosts only clusters whose name contains one of these count for the fingerprint
 */
export function readProxyPolicies(
  listeners: Dump,
  clusters: Dump | undefined,
  hosts: readonly string[],
): ProxyPolicies {
  const jwt: Json[] = [];
  const rbac: Json[] = [];
  const rejected: string[] = [];
  const nameless: string[] = [];
  for (const listener of listeners.configs ?? []) {
    // Only the active state is enforced: a warming or draining one is not yet, or no longer.
    visit((listener.active_state as Json | undefined)?.listener, (filter) => {
      if (filter.name === 'envoy.filters.http.jwt_authn') jwt.push(filter.typed_config as Json);
      if (filter.name === 'envoy.filters.http.rbac') rbac.push(filter.typed_config as Json);
    });
    const error = listener.error_state as { details?: string } | undefined;
    // Envoy notes a rejected listener a second time, in an entry without a name.
    if (error !== undefined && listener.name !== undefined)
      rejected.push(`listener ${listener.name}: ${error.details ?? 'rejected'}`);
    else if (error !== undefined) nameless.push(error.details ?? 'a listener was rejected');
  }
  const relevant = (clusters?.configs ?? [])
    .map((each) => each.cluster as Json)
    .filter((cluster) => hosts.some((host) => String(cluster?.name).includes(host)));
  return {
    providers: unique(
      jwt.flatMap((config) => Object.values((config.providers ?? {}) as Record<string, Json>)).map(provider),
    ),
    rbac: unique(rbac.flatMap(policies)),
    fingerprint: { jwt: hash(jwt), rbac: hash(rbac), clusters: hash(relevant) },
    rejected: [
      ...rejected,
      ...nameless.filter((details) => !rejected.some((named) => named.endsWith(details))),
    ],
  };
}

function visit(node: unknown, found: (filter: Json) => void): void {
  if (Array.isArray(node)) {
    for (const each of node) visit(each, found);
  } else if (typeof node === 'object' && node !== null) {
    if (typeof (node as Json).name === 'string' && 'typed_config' in node) found(node as Json);
    for (const each of Object.values(node)) visit(each, found);
  }
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

function unique<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
