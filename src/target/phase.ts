/** Steps of a target's own work that are worth a line of progress. */

import { asHarnessError } from '../base/errors.ts';
import { problemOf } from '../base/events.ts';
import { needsIstiod } from './mesh-config.ts';
import type { IstiodStart, Progress } from './target.ts';

/**
 * Runs `work` as a phase: tells when it starts, when it is done and how long it took, or why it failed.
 *
 * @param note what else there is to say when it is done
 */
export async function phase<T>(
  progress: Progress,
  name: string,
  work: () => Promise<T>,
  note?: string,
): Promise<T> {
  const started = performance.now();
  const durationMs = () => Math.round(performance.now() - started);
  progress({ type: 'phase-started', phase: name });
  try {
    const result = await work();
    progress({ type: 'phase-finished', phase: name, durationMs: durationMs(), note });
    return result;
  } catch (thrown) {
    progress({
      type: 'phase-failed',
      phase: name,
      durationMs: durationMs(),
      problem: problemOf(asHarnessError(thrown)),
    });
    throw thrown;
  }
}

/** For work that can be done without as well: that it failed is not told as a failure of the run. */
export function dispensable(progress: Progress): Progress {
  return (event) => {
    if (event.type !== 'phase-failed') return progress(event);
    const { phase: name, durationMs } = event;
    progress({ type: 'phase-finished', phase: name, durationMs, note: 'it was given up' });
  };
}

/** Says with what istiod is restarted. */
export function restartText({ fetch, variables }: IstiodStart): string {
  const more = Object.entries(variables).map(([name, value]) => `, ${name}=${value}`);
  return `Restarting istiod: keys are fetched by ${fetch}${more.join('')}`;
}

/** Says for which mesh settings istiod or proxies start anew, by the names that scenarios have for them. */
export function startText(changed: readonly string[]): string {
  const names = new Set(changed.map((path) => path.split('.').slice(0, 2).join('.')));
  return `Starting ${needsIstiod(changed) ? 'istiod and proxies' : 'proxies'} anew: ${[...names].join(', ')} changed`;
}
