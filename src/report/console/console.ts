/** The console report: quiet success, loud failure. */

import { formatPlace, type Place } from '../../base/errors.ts';
import type { Event, Problem } from '../../base/events.ts';
import { type Output, oneLine } from '../../base/harmless.ts';
import { isExplained, messageOf } from '../cause.ts';
import { checkAnnotation, problemAnnotation, scenarioAnnotation } from '../markdown/annotations.ts';
import { ResultModel } from '../model.ts';
import { sameProblem } from '../model-scenario.ts';
import { type GivenFlag, type NextOptions, nextForCheck, nextForProblem } from '../next-command.ts';
import type { Reporter } from '../reporter.ts';
import { meshLabel, type ScenarioResult } from '../result.ts';
import { displayWidth, duration, padEnd } from '../text.ts';
import { workText } from '../work-text.ts';
import { detailLines } from './console-details.ts';
import { meshLines, pausedLines, problemLines, scenarioLine } from './console-lines.ts';
import { ConsoleLog } from './console-log.ts';
import { meshTable } from './console-meshes.ts';
import { outlookLines, programLines } from './console-outlook.ts';
import { knownLines, toldChecks, troubleLines } from './console-scenario.ts';
import { summaryLines } from './console-summary.ts';
import { LiveState } from './live/live-state.ts';
import { liveTable } from './live/live-table.ts';
import { type Doing, goOn } from './live/paces.ts';
import { type Colors, colorsOf, type Terminal } from './terminal.ts';

export interface ConsoleOptions extends Terminal {
  readonly stream: Output;
  /** The line of a scenario file, to be shown with a failure; undefined when it cannot be read. */
  readonly readLine: (place: Place) => string | undefined;
  /** Name and path of the other reports, named in the last lines. */
  readonly reports: Readonly<Record<string, string>>;
  /** Why one of them, by its name, could not be written. */
  readonly lost?: ((name: string) => string | undefined) | undefined;
  /** Folder that evidence is relative to, as it is to be shown. */
  readonly artifacts?: string | undefined;
  /** Only what failed, warnings, and the last lines. */
  readonly quiet?: boolean | undefined;
  /** What the mesh is was told already, as in a later round on the same one. */
  readonly known?: boolean | undefined;
  /** Flags that say where the mesh is, for commands to run next. Default: the target alone. */
  readonly given?: readonly GivenFlag[] | undefined;
  /** How this program was started, for commands to run next. */
  readonly program?: string | undefined;
  /** Milliseconds since the epoch, for the live table. */
  readonly now?: (() => number) | undefined;
  /** Streams that reach the same terminal. Default: those of the process that do. */
  readonly shared?: readonly NodeJS.WriteStream[] | undefined;
}

/** Between two lines of a log about the same thing, in milliseconds. */
const progressMs = 15_000;

export class ConsoleReporter implements Reporter {
  readonly name = 'console';
  readonly #model = new ResultModel();
  readonly #live = new LiveState();
  readonly #options: ConsoleOptions;
  readonly #colors: Colors;
  readonly #log: ConsoleLog;
  /** Keys of the scenarios whose result was told, and of those that wait for somebody. */
  readonly #told = new Set<string>();
  readonly #paused = new Set<string>();
  readonly #warned = new Set<string>();
  /** What was told as the reason of a failure, and may be that of others. */
  readonly #causes = new Set<string>();
  /** By mesh, and when a line was last written about it. */
  readonly #doing = new Map<string, Doing & { readonly saidAt: number }>();
  #nameWidth = 0;
  #isOneOfSeveral = false;
  /** Why this target was taken has been told. */
  #hasOutlook = false;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    const colors = colorsOf(options.color);
    this.#colors = colors;
    const { now = Date.now, shared = [process.stdout, process.stderr].filter((each) => each.isTTY) } =
      options;
    const rows = () => liveTable(this.#live, now(), this.#size(), colors);
    this.#log = new ConsoleLog({ ...options, live: { rows, shared } });
  }

