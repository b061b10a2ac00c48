/**
 * What programs can use: {@link run}, the events that it yields, and what they amount to.
 *
 * @example
 * for await (const event of run({ files: ['my-scenarios/'], target: 'local' })) {
 *   if (event.type === 'check-finished') console.log(event.check.state, event.check.id);
 * }
 */
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
export { resultOf } from './result-of.ts';
export { type RunOptions, run } from './run-for-program.ts';
