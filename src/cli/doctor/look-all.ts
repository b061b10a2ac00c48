/** Lets probes look, all at once, and none of them for longer than it may. */
import { HarnessError } from '../../base/errors.ts';
import { endOf, throwIfAborted, within } from '../../base/wait.ts';
import type { TargetName } from '../../settings/typed.ts';
import type { Finding, Probe, Surroundings } from './finding.ts';

/** For probes that say nothing else; in milliseconds. */
const usualLimitMs = 10_000;

/** The findings of one target, or of the machine when it is undefined. */
export interface Section {
  readonly target: TargetName | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Everything that the probes find, by target, in their order. A probe that hangs is given up, even when it does not heed
 * its signal: a socket that nobody reads, a plugin for credentials.
 *
 * @throws HarnessError E_INTERRUPTED; E_USAGE and E_SETTINGS for settings that are wrong for every target
 */
export async function lookAll(probes: readonly Probe[], around: Surroundings): Promise<Section[]> {
  const looked = await Promise.all(probes.map((probe) => lookOnce(probe, around)));
  const targets = [...new Set(probes.map(({ target }) => target))];
  return targets.map((target) => ({
    target,
    findings: probes.flatMap((probe, index) => (probe.target === target ? (looked[index] ?? []) : [])),
  }));
}

async function lookOnce(probe: Probe, around: Surroundings): Promise<readonly Finding[]> {
  const { name, limitMs = usualLimitMs } = probe;
  const limit = within(limitMs, around.signal, name);
  const end = endOf(limit.signal);
  try {
    return await Promise.race([probe.look({ ...around, signal: limit.signal }), end.reached]);
  } catch (thrown) {
    throwIfAborted(around.signal);
    if (limit.signal.aborted) {
      const text = `no answer within ${Math.round(limitMs / 1000)} s`;
      return [{ name, state: 'broken', text, remedy: 'See what keeps it, and ask again.' }];
    }
    if (!(thrown instanceof HarnessError)) throw thrown;
    return [{ name, state: 'broken', text: thrown.message, remedy: thrown.hint }];
  } finally {
    end.ignore();
    limit.done();
  }
}
