/**
 * Waits until proxies really have what was declared. Right answers alone prove nothing: while istiod tries a key URL that
 * fails, proxies go on with the configuration before, keys included.
 *
 * The proof has two legs. A marker that is applied after everything else arrives in every proxy that counts: what was
 * applied before has come too. And each proxy has the policies that are declared for it, rule by rule, and no others.
 * docs/adr/0017-markers.md says what is proven for which kind of object.
 */
import { randomBytes } from 'node:crypto';
import { HarnessError, understood } from '../../base/errors.ts';
import type { FetchMode } from '../../base/events.ts';
import { type Clock, monotonic, together } from '../../base/wait.ts';
import { declaredFor, nameOf } from '../../policy/selection.ts';
import type { KubeObject, ProxyRef, Survey, Target } from '../../target/target.ts';
import { type Concerned, concernedBy, type Sent } from './concerned.ts';
import { lacks, type ProxyState } from './declared.ts';

/** What has been seen of each proxy, by `namespace/pod`. */
export type Snapshot = ReadonlyMap<string, ProxyState>;

export type ProofResult = {
  readonly snapshot: Snapshot;
  readonly survey: Survey;
  /** How long it took, in milliseconds. */
  readonly ms: number;
} & (
  | { readonly kind: 'holds'; readonly proof: string }
  | { readonly kind: 'rejected'; readonly message: string }
  | {
      readonly kind: 'unproven';
      readonly message: string;
      /** The policy that it is about, when it is about one. */
      readonly policy?: KubeObject | undefined;
      /** What to do, where that is known. */
      readonly hint?: string | undefined;
    }
);

export interface Marked {
  readonly value: string;
  readonly proxies: readonly ProxyRef[];
}

export interface ProofRequest {
  /** The requests of the scenario. */
  readonly sent: readonly Sent[];
  /** What the scenario has applied and not deleted. */
  readonly inPlace: readonly KubeObject[];
  /** Names of policies that are meant to hold for nobody, as {@link nameOf} makes them. */
  readonly meantIdle: ReadonlySet<string>;
  /** How many markers must come one after the other; see {@link markersFor}. */
  readonly markers: 1 | 2;
  /** A marker that was applied before the step: where it has come, one more is enough. */
  readonly marked?: Marked | undefined;
  readonly fetch: FetchMode;
  /** In milliseconds. */
  readonly timeoutMs: number;
  readonly clock?: Clock | undefined;
}

/** Kinds of which a proxy learns with its listeners, as it does of the marker, or that no proxy learns of. */
const withListeners = [
  'RequestAuthentication',
  'AuthorizationPolicy',
  'ConfigMap',
  'Namespace',
  'ServiceAccount',
];

/**
 * How many markers prove that objects of these kinds have come. Within one push Envoy takes listeners before routes, so the
 * first marker may be there when a route is not; the push with the second one begins after that with the first has ended.
 */
export function markersFor(kinds: Iterable<string>): 1 | 2 {
  return [...kinds].every((kind) => withListeners.includes(kind)) ? 1 : 2;
}

/** How often in a row a proxy may fail to be read: a pod may go away in between. */
export const readFailures = 10;

/** After how many markers it is clear that a proxy will not get what is declared. */
const mostMarkers = 6;

export async function prove(
  target: Target,
  request: ProofRequest,
  signal: AbortSignal,
): Promise<ProofResult> {
  const { clock = monotonic } = request;
  const started = clock.now();
  const elapsed = () => Math.round(clock.now() - started);
  let value = '';
  const mark = async (proxies: Concerned['proxies']) => {
    value = await applyMarker(
      target,
      proxies.map(({ proxy }) => proxy),
      signal,
    );
  };
  const shown = await thatShow(target, request.marked, signal);
  // What it takes to look around is not added to the time of the push.
  let [survey] = await Promise.all([target.survey(signal), target.marksAll ? mark([]) : undefined]);
  let concerned = concernedIn(request, survey);
  let states = new Map<string, ProxyState>();
  let failures = 0;
  const seen = () => ({ snapshot: states, survey, ms: elapsed() });
  for (let sent = 1; ; sent++) {
    const idle = concerned.idle.find(({ policy }) => !request.meantIdle.has(nameOf(policy)));
    if (idle !== undefined) return { ...idleResult(idle), ...seen() };
    if (concerned.unknown !== undefined) return { kind: 'unproven', ...concerned.unknown, ...seen() };
    if (sent > 1 || !target.marksAll) await mark(concerned.proxies);
    for (let wait = 20; ; wait = Math.min(wait * 2, 100)) {
      await clock.pause(wait, signal);
      try {
        const before = states;
        // Those that have been seen with the marker are not read again.
        states = await readProxies(target, concerned, survey, signal, (name) => {
          const state = before.get(name);
          return state !== undefined && hasMarker(state, value) ? state : undefined;
        });
        failures = 0;
      } catch (thrown) {
        failures += 1;
        if (!isGone(thrown) || failures > readFailures || elapsed() >= request.timeoutMs) throw thrown;
        await clock.pause(100, signal);
        survey = await target.survey(signal);
        concerned = concernedIn(request, survey);
        continue;
      }
      const all = [...states.values()];
      const rejected = all.flatMap((state) => rejections(state, value));
      if (rejected.length > 0) return { kind: 'rejected', message: rejected.join('; '), ...seen() };
      if (all.every((state) => hasMarker(state, value))) break;
      if (elapsed() >= request.timeoutMs)
        return { kind: 'unproven', message: late(all, value, request.fetch), ...seen() };
    }
    const missing = [...states].flatMap(([name, state]) =>
      lacking(state, request.fetch).map((why) => `${name}: ${why}`),
    );
    const isSecond = concerned.proxies.every(({ proxy }) => shown.has(idOf(proxy)));
    if (missing.length === 0 && (isSecond || sent >= request.markers))
      return { kind: 'holds', proof: proofOf([...states.values()]), ...seen() };
    if (missing.length > 0 && (sent >= mostMarkers || elapsed() >= request.timeoutMs))
      return { kind: 'unproven', message: missing.join('; '), ...seen() };
    // What is not there though everything has come may be on its way: istiod hears of each kind by a stream of its own.
    if (missing.length > 0) await clock.pause(50 * sent, signal);
  }
}

