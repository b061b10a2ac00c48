/**
 * What programs can use: {@link run}, the events that it yields, and what they amount to.
 *
 * @example
 * for await (const event of run({ files: ['my-scenarios/'], target: 'local' })) {
 *   if (event.type === 'check-finished') console.log(event.check.state, event.check.id);
 * }
 */
import type { Event } from '../base/events.ts';
import { ResultModel } from '../report/model.ts';
import type { RunResult } from '../report/result.ts';

export { type ErrorCode, HarnessError, type Place } from '../base/errors.ts';
export type {
  AppliedManifest,
  CheckResult,
  CheckState,
  Convergence,
  Counts,
  Event,
  EvidenceText,
  FetchMode,
  KnownDeviation,
  MeshFacts,
  Problem,
  ScenarioInfo,
  Selection,
  SourceRef,
  TokenView,
} from '../base/events.ts';
export { ResultModel } from '../report/model.ts';
export type {
  Difference,
  Finding,
  Flaky,
  PhaseResult,
  RunResult,
  ScenarioResult,
  ScenarioState,
  StepResult,
} from '../report/result.ts';
export type { Settings } from './program-settings.ts';
export { type RunOptions, run } from './run-for-program.ts';

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