  handle(event: Event): void {
    this.#model.add(event);
    this.#live.add(event);
    const { green, red, dim } = this.#colors;
    switch (event.type) {
      case 'outlook':
        this.#hasOutlook = true;
        this.#log.say(...outlookLines(event, this.#colors));
        break;
      case 'programs':
        this.#log.say(...programLines(event, this.#colors));
        break;
      case 'progress':
        this.#progress(event);
        break;
      case 'run-started':
        this.#isOneOfSeveral = event.meshes !== undefined;
        break;
      case 'phase-started':
        if (!this.#options.isTTY)
          this.#sayPhase(event.phase, ` ${dim('•')} ${this.#named(event.phase, event.mesh)} …`);
        break;
      case 'phase-finished': {
        const note = event.note === undefined ? '' : `: ${oneLine(event.note)}`;
        const phase = this.#named(event.phase, event.mesh);
        this.#sayPhase(event.phase, ` ${green('✓')} ${phase}${note} ${this.#time(event.durationMs)}`);
        break;
      }
      case 'phase-failed': {
        const phase = this.#named(event.phase, event.mesh);
        this.#log.print(` ${red('✗')} ${phase} ${this.#time(event.durationMs)}`);
        this.#tellProblem(event.problem);
        break;
      }
      case 'mesh-ready':
        if (!this.#options.known) {
          const [facts = '', ...reason] = meshLines(event.mesh, this.#colors);
          this.#log.say(facts, ...(this.#hasOutlook ? [] : reason));
        }
        break;
      case 'mesh-failed':
        this.#tellMesh(event.mesh, event.problem);
        break;
      case 'planned':
        for (const { info } of event.scenarios) {
          this.#nameWidth = Math.max(this.#nameWidth, Math.min(40, displayWidth(info.id)));
        }
        break;
      case 'warning':
        this.#warn(this.#named(event.message, event.mesh), event.place);
        break;
      case 'step-applied':
        for (const warning of event.warnings) {
          const meant = event.meant?.[warning];
          if (meant === undefined) this.#warn(`${event.scenario}: ${warning}`);
          else this.#sayOnce(` ${dim('•')} ${this.#named(`${event.scenario}: ${meant}`, event.mesh)}`);
        }
        break;
      case 'paused':
        this.#pause(event);
        break;
      case 'resumed':
        this.#resume(event.mesh, event.scenario);
        break;
      case 'scenario-finished':
        this.#resume(event.mesh, event.scenario);
        this.#finish(event.mesh, event.scenario);
        break;
      case 'run-finished':
        this.#end();
        return;
    }
    this.#log.live();
  }

  /** Leaves the cursor at the start of a line, also when the run ended without its last event. */
  async close(): Promise<void> {
    this.#log.end();
  }

  #finish(mesh: string, id: string): void {
    const scenario = this.#find(mesh, id);
    if (scenario === undefined) return;
    if (!this.#told.has(key(mesh, id))) this.#tell(scenario);
    // It was told when it paused; what went wrong afterwards was not.
    else if (scenario.problem !== undefined) this.#tellProblem(scenario.problem, scenario);
  }

  /** @param requests lines to paste, by the ids of checks, when the run waits with everything in place */
  #tell(scenario: ScenarioResult, requests?: Readonly<Record<string, string>>): void {
    const { info, state, problem } = scenario;
    this.#told.add(key(info.mesh, info.id));
    const colors = this.#colors;
    const name = padEnd(oneLine(this.#scenarioName(scenario)), this.#nameWidth);
    const line = scenarioLine(scenario, name, this.#time(scenario.durationMs), colors);
    const isQuiet = state === 'passed' || state === 'skipped' || state === 'known';
    if (isQuiet) this.#log.say(line);
    else this.#log.print(line);
    this.#log.say(...knownLines(scenario, colors));
    if (isQuiet) return;

    const { isTTY, readLine, artifacts } = this.#options;
    const width = isTTY ? this.#size().columns : Infinity;
    const next = this.#next(info.mesh);
    const how = { colors, width, readLine, artifacts, next, requests };
    this.#log.print(...troubleLines(scenario, how, this.#causes));
    this.#log.fold(`everything about ${oneLine(this.#scenarioName(scenario))}`, () =>
      detailLines(scenario, colors),
    );
    const where = this.#isOneOfSeveral ? ` (${this.#label(info.mesh)})` : '';
    if (problem !== undefined) this.#log.annotate(scenarioAnnotation(scenario, problem, where));
    const { causes } = toldChecks(scenario);
    // Wrong answers are annotated where each is expected; what has no verdict, once for each reason.
    const annotated = causes.flatMap(({ first, others }) =>
      first.state === 'failed' ? [first, ...others] : [first],
    );
    this.#log.annotate(
      ...annotated.map((check) => checkAnnotation(check, nextForCheck(check, info, next), where)),
    );
    for (const { key, first } of causes) if (isExplained(messageOf(first))) this.#causes.add(key);
  }

  #tellProblem(problem: Problem, scenario?: ScenarioResult): void {
    const next = nextForProblem(problem.code, scenario?.info, this.#next(scenario?.info.mesh));
    this.#log.print(...problemLines(problem, this.#colors, next, this.#options.program));
    this.#log.annotate(
      scenario === undefined ? problemAnnotation(problem) : scenarioAnnotation(scenario, problem),
    );
  }

  /** Unless the phase that failed has told it. */
  #tellMesh(mesh: string, problem: Problem): void {
    const { phases } = this.#model.result();
    if (phases.some((phase) => phase.mesh === mesh && sameProblem(phase.problem, problem))) return;
    const what = problem.code === 'E_NOTHING_TESTED' ? 'was not tested' : 'cannot be tested';
    this.#log.print(` ${this.#colors.red('✗')} ${this.#named(what, mesh)}`);
    this.#tellProblem(problem);
  }

