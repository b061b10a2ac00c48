/** `jwt-e2e run --watch`: the meshes stay up, and what a saved file affects is run again at once. */
import { dirname, resolve } from 'node:path';
import { exitCodes, HarnessError } from '../../base/errors.ts';
import type { Emit, Event, MeshFacts } from '../../base/events.ts';
import { onAbort } from '../../base/wait.ts';
import type { PlannedGroup, PlannedScenario } from '../../plan/types.ts';
import { type RoundRequest, runRound } from '../../run/run-all.ts';
import { type Mesh, meshesOf } from '../../run/run-mesh.ts';
import { findScenarioFiles } from '../../scenario/files.ts';
import { type LoadedScenario, loadScenarios } from '../../scenario/load.ts';
import type { Target } from '../../target/target.ts';
import { exitCodeOf, renderAll } from '../commands/lint.ts';
import { FileWatcher } from './file-watcher.ts';
import { type Keyboard, type WatchKey, WatchKeys } from './watch-keys.ts';
import { appFiles, verdictLine, watchingLine } from './watch-lines.ts';
import { Pending } from './watch-pending.ts';

export interface WatchRequest extends Omit<RoundRequest, 'plan' | 'cut' | 'reload' | 'emit'> {
  readonly targets: readonly Target[];
  /** Scenario files and folders, relative to `cwd`. */
  readonly paths: readonly string[];
  readonly cwd: string;
  /** Manifests of applications, `<name>.yaml` each. */
  readonly appsFolder: string;
  readonly plan: (
    scenarios: readonly LoadedScenario[],
    facts: MeshFacts,
    missing: Target['missing'],
    /** A text that names or titles must have instead of that of the settings. */
    grep: string | undefined,
  ) => readonly PlannedGroup[];
  /** The terminal that keys come from; none where there is none. */
  readonly keyboard?: Keyboard | undefined;
  /** Makes the reports of a round, which is a whole run to them. */
  readonly report: (isLater: boolean) => Promise<Emit>;
  readonly write: (text: string) => void;
}

/**
 * Runs everything once, and then what is affected by what is saved, until the signal is aborted. Meshes are taken down
 * at the end, whatever happens.
 *
 * @returns the exit code of the last round that came to its end; 129, 130 or 143 when one was interrupted
 * @throws HarnessError E_SETTINGS when files cannot be watched
 */
export async function watchScenarios(request: WatchRequest): Promise<number> {
  const watch = new Watch(request);
  let exitCode: number = exitCodes.noVerdict;
  let errors: readonly HarnessError[] = [];
  try {
    exitCode = await watch.rounds();
  } finally {
    errors = await watch.end();
    if (errors.length > 0) request.write(renderAll(errors, request.cwd));
  }
  return exitCode === exitCodes.passed && errors.length > 0 ? exitCodes.noVerdict : exitCode;
}

const outdated = new HarnessError('E_INTERRUPTED', 'a file was saved that this round is about');

class Watch {
  readonly #request: WatchRequest;
  #meshes: readonly Mesh[];
  /** Aborted when a round is about something outdated. */
  #cut: AbortController | undefined;
  #failure: unknown;
  #wake: () => void = () => {};
  #exitCode: number = exitCodes.passed;
  readonly #failed = new Failed();
  #grep: string | undefined;
  #isOver = false;
  /** Whether a round has come to its end. */
  #hasVerdict = false;

  constructor(request: WatchRequest) {
    this.#request = request;
    this.#meshes = meshesOf(request.targets);
  }

