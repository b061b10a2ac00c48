/** The mesh of a Vitest run: set up when the first scenario file is asked for, used by one file after the other. */
import { join } from 'node:path';
import { asHarnessError, HarnessError } from '../base/errors.ts';
import { type CheckResult, type Event, type MeshFacts, type Problem, problemOf } from '../base/events.ts';
import { answersWhileWatched, planFor, roundOf, targetsOf } from '../engine/engine.ts';
import { lookAhead } from '../engine/look-ahead.ts';
import { type RunSettings, runSettings } from '../engine/run-settings.ts';
import { whyLeftOut } from '../plan/inventory.ts';
import { grepStep } from '../plan/select.ts';
import type { PlannedGroup, PlannedScenario } from '../plan/types.ts';
import { KeyRing } from '../run/keys/key-ring.ts';
import { shown, withoutTokens } from '../run/private.ts';
import { runRound } from '../run/run-all.ts';
import { type Mesh, meshesOf } from '../run/run-mesh.ts';
import { type LoadedScenario, loadScenarios } from '../scenario/load.ts';
import type { FileLine, FileRequest, HostConfig } from './vitest-protocol.ts';

type SessionConfig = Omit<HostConfig, 'socket'>;

export class Session {
  readonly #settings: RunSettings;
  readonly #config: SessionConfig;
  readonly #watch: (event: Event) => void;
  readonly #keys: KeyRing;
  readonly #stop = new AbortController();
  #mesh: Mesh | undefined;
  /** Why there is no mesh. */
  #failure: Problem | undefined;
  #queue: Promise<void> = Promise.resolve();

  /**
   * @param watch gets all events, also of setting up the mesh
   * @throws HarnessError E_USAGE for a setting that means nothing
   */
  constructor(config: SessionConfig, watch: (event: Event) => void) {
    this.#settings = runSettings(config.values);
    this.#config = config;
    this.#watch = withoutTokens(watch, this.#settings.options.showTokens);
    this.#keys = new KeyRing(this.#settings.options.runId);
  }

