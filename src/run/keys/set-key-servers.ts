/** Key servers in the hands of a step: what they do from now on, and until when they have been asked. */
import { HarnessError } from '../../base/errors.ts';
import { throwIfAborted, until } from '../../base/wait.ts';
import { isNoFetch } from '../../jwks/who.ts';
import type { PlannedStep } from '../../plan/types.ts';
import type { KeyServerChange } from '../../scenario/format/schema.ts';
import { resolve } from '../../scenario/template.ts';
import { ownAgent } from '../answers/build-request.ts';
import { type LogEnds, readLog } from '../answers/fetches.ts';
import type { StepState } from '../steps/step-state.ts';
import { keyServerState } from './key-server-state.ts';

/** Has key servers do what the step says. @throws HarnessError E_KEY_SERVER, E_TEMPLATE */
export async function setKeyServers(
  { set, place }: PlannedStep,
  { scenario, context }: StepState,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    Object.entries(set).map(async ([name, change]) => {
      const spec = scenario.keyServers[name];
      const server = context.keyServers.get(name);
      if (spec === undefined || server === undefined)
        throw new HarnessError('E_INTERNAL', `the key server "${name}" was not started`);
      const filledIn = resolve(change, context.names, place) as KeyServerChange;
      await server.set(keyServerState(spec, filledIn, context.issuers));
    }),
  );
  throwIfAborted(signal);
}

/**
 * Returns once the key server was asked for its keys, and has answered, as often as the step wants, by whoever, since the log
 * ended there.
 *
 * @throws HarnessError E_UNPROVEN when that does not happen in time: then answers would prove nothing
 */
export async function untilFetched(
  { after }: PlannedStep,
  state: StepState,
  ends: LogEnds,
  signal: AbortSignal,
): Promise<void> {
  if (after === undefined) return;
  const { fetches, of } = after;
  const { runId, holdMs } = state.options;
  await until(
    `the key server "${of}" being asked for keys ${fetches === 1 ? 'once' : `${fetches} times`}`,
    async () => {
      const entries = await readLog(of, state, ends, signal);
      // Whoever waits for a slow answer has not got it.
      const count = entries.filter((entry) => !entry.isOpen && !isNoFetch(entry, ownAgent(runId))).length;
      return count >= fetches || `it was asked ${count} times`;
    },
    {
      timeoutMs: holdMs,
      intervalMs: 100,
      signal,
      code: 'E_UNPROVEN',
      hint: 'istiod asks again after PILOT_JWT_PUB_KEY_REFRESH_INTERVAL, 20 minutes in a stock mesh: mesh: { istiod: { … } } sets it. Proxies ask when a request needs keys.',
    },
  );
}