  async rounds(): Promise<number> {
    const { paths, cwd, appsFolder, signal, write, keyboard } = this.#request;
    const ownFiles = () => loadScenarios(paths, { cwd }).ownFiles;
    const roots = [
      ...new Set([
        ...paths.map((path) => resolve(cwd, path)),
        ...ownFiles().map((file) => dirname(file)),
        appsFolder,
      ]),
    ];
    const list = () => [...findScenarioFiles(paths, cwd).files, ...appFiles(appsFolder), ...ownFiles()];
    const watcher = new FileWatcher(roots, list, {
      saved: (saved) => {
        if (pending.take(saved).size > 0) this.#cut?.abort(outdated);
        this.#wake();
      },
      failed: (thrown) => {
        this.#failure = thrown;
        this.#wake();
      },
    });
    // Read after the watcher has begun, so that nothing is saved in between.
    const pending = new Pending({ paths, cwd, appsFolder });
    const keys =
      keyboard?.isTTY === true
        ? new WatchKeys(keyboard, write, (key) => this.#press(key, pending))
        : undefined;
    try {
      for (let isLater = false; ; ) {
        write(pending.takeNotes());
        if (this.#hasWork(pending)) {
          const isOver = await this.#round(pending, isLater);
          if (isOver || signal.aborted || this.#isOver) return this.#exitCode;
          isLater = true;
          if (pending.files.size === 0) await Promise.all(this.#meshes.map((mesh) => mesh.rest(signal)));
          if (pending.files.size > 0) continue;
        }
        write(pending.takeNotes());
        write(watchingLine(roots, cwd, pending.errors.length, keys !== undefined));
        keys?.idle(true);
        await this.#somethingNew(pending, signal);
        keys?.idle(false);
        if (this.#failure !== undefined) throw this.#failure;
        if (signal.aborted || this.#isOver) return this.#exitCode || exitCodeOf(pending.errors);
      }
    } finally {
      keys?.end();
      watcher.close();
    }
  }

  #press(key: WatchKey, pending: Pending): void {
    const { write } = this.#request;
    if (key.kind === 'quit') {
      this.#isOver = true;
      this.#cut?.abort(outdated);
    } else if (key.kind === 'failed') {
      const { files } = this.#failed;
      if (files.size === 0) write('Nothing has failed.\n');
      pending.add(pending.scenarios.map(({ file }) => file).filter((file) => files.has(file)));
    } else {
      this.#grep = key.kind === 'filter' && key.text !== '' ? key.text : undefined;
      pending.add(pending.scenarios.map(({ file }) => file));
    }
    this.#wake();
  }

  /** Takes all meshes down. Returns what went wrong. */
  async end(meshes = this.#meshes): Promise<HarnessError[]> {
    return (await Promise.all(meshes.map((mesh) => mesh.end()))).filter((error) => error !== undefined);
  }

  /** Whether the meshes have anything to do; says so when not. */
  #hasWork(pending: Pending): boolean {
    if (pending.files.size === 0) return false;
    const isPlanned = this.#meshes.some(
      ({ facts, target }) =>
        facts === undefined || this.#plan(pending, pending.files, facts, target.missing).length > 0,
    );
    if (isPlanned) return true;
    pending.clear();
    const what =
      this.#grep === undefined ? '--grep, --tag, --skip-tag or --shard leave' : `"${this.#grep}" leaves`;
    this.#request.write(`Nothing to run: ${what} it out.\n`);
    return false;
  }

  #plan(
    { scenarios }: Pending,
    files: ReadonlySet<string>,
    facts: MeshFacts,
    missing: Target['missing'],
  ): PlannedGroup[] {
    const isWanted = ({ info }: PlannedScenario) => files.has(info.place.file);
    return this.#request
      .plan(scenarios, facts, missing, this.#grep)
      .map((group) => ({ ...group, scenarios: group.scenarios.filter(isWanted) }))
      .filter((group) => group.scenarios.length > 0);
  }

  /** @returns whether there is no point in going on */
  async #round(pending: Pending, isLater: boolean): Promise<boolean> {
    const { signal, report, write, cwd } = this.#request;
    const { files, apps, savedAt } = pending.begin();
    const emit = await report(isLater);
    const cut = new AbortController();
    const progress = new Progress(cut.signal);
    this.#cut = cut;
    const exitCode = await runRound(this.#meshes, {
      ...this.#request,
      plan: (facts, missing) => this.#plan(pending, files, facts, missing),
      reload: apps,
      cut: cut.signal,
      emit: (event) => {
        progress.note(event);
        this.#failed.note(event);
        emit(event);
      },
    });
    this.#cut = undefined;
    if (cut.signal.aborted && !signal.aborted) {
      pending.add(progress.unfinished(files, this.#meshes.length));
      // Nothing is known of what never came to its end.
      if (this.#isOver && !this.#hasVerdict) this.#exitCode = exitCodes.interrupted;
    } else {
      this.#exitCode = exitCode;
      this.#hasVerdict = true;
      if (savedAt !== undefined) write(verdictLine(savedAt));
    }
    // A mesh that could not be set up is not tried again.
    const failed = this.#meshes.filter(({ facts }) => facts === undefined);
    this.#meshes = this.#meshes.filter(({ facts }) => facts !== undefined);
    for (const error of await this.end(failed)) write(renderAll([error], cwd));
    return this.#meshes.length === 0 || (!isLater && exitCode === exitCodes.usage);
  }

  async #somethingNew(pending: Pending, signal: AbortSignal): Promise<void> {
    if (pending.hasNotes || this.#failure !== undefined || signal.aborted) return;
    let ignore = () => {};
    await new Promise<void>((go) => {
      this.#wake = go;
      ignore = onAbort(signal, go);
    });
    ignore();
    this.#wake = () => {};
  }
}

/** Which files have scenarios that did not pass when they ran last. */
class Failed {
  /** The files of scenarios, by mesh and id. */
  readonly #files = new Map<string, string>();
  readonly #running = new Set<string>();
  readonly #failed = new Set<string>();

  note(event: Event): void {
    if (event.type === 'scenario-started') {
      const { id, mesh, place } = event.scenario;
      this.#files.set(scenarioKey(mesh, id), place.file);
      this.#running.delete(scenarioKey(mesh, id));
    }
    if (event.type === 'check-finished' && ['failed', 'error'].includes(event.check.state)) {
      this.#running.add(scenarioKey(event.mesh, event.check.scenario));
    }
    if (event.type === 'scenario-finished') {
      const which = scenarioKey(event.mesh, event.scenario);
      if (event.problem !== undefined || this.#running.has(which)) this.#failed.add(which);
      else this.#failed.delete(which);
    }
  }

  get files(): Set<string> {
    return new Set([...this.#failed].flatMap((which) => this.#files.get(which) ?? []));
  }
}

/** Which scenarios of a round have come to their end: what is cut short has to be run again. */
class Progress {
  readonly #cut: AbortSignal;
  readonly #planned = new Set<string>();
  /** The files of scenarios that have not ended, by mesh and id. */
  readonly #open = new Map<string, string>();

  constructor(cut: AbortSignal) {
    this.#cut = cut;
  }

  note(event: Event): void {
    if (event.type === 'planned') {
      this.#planned.add(event.mesh);
      for (const { info } of event.scenarios) {
        this.#open.set(scenarioKey(event.mesh, info.id), info.place.file);
      }
    }
    // One that ends after the round was cut short has not run to its end.
    if (event.type === 'scenario-finished' && !this.#cut.aborted) {
      this.#open.delete(scenarioKey(event.mesh, event.scenario));
    }
  }

  /** Of these files those whose scenarios have not all ended on all of so many meshes. */
  unfinished(files: ReadonlySet<string>, meshes: number): string[] {
    const open = new Set(this.#open.values());
    return [...files].filter((file) => this.#planned.size < meshes || open.has(file));
  }
}

function scenarioKey(mesh: string, id: string): string {
  return JSON.stringify([mesh, id]);
}