  #pause({ mesh, scenario: id, look, requests }: Extract<Event, { type: 'paused' }>): void {
    const scenario = this.#find(mesh, id);
    if (scenario !== undefined) this.#tell(scenario, requests);
    this.#log.print(...pausedLines(this.#named(id, mesh), look, this.#colors));
    this.#paused.add(key(mesh, id));
    this.#log.hold(true);
  }

  #resume(mesh: string, id: string): void {
    if (this.#paused.delete(key(mesh, id))) this.#log.hold(this.#paused.size > 0);
  }

  #end(): void {
    const result = this.#model.result();
    for (const scenario of result.scenarios) {
      // Cut off in the middle: its failures must not get lost.
      const told = this.#told.has(key(scenario.info.mesh, scenario.info.id));
      if (!told && scenario.startedAt !== undefined) this.#tell(scenario);
    }
    const { problem } = result.run;
    const told = [...result.phases, ...result.scenarios].some((part) => sameProblem(part.problem, problem));
    if (problem !== undefined && !told) this.#tellProblem(problem);
    this.#log.end();
    this.#log.print(...meshTable(result, this.#colors));
    this.#log.print(...summaryLines(result, this.#options.reports, this.#colors, this.#options.lost));
  }

  #sayOnce(line: string): void {
    if (!this.#warned.has(line)) this.#log.say(line);
    this.#warned.add(line);
  }

  /** On a terminal it is the moving line that tells it. */
  #progress(event: Extract<Event, { type: 'progress' }>): void {
    if (this.#options.isTTY) return;
    const mesh = event.mesh ?? '';
    const before = this.#doing.get(mesh);
    const doing = goOn(before, event);
    const isNew = before?.message !== doing.message;
    const isDue = isNew || (doing.pace !== undefined && event.at - before.saidAt >= progressMs);
    this.#doing.set(mesh, { ...doing, saidAt: isDue ? event.at : (before?.saidAt ?? event.at) });
    if (!isDue) return;
    const text = doing.pace === undefined ? doing.message : `${doing.message}: ${workText(doing.pace)}`;
    this.#sayPhase(event.message, ` ${this.#colors.dim('•')} ${this.#named(text, event.mesh)}`);
  }

  #warn(message: string, place?: Place): void {
    const where = place === undefined ? '' : ` (${formatPlace(place)})`;
    const line = ` ${this.#colors.yellow('!')} ${oneLine(message)}${where}`;
    // A manifest that several steps apply brings the same warning every time.
    if (this.#warned.has(line)) return;
    this.#warned.add(line);
    this.#log.print(line);
    if (place !== undefined)
      this.#log.annotate({ level: 'warning', title: 'jwt-e2e', message: oneLine(message), place });
  }

  /** On GitHub all that comes before the first scenario is one folded part. */
  #sayPhase(phase: string, line: string): void {
    this.#log.sayFolded(this.#told.size === 0 ? 'Setting up' : oneLine(phase), line);
  }

  #find(mesh: string, id: string): ScenarioResult | undefined {
    return this.#model.result().scenarios.find(({ info }) => info.mesh === mesh && info.id === id);
  }

  #next(mesh: string | undefined): NextOptions {
    const facts = this.#model.result().meshes.find(({ id }) => id === mesh);
    const { given, program } = this.#options;
    return { given, program, mesh: facts, isOneOfSeveral: this.#isOneOfSeveral };
  }

  #label(mesh: string): string {
    return meshLabel(this.#model.result().meshes, mesh).join(', ');
  }

  /** With several meshes in one run the name alone does not say which one is meant. */
  #scenarioName({ info }: ScenarioResult): string {
    return this.#isOneOfSeveral ? `${info.id} (${this.#label(info.mesh)})` : info.id;
  }

  #named(text: string, mesh: string | undefined): string {
    return oneLine(this.#isOneOfSeveral && mesh !== undefined ? `${mesh}: ${text}` : text);
  }

  #time(ms: number): string {
    return this.#colors.dim(this.#options.isTTY ? `(${duration(ms)})` : duration(ms));
  }

  #size() {
    return this.#options.size?.() ?? { columns: this.#options.width, rows: 24 };
  }
}

function key(mesh: string, scenario: string): string {
  return JSON.stringify([mesh, scenario]);
}
