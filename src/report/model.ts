/** Folds the event stream into a {@link RunResult}. Pure: no clock, no files. */
import type { CheckResult, Event, MeshFacts, ScenarioInfo } from '../events.ts';
import { findingsOf, type ScenarioEntry, scenarioResult } from './model-scenario.ts';
import { isoTime, type PhaseResult, type RunResult, type StepResult } from './result.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

/** Takes events in order; {@link result} may be asked for at any time. */
export class ResultModel {
  #started: Of<'run-started'> | undefined;
  #finished: Of<'run-finished'> | undefined;
  #lastAt = 0;
  readonly #meshes = new Map<string, MeshFacts>();
  readonly #phases: PhaseResult[] = [];
  readonly #scenarios = new Map<string, ScenarioEntry>();
  readonly #warnings: { message: string; place?: Of<'warning'>['place'] }[] = [];

  add(event: Event): void {
    this.#lastAt = event.at;
    switch (event.type) {
      case 'run-started':
        this.#started = event;
        break;
      case 'phase-started':
        this.#phases.push({ phase: event.phase, state: 'running', durationMs: 0 });
        break;
      case 'phase-finished':
        this.#endPhase({ ...pick(event), state: 'passed', note: event.note });
        break;
      case 'phase-failed':
        this.#endPhase({ ...pick(event), state: 'failed', problem: event.problem });
        break;
      case 'mesh-ready':
        this.#meshes.set(event.mesh.id, event.mesh);
        break;
      case 'planned':
        for (const { info, checks } of event.scenarios) this.#entry(info).planned = checks;
        break;
      case 'warning':
        this.#warnings.push({ message: event.message, place: event.place });
        break;
      case 'scenario-started':
        this.#entry(event.scenario).startedAt = event.at;
        break;
      case 'step-started':
        this.#step(event, {});
        break;
      case 'step-applied':
        this.#step(event, { objects: event.objects, warnings: event.warnings });
        break;
      case 'step-held':
        this.#step(event, { heldMs: event.durationMs, proof: event.proof });
        break;
      case 'check-finished':
        (
          this.#find(event.mesh, event.check.scenario) ?? this.#entry(infoOf(event.mesh, event.check))
        ).checks.push(event.check);
        break;
      case 'scenario-finished': {
        const entry = this.#find(event.mesh, event.scenario);
        if (entry !== undefined) entry.finished = event;
        break;
      }
      case 'run-finished':
        this.#finished = event;
        break;
    }
  }

  result(): RunResult {
    const finished = this.#finished;
    const scenarios = [...this.#scenarios.values()].map((entry) =>
      scenarioResult(entry, this.#lastAt, this.#finished !== undefined),
    );
    const checks = scenarios.flatMap((scenario) => scenario.checks);
    const count = (state: CheckResult['state']): number =>
      checks.filter((check) => check.state === state).length;
    const startedAt = this.#started?.at ?? this.#lastAt;
    return {
      schemaVersion: 1,
      run: {
        id: this.#started?.runId ?? 'unknown',
        version: this.#started?.version ?? 'unknown',
        startedAt: isoTime(startedAt),
        durationMs: finished?.durationMs ?? this.#lastAt - startedAt,
        state: finished === undefined ? 'running' : finished.interrupted ? 'interrupted' : 'finished',
        problem: finished?.problem,
      },
      meshes: [...this.#meshes.values()],
      phases: [...this.#phases],
      scenarios,
      counts: {
        passed: count('passed'),
        failed: count('failed'),
        error: count('error'),
        skipped: count('skipped'),
        notRun: scenarios.reduce((sum, scenario) => sum + scenario.notRun, 0),
      },
      findings: findingsOf(checks),
      warnings: [...this.#warnings],
      exitCode: finished?.exitCode ?? null,
    };
  }

  #endPhase(end: PhaseResult): void {
    const index = this.#phases.findLastIndex(
      (phase) => phase.phase === end.phase && phase.state === 'running',
    );
    if (index === -1) this.#phases.push(end);
    else this.#phases[index] = end;
  }

  #entry(info: ScenarioInfo): ScenarioEntry {
    const key = JSON.stringify([info.mesh, info.id]);
    let entry = this.#scenarios.get(key);
    if (entry === undefined) {
      entry = {
        info,
        planned: 0,
        startedAt: undefined,
        finished: undefined,
        steps: new Map(),
        checks: [],
      };
      this.#scenarios.set(key, entry);
    }
    return entry;
  }

  #find(mesh: string, id: string): ScenarioEntry | undefined {
    return this.#scenarios.get(JSON.stringify([mesh, id]));
  }

  /** Events of steps do not name the mesh: the scenario of that name that runs now is meant. */
  #step(event: { scenario: string; step: string }, more: Partial<StepResult>): void {
    const entry = [...this.#scenarios.values()].findLast(
      ({ info, startedAt, finished }) =>
        info.id === event.scenario && startedAt !== undefined && finished === undefined,
    );
    const known = entry?.steps.get(event.step) ?? { name: event.step, objects: [], warnings: [] };
    entry?.steps.set(event.step, { ...known, ...more });
  }
}

/** For a check whose scenario was never announced: better an incomplete description than a lost result. */
function infoOf(mesh: string, check: CheckResult): ScenarioInfo {
  const { scenario: id, source, place } = check;
  return { id, name: id, title: id, mesh, profile: 'unknown', source, tags: [], place };
}

function pick(event: { phase: string; durationMs: number }): { phase: string; durationMs: number } {
  return { phase: event.phase, durationMs: event.durationMs };
}
