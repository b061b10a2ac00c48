/** Who fetched the keys, by the access log of the key server from where it ended before the change. */
import { asHarnessError, HarnessError } from '../../base/errors.ts';
import type { CheckResult } from '../../base/events.ts';
import { isNoFetch } from '../../jwks/who.ts';
import type { FetchedCheck, PlannedStep } from '../../plan/types.ts';
import type { FetchLogEntry, KeyServerHandle, LogPosition, PodLogs } from '../../target/target.ts';
import { fetchFailures } from '../explain/explain-keys.ts';
import { jwksUrisOf } from '../explain/jwt-rules.ts';
import { whenCached } from '../keys/stale.ts';
import { resultBase, withoutVerdict } from '../results.ts';
import { deciding, type Held, proxiesOf, type StepState, warning } from '../steps/step-state.ts';
import { brokenInstruments } from './broken-instruments.ts';
import { ownAgent } from './build-request.ts';
import { lookAgain } from './look-again.ts';
import { withoutProof } from './verdict.ts';
import { collectEvidence, writeEvidence } from './write-evidence.ts';

/** Where the log of each key server ended whose log the step asks for, or why that is not known. */
export type LogEnds = ReadonlyMap<string, LogPosition | HarnessError>;

function checksOf(step: PlannedStep): FetchedCheck[] {
  return step.checks.filter(
    (check): check is FetchedCheck => check.kind === 'fetched' && check.skip === undefined,
  );
}

/** To be called before the step changes anything. What goes wrong is an error of the checks that need it. */
export async function logEnds(step: PlannedStep, state: StepState, signal: AbortSignal): Promise<LogEnds> {
  const waited = step.after === undefined ? [] : [step.after.of];
  const names = [...new Set([...checksOf(step).map(({ keyServer }) => keyServer), ...waited])];
  const ends = names.map(async (name): Promise<[string, LogPosition | HarnessError]> => {
    try {
      const log = logOf(name, state);
      return [name, await ('pods' in log ? state.target.podLogEnd(log.pods, signal) : log.logEnd())];
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return [name, asHarnessError(thrown)];
    }
  });
  return new Map(await Promise.all(ends));
}

/** Looks at the logs. A log that cannot be read is an error of its check alone: the answers of the step are known. */
export async function checkFetches(
  step: PlannedStep,
  state: StepState,
  held: Held,
  ends: LogEnds,
  since: number,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const checks = checksOf(step);
  const hasRequests = step.checks.some(({ kind, skip }) => kind === 'request' && skip === undefined);
  // Where there are requests it has been looked at after their answers.
  const now = hasRequests || checks.length === 0 ? held : await lookAgain(held, state, false, signal);
  return Promise.all(
    checks.map(async (check) => {
      try {
        return await checkOne(check, step, state, now, ends, since, signal);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        return withoutVerdict(state.scenario, step, check, 'error', asHarnessError(thrown));
      }
    }),
  );
}

async function checkOne(
  check: FetchedCheck,
  step: PlannedStep,
  state: StepState,
  before: Held,
  ends: LogEnds,
  since: number,
  signal: AbortSignal,
): Promise<CheckResult> {
  const [cached] = state.cachedKeys;
  if (cached !== undefined) {
    throw new HarnessError(
      'E_UNPROVEN',
      `istiod may have the keys of ${cached} in its cache, from an earlier scenario: who fetches them now is not to be seen`,
      { hint: whenCached },
    );
  }
  const all = await readLog(check.keyServer, state, ends, signal);
  const own = ownAgent(state.options.runId);
  const entries = all.filter((entry) => !isNoFetch(entry, own));
  const by = [...new Set(entries.map(nameOf))].sort();
  const right = check.by === 'nobody' ? by.length === 0 : by.length === 1 && by[0] === check.by;
  const actual =
    by.length === 0
      ? 'keys fetched by nobody'
      : `keys fetched by ${by.join(' and ')} (${entries.length} times)`;
  const durationMs = Math.max(0, Date.now() - since);
  const seen = { ...resultBase(state.scenario, step, check), actual, durationMs };
  const broken = right ? undefined : await brokenInstruments(state, signal);
  if (broken !== undefined) throw broken;
  const held = right ? before : await lookAgain(before, state, true, signal);
  if (held.kind === 'unproven' || held.kind === 'undone')
    return { ...seen, ...withoutProof(held, 'what the access log shows') };
  if (right) return { ...seen, state: 'passed' };
  return failed({ ...seen, state: 'failed' }, state, since, { all, entries }, signal);
}

function nameOf({ by }: FetchLogEntry): string {
  return by === 'other' ? 'somebody else' : by;
}

/** The result with its message and its evidence. */
async function failed(
  seen: CheckResult,
  state: StepState,
  since: number,
  log: { readonly all: readonly FetchLogEntry[]; readonly entries: readonly FetchLogEntry[] },
  signal: AbortSignal,
): Promise<CheckResult> {
  const { target, applied, options, snapshot } = state;
  const lines = log.all.map(
    (entry) =>
      `${new Date(entry.at).toISOString()} ${entry.status} ${entry.path} by ${entry.by}, ${clientOf(entry)}`,
  );
  const content = lines.join('\n') || 'nobody has asked for keys in this time';
  const query = { proxies: proxiesOf(deciding(snapshot)), requestId: '', since };
  const collected = await collectEvidence(target, query, signal);
  const uris = jwksUrisOf([...snapshot.values()].flatMap(({ declared }) => declared));
  const others = [...new Set(log.entries.filter(({ by }) => by === 'other').map(clientOf))];
  const why = [
    'the access log of the key server says otherwise',
    others.length === 0 ? undefined : `neither istiod nor Envoy has asked with ${others.join(', nor with ')}`,
    fetchFailures(uris, collected),
  ];
  const check = { ...seen, message: why.filter((part) => part !== undefined).join('; ') };
  const files = [{ name: 'key-server-log.txt', content }, ...collected];
  return { ...check, ...writeEvidence(options, check, applied, files, warning(state)) };
}

function clientOf({ userAgent, remote }: FetchLogEntry): string {
  const agent = userAgent === '' ? 'no user agent' : `user agent ${userAgent}`;
  return `${agent}, from ${remote ?? 'an unknown address'}`;
}

/** The server that the target has started, or the pods of one in the cluster. */
function logOf(name: string, { scenario, context }: StepState): KeyServerHandle | { readonly pods: PodLogs } {
  const spec = scenario.keyServers[name];
  const server = context.keyServers.get(name);
  if (server !== undefined) return server;
  if (spec?.pods !== undefined) return { pods: spec.pods };
  throw new HarnessError('E_SCENARIO', `key server "${name}" does not say which pods it runs in`, {
    hint: 'Add pods: { namespace: …, app: … }.',
    place: scenario.info.place,
  });
}

/** What a key server was asked since the position, for its keys. */
export async function readLog(
  name: string,
  state: StepState,
  ends: LogEnds,
  signal: AbortSignal,
): Promise<readonly FetchLogEntry[]> {
  const end = ends.get(name) ?? '';
  if (end instanceof HarnessError) throw end;
  const log = logOf(name, state);
  const path = state.scenario.keyServers[name]?.path ?? '';
  if ('pods' in log) return state.target.podFetches(log.pods, path, end, signal);
  return (await log.log(end)).filter((entry) => entry.path === path);
}