  /** Runs one file when those before it are done. Never throws: `tell` gets what goes wrong, too. */
  run(request: FileRequest, tell: (line: FileLine) => void, cut: AbortSignal): Promise<void> {
    this.#queue = this.#queue.then(async () => {
      if (cut.aborted || this.#stop.signal.aborted) return;
      const { showTokens } = this.#settings.options;
      try {
        tell({ type: 'finished', problem: await this.#round(request, tell, cut) });
      } catch (thrown) {
        tell({ type: 'finished', problem: shown(problemOf(asHarnessError(thrown)), showTokens) });
      }
    });
    return this.#queue;
  }

  /** What has failed is tried again when the next file is asked for. */
  forgetFailure(): void {
    this.#failure = undefined;
  }

  /** Interrupts what runs, and takes the mesh down. */
  async end(): Promise<void> {
    this.#stop.abort('SIGTERM');
    await this.#queue;
    this.#keys.end();
    await this.#takeDown();
  }

  /** @returns what went wrong, apart from verdicts */
  async #round(
    { file, checks }: FileRequest,
    tell: (line: FileLine) => void,
    cut: AbortSignal,
  ): Promise<Problem | undefined> {
    if (this.#failure !== undefined) return this.#failure;
    const { scenarios, errors } = loadScenarios([file], { cwd: process.cwd() });
    const [scenario] = scenarios;
    if (scenario === undefined) throw errors[0] ?? new HarnessError('E_SCENARIO', `${file} has no scenario`);
    this.#keys.begin(scenarios);
    const mesh = await this.#theMesh();
    let problem: Problem | undefined;
    let isNothingLeft = false;
    const emit = (event: Event) => {
      if (event.type === 'check-finished') tell({ type: 'check', check: this.#forTest(event.check) });
      if (event.type === 'scenario-finished' || event.type === 'run-finished') {
        // A file may be for other meshes, as long as there is one that is for this mesh.
        const isAside = event.problem?.code === 'E_NOTHING_TESTED' && this.#hasUse(mesh);
        if (!isAside) problem ??= event.problem;
      }
      this.#watch(event);
    };
    const plan = (facts: MeshFacts) => {
      const { groups } = planFor(this.#settings, scenarios, facts, mesh.target.missing);
      const planned = groups.flatMap((group) => group.scenarios);
      tell({ type: 'ready', leftOut: whyLeftOut(scenario, planned, facts, 'left out by the settings') });
      const wanted = checks === undefined ? groups : pickChecks(groups, new Set(checks));
      isNothingLeft = wanted.every((group) => group.scenarios.length === 0);
      return wanted;
    };
    const round = roundOf(this.#execution(scenarios));
    // Whether an entry of the baseline is of any use cannot be known from one file.
    const baseline = round.baseline && { ...round.baseline, isWhole: false };
    await runRound([mesh], { ...round, options: this.#optionsFor(mesh), baseline, emit, plan, cut });
    if (mesh.facts === undefined && !this.#stop.signal.aborted) {
      // The next file would only wait as long for the same.
      this.#failure = problem;
      await this.#takeDown();
    }
    return isNothingLeft ? undefined : problem;
  }

  /** Whether any of the project's scenarios can run on the mesh. */
  #hasUse({ facts, target }: Mesh): boolean {
    if (facts === undefined) return false;
    const { scenarios } = loadScenarios(this.#config.paths, { cwd: process.cwd() });
    const planned = planFor(this.#settings, scenarios, facts, target.missing).scenarios;
    return planned.some(({ skip }) => skip === undefined);
  }

  /** With the whole path of the evidence, and without what is in it. */
  #forTest({ evidenceFiles: _, ...check }: CheckResult): CheckResult {
    const { evidence } = check;
    if (evidence === undefined) return check;
    return { ...check, evidence: join(this.#settings.options.artifacts, evidence) };
  }

  #optionsFor({ target }: Mesh): RunSettings['options'] {
    const { options, values } = this.#settings;
    if (!this.#config.isWatching) return options;
    return { ...options, answersMs: answersWhileWatched(values, [target]) };
  }

  async #theMesh(): Promise<Mesh> {
    if (this.#mesh !== undefined) return this.#mesh;
    // Mistakes in files are told when their turn comes; here it only matters which applications there will be.
    const { scenarios } = loadScenarios(this.#config.paths, { cwd: process.cwd() });
    const execution = this.#execution(scenarios);
    const [mesh, ...more] = meshesOf(await targetsOf(execution, await lookAhead(execution)));
    if (mesh === undefined || more.length > 0) {
      throw new HarnessError('E_USAGE', 'a Vitest project has one mesh, and several versions are asked for', {
        hint: 'Make a project of Vitest for each version: scenarios({ istio: … }) in each of them.',
      });
    }
    this.#mesh = mesh;
    return mesh;
  }

  async #takeDown(): Promise<void> {
    const error = await this.#mesh?.end();
    this.#mesh = undefined;
    if (error !== undefined) {
      const message = `the mesh could not be taken down: ${error.message}`;
      this.#watch({ type: 'warning', at: Date.now(), message });
    }
  }

  #execution(scenarios: readonly LoadedScenario[]) {
    return {
      settings: this.#settings,
      scenarios,
      keys: this.#keys,
      emit: this.#watch,
      signal: this.#stop.signal,
    };
  }
}

/**
 * The part of a plan that is needed for some checks: steps before them keep what they apply, since later steps build on
 * it; steps behind the last of them are left out.
 *
 * @param wanted ids of checks
 */
export function pickChecks(groups: readonly PlannedGroup[], wanted: ReadonlySet<string>): PlannedGroup[] {
  return groups
    .map((group) => ({ ...group, scenarios: group.scenarios.flatMap((each) => pick(each, wanted)) }))
    .filter(({ scenarios }) => scenarios.length > 0);
}

function pick(scenario: PlannedScenario, wanted: ReadonlySet<string>): PlannedScenario[] {
  const last = scenario.steps.findLastIndex(({ checks }) => checks.some(({ id }) => wanted.has(id)));
  if (last === -1) return [];
  const steps = scenario.steps.slice(0, last + 1).map((step) => grepStep(step, (id) => wanted.has(id)));
  return [{ ...scenario, steps }];
}
