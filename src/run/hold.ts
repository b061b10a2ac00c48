/**
 * Waits until proxies really have what was declared. Right answers alone prove nothing: while istiod tries a key URL that
 * fails, proxies go on with the configuration before, keys included.
 *
 * Proof is the proxy's own configuration: it has a provider for every rule of the RequestAuthentications that select
 * it and for nothing else, the RBAC policies of exactly the AuthorizationPolicies that select it, and every part of it
 * that was changed is not what it was before the change.
 */
import { isDeepStrictEqual } from 'node:util';
import { HarnessError } from '../errors.ts';
import type { FetchMode } from '../events.ts';
import type { KubeObject, ProxyPolicies, ProxyRef, Target } from '../target/target.ts';
import { pause, together } from '../wait.ts';
import { type JwtRule, jwtRulesOf } from './jwt-rules.ts';

/** What is known of one proxy: what the API server declares for it and what it has. */
export interface ProxyState {
  readonly proxy: ProxyRef;
  readonly declared: readonly KubeObject[];
  readonly policies: ProxyPolicies;
}

/** What has been seen of each proxy, by `namespace/pod`. */
export type Snapshot = ReadonlyMap<string, ProxyState>;

export type HoldResult =
  | { readonly kind: 'holds'; readonly proof: string; readonly snapshot: Snapshot; readonly ms: number }
  | { readonly kind: 'rejected'; readonly message: string; readonly snapshot: Snapshot; readonly ms: number }
  | { readonly kind: 'unproven'; readonly message: string; readonly snapshot: Snapshot; readonly ms: number };

/** Reads declared and real policies of every proxy. */
export async function takeSnapshot(
  target: Target,
  proxies: readonly ProxyRef[],
  hosts: readonly string[],
  signal: AbortSignal,
): Promise<Snapshot> {
  const states = await together(
    proxies,
    async (proxy, own): Promise<[string, ProxyState]> => {
      const [declared, policies] = await Promise.all([
        target.declaredPolicies(proxy, own),
        target.proxyPolicies(proxy, hosts, own),
      ]);
      return [`${proxy.namespace}/${proxy.pod}`, { proxy, declared, policies }];
    },
    signal,
  );
  return new Map(states);
}

/** How long proxies may take to let go of what was deleted before; milliseconds. */
const settleMs = 10_000;

/**
 * Reads what proxies have before a change, once they have what is declared then: what is left of the scenario before may
 * look like what is to come, such as istiod's substitute for keys of one issuer that it cannot fetch. Proxies that do not
 * get there in time, because something else is wrong with them, are taken as they are.
 *
 * @param options fetch: where the proxies have their keys from; timeoutMs: how long to wait at most, in milliseconds
 */
