import type { Event } from '../base/events.ts';
import { ResultModel } from '../report/model.ts';
import type { RunResult } from '../report/result.ts';

/**
 * What a run amounts to, the value behind results.json.
 *
 * @param events all events of one run in their order, or the run itself, which is then awaited
 */
export async function resultOf(events: Iterable<Event> | AsyncIterable<Event>): Promise<RunResult> {
  const model = new ResultModel();
  for await (const event of events) model.add(event);
  return model.result();
}
