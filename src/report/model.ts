/** Folds the event stream into a {@link RunResult}. Pure: no clock, no files. */

import {
  type CheckResult,
  type Event,
  idOnce,
  type MeshFacts,
  type Problem,
  type ScenarioInfo,
} from '../base/events.ts';
import { differencesOf } from './changes/differences.ts';
import { countsOf, findingsOf, type ScenarioEntry, scenarioResult } from './model-scenario.ts';
import {
  type Flaky,
  isoTime,
  type PhaseResult,
  type RunResult,
  type ScenarioResult,
  type StepResult,
} from './result.ts';
import { unprovenOf } from './unproven.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

/** Takes events in order; {@link result} may be asked for at any time. */
export class ResultModel {
  #started: Of<'run-started'> | undefined;
  #finished: Of<'run-finished'> | undefined;
  #lastAt = 0;
  readonly #meshes = new Map<string, MeshFacts>();
  readonly #failedMeshes: { mesh: string; problem: Problem }[] = [];
  readonly #phases: PhaseResult[] = [];
  readonly #scenarios = new Map<string, ScenarioEntry>();
  readonly #warnings: Pick<Of<'warning'>, 'message' | 'mesh' | 'place'>[] = [];

  add(event: Event): void {
    this.#lastAt = event.at;
    switch (event.type) {
      case 'run-started':
        this.#started = event;
        break;
      case 'phase-started':
        this.#phases.push({ phase: event.phase, mesh: event.mesh, state: 'running', durationMs: 0 });
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
      case 'mesh-failed':
        this.#failedMeshes.push({ mesh: event.mesh, problem: event.problem });
        break;
      case 'planned':
        for (const { info, checks } of event.scenarios) this.#entry(info).planned = checks;
        break;
      case 'warning':
        this.#warnings.push({ message: event.message, mesh: event.mesh, place: event.place });
        break;
      case 'scenario-started':
        this.#entry(event.scenario).startedAt = event.at;
        break;
      case 'step-started':
        this.#step(event, {});
        break;
      case 'step-applied':
        this.#step(event, {
          objects: event.objects,
          warnings: event.warnings,
          manifests: event.manifests,
        });
        break;
      case 'step-selected':
        this.#step(event, { selection: event.selection });
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
      case 'mutated': {
        const entry = this.#find(event.mesh, event.scenario);
        if (entry !== undefined) entry.mutation = event.mutation;
        break;
      }
      case 'run-finished':
        this.#finished = event;
        break;
    }
  }

  result(): RunResult {
    const finished = this.#finished;
    const order = this.#started?.meshes ?? [];
    // Meshes work at the same time: which comes first is chance.
    const scenarios = [...this.#scenarios.values()]
      .toSorted((a, b) => order.indexOf(a.info.mesh) - order.indexOf(b.info.mesh))
      .map((entry) => scenarioResult(entry, this.#lastAt, this.#finished !== undefined));
    const checks = scenarios.flatMap((scenario) => scenario.checks);
    const startedAt = this.#started?.at ?? this.#lastAt;
    const meshes = [...this.#meshes.values()].toSorted((a, b) => order.indexOf(a.id) - order.indexOf(b.id));
    return {
      schemaVersion: 1,
      run: {
        id: this.#started?.runId ?? 'unknown',
        version: this.#started?.version ?? 'unknown',
        startedAt: isoTime(startedAt),
        durationMs: finished?.durationMs ?? this.#lastAt - startedAt,
        state: finished === undefined ? 'running' : finished.interrupted ? 'interrupted' : 'finished',
        meshes: this.#started?.meshes,
        shard: this.#started?.shard,
        problem: finished?.problem,
      },
      meshes,
      failedMeshes: [...this.#failedMeshes],
      phases: [...this.#phases],
      scenarios,
      counts: countsOf(scenarios),
      findings: findingsOf(checks),
      unproven: unprovenOf(checks),
      differences: differencesOf(
        meshes.map(({ id }) => id),
        scenarios,
      ),
      flaky: flakyOf(scenarios),
      warnings: [...this.#warnings],
      exitCode: finished?.exitCode ?? null,
    };
  }

  #endPhase(end: PhaseResult): void {
    const index = this.#phases.findLastIndex(
      ({ phase, mesh, state }) => phase === end.phase && mesh === end.mesh && state === 'running',
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

  #step(event: { mesh: string; scenario: string; step: string }, more: Partial<StepResult>): void {
    const entry = this.#find(event.mesh, event.scenario);
    const known = entry?.steps.get(event.step) ?? { name: event.step, objects: [], warnings: [] };
    entry?.steps.set(event.step, { ...known, ...more });
  }
}

/** For a check whose scenario was never announced: better an incomplete description than a lost result. */
function infoOf(mesh: string, check: CheckResult): ScenarioInfo {
  const { scenario: id, source, place } = check;
  return { id, name: id, title: id, mesh, profile: 'unknown', source, tags: [], place };
}

function pick({ phase, mesh, durationMs }: Of<'phase-finished'> | Of<'phase-failed'>) {
  return { phase, mesh, durationMs };
}

/**
 * Checks that passed in some repetitions and not in others; those that were skipped do not count. The worst come first.
 *
 * @returns undefined when nothing was repeated
 */
function flakyOf(scenarios: readonly ScenarioResult[]): Flaky[] | undefined {
  if (!scenarios.some(({ info }) => info.repeat !== undefined)) return undefined;
  const byCheck = new Map<string, { mesh: string; check: string; runs: number; passed: number }>();
  for (const { info, checks } of scenarios) {
    for (const { id, state } of checks) {
      if (state === 'skipped') continue;
      const check = `${idOnce(info)}${id.slice(info.id.length)}`;
      const key = JSON.stringify([info.mesh, check]);
      const known = byCheck.get(key) ?? { mesh: info.mesh, check, runs: 0, passed: 0 };
      known.runs += 1;
      if (state === 'passed') known.passed += 1;
      byCheck.set(key, known);
    }
  }
  return [...byCheck.values()]
    .filter(({ runs, passed }) => passed > 0 && passed < runs)
    .toSorted((one, other) => one.passed / one.runs - other.passed / other.runs);
}
