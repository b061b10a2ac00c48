/** What is going on at this moment, for the live table: what each mesh does, and how far it is. */
import type { CheckState, Event, ScenarioInfo } from '../../../base/events.ts';
import { workText } from '../../work-text.ts';
import { type Doing, goOn } from './paces.ts';

/** Something that takes time. Times are milliseconds since the epoch. */
export interface Activity {
  readonly what: string;
  readonly since: number;
  /** Set when it is a scenario. */
  readonly scenario?:
    | {
        readonly planned: number;
        readonly states: readonly CheckState[];
        readonly step?: string | undefined;
      }
    | undefined;
}

export interface LiveMesh {
  /** Empty for what is not about one mesh. */
  readonly mesh: string;
  readonly activities: readonly Activity[];
  /** `waiting` before anything has begun, `idle` between two things, `done` and `failed` when nothing will follow. */
  readonly state: 'waiting' | 'active' | 'idle' | 'done' | 'failed';
}

/** Of everything that has been planned so far. */
export interface Totals {
  readonly since: number;
  readonly scenarios: number;
  readonly scenariosDone: number;
  readonly checks: number;
  readonly states: Readonly<Record<CheckState, number>>;
}

interface Running {
  readonly info: ScenarioInfo;
  readonly since: number;
  readonly states: CheckState[];
  step?: string;
}

interface Mesh {
  readonly phases: { readonly what: string; readonly since: number }[];
  readonly scenarios: Map<string, Running>;
  readonly planned: Map<string, number>;
  doing?: Doing | undefined;
  done: number;
  failed: boolean;
}

/** Takes events in order; much cheaper than a whole result, because a picture is drawn many times a second. */
export class LiveState {
  #since = 0;
  readonly #meshes = new Map<string, Mesh>();
  readonly #states = { passed: 0, failed: 0, known: 0, error: 0, skipped: 0 };

  add(event: Event): void {
    switch (event.type) {
      case 'run-started':
        this.#since = event.at;
        for (const mesh of event.meshes ?? []) this.#mesh(mesh);
        break;
      case 'progress': {
        const mesh = this.#mesh(event.mesh);
        mesh.doing = goOn(mesh.doing, event);
        break;
      }
      case 'mesh-ready':
        this.#done(event.mesh.id);
        break;
      case 'phase-started':
        this.#done(event.mesh);
        this.#mesh(event.mesh).phases.push({ what: event.phase, since: event.at });
        break;
      case 'phase-finished':
      case 'phase-failed': {
        this.#done(event.mesh);
        const { phases } = this.#mesh(event.mesh);
        const index = phases.findLastIndex(({ what }) => what === event.phase);
        if (index !== -1) phases.splice(index, 1);
        break;
      }
      case 'mesh-failed':
        this.#done(event.mesh);
        this.#mesh(event.mesh).failed = true;
        break;
      case 'planned':
        for (const { info, checks } of event.scenarios) this.#mesh(event.mesh).planned.set(info.id, checks);
        break;
      case 'scenario-started': {
        const { scenario: info, at: since } = event;
        this.#mesh(info.mesh).scenarios.set(info.id, { info, since, states: [] });
        break;
      }
      case 'step-started': {
        const running = this.#mesh(event.mesh).scenarios.get(event.scenario);
        if (running !== undefined) running.step = event.step;
        break;
      }
      case 'check-finished':
        this.#states[event.check.state] += 1;
        this.#mesh(event.mesh).scenarios.get(event.check.scenario)?.states.push(event.check.state);
        break;
      case 'scenario-finished': {
        const mesh = this.#mesh(event.mesh);
        if (mesh.scenarios.delete(event.scenario)) mesh.done += 1;
        break;
      }
    }
  }

  /** In the order of the run; what is about no mesh of several comes where it began. */
  meshes(): LiveMesh[] {
    return [...this.#meshes].map(([mesh, { phases, scenarios, planned, doing, done, failed }]) => {
      const running = [...scenarios.values()].map(
        ({ info, since, states, step }): Activity => ({
          what: info.id,
          since,
          scenario: { planned: planned.get(info.id) ?? states.length, states, step },
        }),
      );
      const activities = [...running, ...phases, ...(doing === undefined ? [] : [activityOf(doing)])];
      return { mesh, activities, state: stateOf() };

      function stateOf(): LiveMesh['state'] {
        if (activities.length > 0) return 'active';
        if (failed) return 'failed';
        if (planned.size === 0) return 'waiting';
        return done < planned.size ? 'idle' : 'done';
      }
    });
  }

  totals(): Totals {
    const meshes = [...this.#meshes.values()];
    const sum = (of: (mesh: Mesh) => number): number => meshes.reduce((total, mesh) => total + of(mesh), 0);
    return {
      since: this.#since,
      scenarios: sum(({ planned }) => planned.size),
      scenariosDone: sum(({ done }) => done),
      checks: sum(({ planned }) => [...planned.values()].reduce((total, checks) => total + checks, 0)),
      states: this.#states,
    };
  }

  /** What was told before something else is over; of one mesh alone it may have been told without its name. */
  #done(id: string | undefined): void {
    for (const each of [id, '']) {
      const mesh = this.#meshes.get(each ?? '');
      if (mesh !== undefined) mesh.doing = undefined;
    }
  }

  #mesh(id = ''): Mesh {
    let mesh = this.#meshes.get(id);
    if (mesh === undefined) {
      mesh = { phases: [], scenarios: new Map(), planned: new Map(), done: 0, failed: false };
      this.#meshes.set(id, mesh);
    }
    return mesh;
  }
}

function activityOf({ message, since, pace }: Doing): Activity {
  return { what: pace === undefined ? message : `${message}: ${workText(pace)}`, since };
}
