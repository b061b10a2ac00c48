/**
 * The proof on a mesh that is only looked at. Nothing was applied, so no marker can arrive: each proxy on the way has, rule by
 * rule, the policies that are declared for it, and no others. docs/adr/0029-live.md says what that proves, and what it does not.
 */
import { monotonic } from '../../base/wait.ts';
import type { Target } from '../../target/target.ts';
import type { ProxyState } from './declared.ts';
import {
  concernedIn,
  isGone,
  lacking,
  type ProofRequest,
  type ProofResult,
  proofOf,
  readFailures,
  readProxies,
  rejections,
} from './prove.ts';

/** Between two looks at proxies of others, in milliseconds. */
const pauseMs = 500;

/**
 * Waits until every proxy has what is declared, as others have declared it.
 *
 * @throws HarnessError when nothing can be read
 */
export async function proveAsItIs(
  target: Target,
  request: Pick<ProofRequest, 'sent' | 'fetch' | 'timeoutMs' | 'clock'>,
  signal: AbortSignal,
): Promise<ProofResult> {
  const { sent, fetch, timeoutMs, clock = monotonic } = request;
  const started = clock.now();
  const elapsed = () => Math.round(clock.now() - started);
  for (let failures = 0; ; ) {
    // Others may change policies meanwhile: each look is at those of now.
    const survey = await target.survey(signal);
    const concerned = concernedIn({ sent, inPlace: [] }, survey);
    let states = new Map<string, ProxyState>();
    const seen = () => ({ snapshot: states, survey, ms: elapsed() });
    if (concerned.unknown !== undefined) return { kind: 'unproven', ...concerned.unknown, ...seen() };
    try {
      states = await readProxies(target, concerned, survey, signal);
    } catch (thrown) {
      failures += 1;
      if (!isGone(thrown) || failures > readFailures || elapsed() >= timeoutMs) throw thrown;
      await clock.pause(pauseMs, signal);
      continue;
    }
    const rejected = [...states.values()].flatMap((state) => rejections(state));
    // It goes on with what it had before, whatever has been declared since.
    if (rejected.length > 0) return { kind: 'rejected', message: rejected.join('; '), ...seen() };
    const missing = [...states].flatMap(([name, state]) =>
      lacking(state, fetch).map((why) => `${name}: ${why}`),
    );
    if (missing.length === 0) {
      const proof = `${proofOf([...states.values()], 'is declared')}; nothing was applied`;
      return { kind: 'holds', proof, ...seen() };
    }
    if (elapsed() >= timeoutMs) return { kind: 'unproven', message: missing.join('; '), ...seen() };
    await clock.pause(pauseMs, signal);
  }
}