export async function takeSettledSnapshot(
  target: Target,
  proxies: () => Promise<readonly ProxyRef[]>,
  hosts: readonly string[],
  options: { readonly fetch: FetchMode; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<Snapshot> {
  const deadline = Date.now() + Math.min(options.timeoutMs, settleMs);
  let failures = 0;
  for (;;) {
    let snapshot: Snapshot;
    try {
      snapshot = await takeSnapshot(target, await proxies(), hosts, signal);
      failures = 0;
    } catch (thrown) {
      failures += 1;
      if (!isGone(thrown) || failures > readFailures) throw thrown;
      await pause(100, signal);
      continue;
    }
    const settled = [...snapshot.values()].every(
      (state) => lacks(state, undefined, false, options.fetch).length === 0,
    );
    if (settled || Date.now() >= deadline) return snapshot;
    await pause(50, signal);
  }
}

/** How often in a row the configuration of a proxy may fail to be read: a pod may go away in between. */
const readFailures = 10;

function isGone(thrown: unknown): boolean {
  return thrown instanceof HarnessError && thrown.code === 'E_EXEC';
}

/**
 * @param before what the proxies had before the change; a proxy that is new since then counts as changed
 * @param hosts hosts of ServiceEntries and DestinationRules that were changed: their clusters must have changed too
 */
export async function waitUntilHeld(
  target: Target,
  options: {
    readonly proxies: () => Promise<readonly ProxyRef[]>;
    readonly before: Snapshot;
    readonly hosts: readonly string[];
    readonly fetch: FetchMode;
    readonly timeoutMs: number;
    readonly since: number;
  },
  signal: AbortSignal,
): Promise<HoldResult> {
  const deadline = Date.now() + options.timeoutMs;
  let failures = 0;
  for (;;) {
    let snapshot: Snapshot;
    try {
      snapshot = await takeSnapshot(target, await options.proxies(), options.hosts, signal);
      failures = 0;
    } catch (thrown) {
      failures += 1;
      if (!isGone(thrown) || failures > readFailures || Date.now() >= deadline) throw thrown;
      await pause(100, signal);
      continue;
    }
    const states = [...snapshot.entries()];
    const ms = Date.now() - options.since;
    const late = Date.now() >= deadline;
    const rejected = states.flatMap(([name, state]) =>
      rejections(name, state, options.before, late).map((why) => `${name}: ${why}`),
    );
    if (rejected.length > 0 && !late) return { kind: 'rejected', message: rejected.join('; '), snapshot, ms };
    const missing = states.flatMap(([name, state]) =>
      lacks(state, options.before.get(name), options.hosts.length > 0, options.fetch).map(
        (why) => `${name}: ${why}`,
      ),
    );
    if (missing.length === 0)
      return { kind: 'holds', proof: proofOf(states.map(([, state]) => state)), snapshot, ms };
    if (late && rejected.length > 0) return { kind: 'rejected', message: rejected.join('; '), snapshot, ms };
    if (late) return { kind: 'unproven', message: missing.join('; '), snapshot, ms };
    await pause(100, signal);
  }
}

/**
 * What the proxy has refused because of this change. Envoy keeps the reason until the next update that it takes, so one
 * that was there before the change counts only when nothing better has come by the end of the time.
 */
function rejections(name: string, state: ProxyState, before: Snapshot, late: boolean): readonly string[] {
  const { rejected } = state.policies;
  if (late) return rejected;
  if (before.size === 0) return [];
  const old = before.get(name)?.policies.rejected ?? [];
  return rejected.filter((why) => !old.includes(why));
}

/** What the proxy does not have yet of what is declared; empty when it has all of it and nothing else. */
export function lacks(
  state: ProxyState,
  before: ProxyState | undefined,
  clustersChanged: boolean,
  fetch: FetchMode,
): string[] {
  return [
    ...lacksProviders(state, fetch),
    ...lacksRbac(state),
    ...(before === undefined ? [] : unchanged(state, before, clustersChanged)),
  ];
}

function lacksProviders(state: ProxyState, fetch: FetchMode): string[] {
  const rules = jwtRulesOf(state.declared);
  const { providers } = state.policies;
  const issuers = new Set(rules.map((rule) => rule.issuer ?? ''));
  const missing = rules
    .filter(
      (rule) =>
        !providers.some(
          (provider) => provider.issuer === (rule.issuer ?? '') && matches(provider, rule, fetch),
        ),
    )
    .map((rule) => `it has no provider for issuer ${rule.issuer ?? '(any)'} with the declared keys`);
  const superfluous = providers
    .filter((provider) => !issuers.has(provider.issuer))
    .map((provider) => `it still has a provider for issuer ${provider.issuer}`);
  return [...missing, ...superfluous];
}

/** Whether a provider can be the one of the rule: the same inline keys, or keys from where the fetch mode has them. */
function matches(provider: ProxyPolicies['providers'][number], rule: JwtRule, fetch: FetchMode): boolean {
  if (rule.jwks !== undefined && rule.jwks !== '') return isDeepStrictEqual(provider.keys, keysOf(rule.jwks));
  if (fetch === 'istiod') return provider.keys !== undefined;
  if (fetch === 'hybrid' && provider.keys !== undefined) return true;
  return provider.uri !== undefined && (rule.jwksUri === undefined || provider.uri === rule.jwksUri);
}

function keysOf(jwks: string): unknown {
  try {
    return (JSON.parse(jwks) as { keys?: unknown }).keys;
  } catch {
    return undefined;
  }
}

/** Istio names the RBAC policies `ns[NAMESPACE]-policy[NAME]-rule[N]` (pilot/pkg/security/authz/builder). */
function lacksRbac(state: ProxyState): string[] {
  const names = state.policies.rbac.map((each) => each.name);
  const wanted = state.declared
    .filter((object) => object.kind === 'AuthorizationPolicy')
    // CUSTOM is enforced by ext_authz, and a dry run is not enforced at all.
    .filter((object) => (object.spec as { action?: string } | undefined)?.action !== 'CUSTOM')
    .filter((object) => object.metadata.annotations?.['istio.io/dry-run'] !== 'true')
    .map((object) => `ns[${object.metadata.namespace}]-policy[${object.metadata.name}]-`);
  return [
    ...wanted
      .filter((prefix) => !names.some((name) => name.startsWith(prefix)))
      .map((prefix) => `it has no RBAC policy ${prefix}…`),
    ...names
      .filter((name) => name.startsWith('ns[') && !wanted.some((prefix) => name.startsWith(prefix)))
      .map((name) => `it still has the RBAC policy ${name}`),
  ];
}

/** Parts that must have changed, because what is declared for them has, and have not. */
function unchanged(state: ProxyState, before: ProxyState, clustersChanged: boolean): string[] {
  const parts: [string, boolean, 'jwt' | 'rbac' | 'clusters'][] = [
    ['RequestAuthentication', differs('RequestAuthentication', state, before), 'jwt'],
    ['AuthorizationPolicy', differs('AuthorizationPolicy', state, before), 'rbac'],
    ['the host', clustersChanged, 'clusters'],
  ];
  return parts
    .filter(
      ([, changed, part]) =>
        changed && state.policies.fingerprint[part] === before.policies.fingerprint[part],
    )
    .map(([what]) => `its configuration for ${what} is still the one before the change`);
}

function differs(kind: string, state: ProxyState, before: ProxyState): boolean {
  const specs = (each: ProxyState) =>
    each.declared
      .filter((object) => object.kind === kind)
      .map((object) => JSON.stringify([object.metadata.namespace, object.metadata.name, object.spec]))
      .sort();
  return !isDeepStrictEqual(specs(state), specs(before));
}

function proofOf(states: readonly ProxyState[]): string {
  if (states.length === 0) return 'no proxy decides about these requests';
  const providers = new Set(states.flatMap((state) => state.policies.providers.map((each) => each.issuer)));
  const rbac = new Set(states.flatMap((state) => state.policies.rbac.map((each) => each.name)));
  const has = [...[...providers].map((issuer) => `issuer ${issuer}`), ...[...rbac].map((name) => name)];
  return `${states.length} ${states.length === 1 ? 'proxy has' : 'proxies have'} ${has.length === 0 ? 'no policy' : has.join(', ')}`;
}