/** Applies a marker that was never there before, and returns its value. */
export async function applyMarker(
  target: Target,
  proxies: readonly ProxyRef[],
  signal: AbortSignal,
): Promise<string> {
  // A value from before would prove what is not so.
  const value = `m${randomBytes(8).toString('hex')}`;
  await target.mark(value, proxies, signal);
  return value;
}

/** Proxies that show the marker now. Those that cannot be read do not. */
async function thatShow(
  target: Target,
  marked: Marked | undefined,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const { value, proxies } = marked ?? { value: '', proxies: [] };
  const reads = proxies.map(async (proxy) => {
    const { markers } = await target.proxyPolicies(proxy, signal);
    return areAll(markers, value) ? [idOf(proxy)] : [];
  });
  const read = await Promise.allSettled(reads);
  return new Set(read.flatMap((each) => (each.status === 'fulfilled' ? each.value : [])));
}

function idOf({ namespace, pod }: ProxyRef): string {
  return `${namespace}/${pod}`;
}

function idleResult({ policy, why }: Concerned['idle'][number]) {
  return {
    kind: 'unproven' as const,
    policy,
    message: `${nameOf(policy)} holds for no proxy, so nothing that it says is tested: ${why}`,
  };
}

/** Whose configuration counts, by what the API server has answered. */
export function concernedIn(
  { sent, inPlace }: Pick<ProofRequest, 'sent' | 'inPlace'>,
  survey: Survey,
): Concerned {
  return understood('the API server', () => concernedBy(sent, inPlace, survey));
}

/** What the proxy has not, of what is declared for it. */
export function lacking(state: ProxyState, fetch: FetchMode): string[] {
  return understood('the API server', () => lacks(state, fetch));
}

/**
 * What the proxies that count have, and what is declared for them.
 *
 * @param known of a proxy that need not be read again
 */
export async function readProxies(
  target: Target,
  { proxies }: Concerned,
  survey: Survey,
  signal: AbortSignal,
  known: (name: string) => ProxyState | undefined = () => undefined,
): Promise<Map<string, ProxyState>> {
  const states = await together(
    proxies,
    async ({ proxy, role }, own): Promise<[string, ProxyState]> => {
      const name = idOf(proxy);
      const before = known(name);
      if (before !== undefined) return [name, before];
      const policies = await target.proxyPolicies(proxy, own);
      return [name, { proxy, role, declared: declaredFor(proxy, survey), policies }];
    },
    signal,
  );
  return new Map(states);
}

/** Whether it may be that a pod has just gone away. */
export function isGone(thrown: unknown): boolean {
  return thrown instanceof HarnessError && thrown.code === 'E_EXEC';
}

function hasMarker({ policies }: ProxyState, value: string): boolean {
  return areAll(policies.markers, value);
}

/** In every place: a listener is taken over as a whole, and one may be later than another. */
function areAll(markers: ProxyState['policies']['markers'], value: string): boolean {
  return markers.length > 0 && markers.every((each) => each === value);
}

/**
 * What the proxy has refused of what has this marker, and therefore everything that was applied before it.
 *
 * @param value undefined: whatever it has refused
 */
export function rejections({ proxy, policies }: ProxyState, value?: string): string[] {
  return policies.rejected
    .filter(({ marker }) => value === undefined || marker === value)
    .map(({ reason }) => `${idOf(proxy)}: ${reason}`);
}

function late(states: readonly ProxyState[], value: string, fetch: FetchMode): string {
  return states
    .filter((state) => !hasMarker(state, value))
    .map((state) => {
      const id = idOf(state.proxy);
      const { rejected, markers } = state.policies;
      const [first] = rejected;
      if (first !== undefined) return `${id}: it rejected an update: ${first.reason}`;
      if (markers.length === 0) return `${id}: it has no HTTP listener to which policies could be attached`;
      return [`${id}: no push of istiod has reached it since the change`, ...lacking(state, fetch)].join(
        ', ',
      );
    })
    .join('; ');
}

/** What is proven, in words. */
export function proofOf(states: readonly ProxyState[], what = 'was applied'): string {
  if (states.length === 0) return 'no proxy is concerned';
  const providers = new Set(states.flatMap((state) => state.policies.providers.map((each) => each.issuer)));
  const rbac = new Set(states.flatMap((state) => state.policies.rbac.map((each) => each.name)));
  const has = [...[...providers].map((issuer) => `issuer ${issuer}`), ...[...rbac].map((name) => name)];
  const who = states.length === 1 ? '1 proxy has' : `${states.length} proxies have`;
  return `${who} what ${what}: ${has.length === 0 ? 'no policy' : has.join(', ')}`;
}
