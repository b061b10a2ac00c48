/** Who fetched the keys, by the access log of the key server. */
import { asHarnessError, HarnessError } from '../errors.ts';
import type { CheckResult } from '../events.ts';
import type { FetchedCheck, PlannedStep } from '../plan/types.ts';
import type { FetchLogEntry } from '../target/target.ts';
import { pause } from '../wait.ts';
import { collectEvidence, writeEvidence } from './evidence.ts';
import { fetchFailures } from './explain-keys.ts';
import { jwksUrisOf } from './jwt-rules.ts';
import { resultBase, withoutVerdict } from './results.ts';
import { deciding, proxiesOf, type StepState } from './state.ts';

/** How long an entry may take to appear in the log of a pod, in milliseconds, unless the target says otherwise. */
const podLogDelay = 1000;

/** Looks at the logs. A log that cannot be read is an error of its check alone: the answers of the step are known. */
export async function checkFetches(
  step: PlannedStep,
  state: StepState,
  since: number,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const checks = step.checks.filter(
    (check): check is FetchedCheck => check.kind === 'fetched' && check.skip === undefined,
  );
  return Promise.all(
    checks.map(async (check) => {
      try {
        return await checkOne(check, step, state, since, signal);
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
  since: number,
  signal: AbortSignal,
): Promise<CheckResult> {
  const where = state.scenario.keyServers[check.keyServer]?.where ?? 'external';
  // An external server is asked for its log itself.
  const delay = where === 'external' ? 0 : (state.target.podLogDelayMs ?? podLogDelay);
  const deadline = Date.now() + delay;
  for (;;) {
    // Fetches by others, such as a check with curl, say nothing about the mesh.
    const all = await readLog(check.keyServer, state, since, signal);
    const entries = all.filter((entry) => entry.by !== 'other');
    const by = [...new Set(entries.map((entry) => entry.by))].sort();
    const right = check.by === 'nobody' ? by.length === 0 : by.length === 1 && by[0] === check.by;
    // "nobody" can only be said at the end of the time.
    if ((right && check.by !== 'nobody') || Date.now() >= deadline || by.length > 1) {
      const actual =
        by.length === 0
          ? 'keys fetched by nobody'
          : `keys fetched by ${by.join(' and ')} (${entries.length} times)`;
      const base = resultBase(state.scenario, step, check);
      const durationMs = Date.now() - since;
      if (right) return { ...base, state: 'passed', actual, durationMs };
      return failed({ ...base, state: 'failed', actual, durationMs }, state, since, all, signal);
    }
    await pause(100, signal);
  }
}

/** The result with its message and its evidence. */
async function failed(
  seen: CheckResult,
  state: StepState,
  since: number,
  log: readonly FetchLogEntry[],
  signal: AbortSignal,
): Promise<CheckResult> {
  const { target, applied, options, snapshot } = state;
  const lines = log.map(
    ({ at, path, status, by, userAgent, remote }) =>
      `${new Date(at).toISOString()} ${status} ${path} by ${by}, user agent ${userAgent}, from ${remote ?? 'unknown'}`,
  );
  const content = lines.join('\n') || 'nobody has asked for keys in this time';
  const query = { proxies: proxiesOf(deciding(snapshot)), requestId: '', since };
  const collected = await collectEvidence(target, query, signal);
  const uris = jwksUrisOf([...snapshot.values()].flatMap(({ declared }) => declared));
  const why = ['the access log of the key server says otherwise', fetchFailures(uris, collected)];
  const check = { ...seen, message: why.filter((part) => part !== undefined).join('; ') };
  const files = [{ name: 'key-server-log.txt', content }, ...collected];
  return { ...check, ...writeEvidence(options, check, applied, files) };
}

async function readLog(
  name: string,
  state: StepState,
  since: number,
  signal: AbortSignal,
): Promise<readonly FetchLogEntry[]> {
  const spec = state.scenario.keyServers[name];
  if (spec?.where === 'in-cluster') {
    if (spec.pods === undefined) {
      throw new HarnessError('E_SCENARIO', `key server "${name}" does not say which pods it runs in`, {
        hint: 'Add pods: { namespace: …, app: … }.',
        place: state.scenario.info.place,
      });
    }
    return state.target.podFetches(spec.pods, spec.path, since, signal);
  }
  const log = (await state.context.keyServers.get(name)?.log()) ?? [];
  return log.filter((entry) => entry.path === spec?.path && entry.at >= since);
}
