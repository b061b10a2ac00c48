/** The console report: quiet success, loud failure. */
import pc from 'picocolors';
import { formatPlace, type Place } from '../errors.ts';
import type { Event, Problem } from '../events.ts';
import { failureLines } from './console-failure.ts';
import { meshLines, problemLines, scenarioLine } from './console-lines.ts';
import { meshTable } from './console-meshes.ts';
import { summaryLines } from './console-summary.ts';
import { ResultModel } from './model.ts';
import { sameProblem } from './model-scenario.ts';
import type { Reporter } from './reporter.ts';
import { meshLabel, type ScenarioResult } from './result.ts';
import { type Output, StatusLine } from './status-line.ts';
import type { Colors, Terminal } from './terminal.ts';
import { displayWidth, duration, oneLine, padEnd } from './text.ts';

export interface ConsoleOptions extends Terminal {
  readonly stream: Output;
  /** The line of a scenario file, to be shown with a failure; undefined when it cannot be read. */
  readonly readLine: (place: Place) => string | undefined;
  /** Name and path of the other reports, named in the last lines. */
  readonly reports: Readonly<Record<string, string>>;
  /** Folder that evidence is relative to, as it is to be shown. */
  readonly artifacts?: string | undefined;
  /** Only what failed, warnings, and the last lines. */
  readonly quiet?: boolean | undefined;
  /** What the mesh is was told already, as in a later round on the same one. */
  readonly known?: boolean | undefined;
  /** Milliseconds, for the moving line. */
  readonly now?: (() => number) | undefined;
}

export class ConsoleReporter implements Reporter {
  readonly name = 'console';
  readonly #model = new ResultModel();
  readonly #options: ConsoleOptions;
  readonly #colors: Colors;
  readonly #status: StatusLine;
  readonly #phases: string[] = [];
  /** Keys of the scenarios whose result was told, and warnings that were. */
  readonly #told = new Set<string>();
  readonly #warned = new Set<string>();
  #nameWidth = 0;
  #isOneOfSeveral = false;

  constructor(options: ConsoleOptions) {
    this.#options = options;
    this.#colors = pc.createColors(options.color);
    this.#status = new StatusLine(options.stream, options, this.#colors, options.now ?? Date.now);
  }

  handle(event: Event): void {
    this.#model.add(event);
    const { green, red, dim } = this.#colors;
    switch (event.type) {
      case 'run-started':
        this.#isOneOfSeveral = event.meshes !== undefined;
        break;
      case 'phase-started': {
        const phase = this.#named(event.phase, event.mesh);
        this.#phases.push(phase);
        if (!this.#options.isTTY) this.#say(` ${dim('•')} ${phase} …`);
        this.#showPhase();
        break;
      }
      case 'phase-finished': {
        const phase = this.#named(event.phase, event.mesh);
        this.#endPhase(phase);
        const note = event.note === undefined ? '' : `: ${oneLine(event.note)}`;
        this.#say(` ${green('✓')} ${phase}${note} ${this.#time(event.durationMs)}`);
        break;
      }
      case 'phase-failed': {
        const phase = this.#named(event.phase, event.mesh);
        this.#endPhase(phase);
        this.#status.print(
          ` ${red('✗')} ${phase} ${this.#time(event.durationMs)}`,
          ...problemLines(event.problem, this.#colors),
        );
        break;
      }
      case 'mesh-ready':
        if (!this.#options.known) for (const line of meshLines(event.mesh, this.#colors)) this.#say(line);
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
      case 'scenario-started':
        this.#status.show(this.#named(event.scenario.id, event.scenario.mesh));
        break;
      case 'step-started':
        this.#status.show(this.#named(`${event.scenario}: ${event.step}`, event.mesh));
        break;
      case 'step-applied':
        for (const warning of event.warnings) this.#warn(`${event.scenario}: ${warning}`);
        break;
      case 'scenario-finished':
        this.#showPhase();
        for (const scenario of this.#model.result().scenarios) {
          if (key(scenario.info.mesh, scenario.info.id) === key(event.mesh, event.scenario))
            this.#tell(scenario);
        }
        break;
      case 'run-finished':
        this.#end();
        break;
    }
  }

  /** Leaves the cursor at the start of a line, also when the run ended without its last event. */
  async close(): Promise<void> {
    this.#status.show(undefined);
  }

  #tell(scenario: ScenarioResult): void {
    this.#told.add(key(scenario.info.mesh, scenario.info.id));
    const { isTTY, width, readLine, artifacts } = this.#options;
    const name = padEnd(oneLine(this.#scenarioName(scenario)), this.#nameWidth);
    const line = scenarioLine(scenario, name, this.#time(scenario.durationMs), this.#colors);
    if (scenario.state === 'passed' || scenario.state === 'skipped') this.#say(line);
    else this.#status.print(line);
    if (scenario.problem !== undefined) this.#status.print(...problemLines(scenario.problem, this.#colors));
    for (const check of scenario.checks) {
      if (check.state !== 'failed' && check.state !== 'error') continue;
      const options = { colors: this.#colors, width: isTTY ? width : Infinity, readLine, artifacts };
      this.#status.print(...failureLines(check, options));
    }
  }

  /** With several meshes in one run the name alone does not say which one is meant. */
  #scenarioName({ info }: ScenarioResult): string {
    const { meshes } = this.#model.result();
    return this.#isOneOfSeveral ? `${info.id} (${meshLabel(meshes, info.mesh).join(', ')})` : info.id;
  }

  #named(text: string, mesh: string | undefined): string {
    return oneLine(this.#isOneOfSeveral && mesh !== undefined ? `${mesh}: ${text}` : text);
  }

  /** Unless the phase that failed has told it. */
  #tellMesh(mesh: string, problem: Problem): void {
    const { phases } = this.#model.result();
    if (phases.some((phase) => phase.mesh === mesh && sameProblem(phase.problem, problem))) return;
    const line = ` ${this.#colors.red('✗')} ${this.#named('cannot be tested', mesh)}`;
    this.#status.print(line, ...problemLines(problem, this.#colors));
  }

  #end(): void {
    this.#status.show(undefined);
    const result = this.#model.result();
    for (const scenario of result.scenarios) {
      // Cut off in the middle: its failures must not get lost.
      const told = this.#told.has(key(scenario.info.mesh, scenario.info.id));
      if (!told && scenario.startedAt !== undefined) this.#tell(scenario);
    }
    const { problem } = result.run;
    const told = [...result.phases, ...result.scenarios].some((part) => sameProblem(part.problem, problem));
    if (problem !== undefined && !told) this.#status.print(...problemLines(problem, this.#colors));
    this.#status.print(...meshTable(result, this.#colors));
    this.#status.print(...summaryLines(result, this.#options.reports, this.#colors));
  }

  #warn(message: string, place?: Place): void {
    const where = place === undefined ? '' : ` (${formatPlace(place)})`;
    const line = ` ${this.#colors.yellow('!')} ${oneLine(message)}${where}`;
    // A manifest that several steps apply brings the same warning every time.
    if (this.#warned.has(line)) return;
    this.#warned.add(line);
    this.#status.print(line);
  }

  #say(line: string): void {
    if (!this.#options.quiet) this.#status.print(line);
  }

  #time(ms: number): string {
    return this.#colors.dim(this.#options.isTTY ? `(${duration(ms)})` : duration(ms));
  }

  #endPhase(phase: string): void {
    const index = this.#phases.lastIndexOf(phase);
    if (index !== -1) this.#phases.splice(index, 1);
    this.#showPhase();
  }

  #showPhase(): void {
    const phase = this.#phases.at(-1);
    this.#status.show(phase);
  }
}

function key(mesh: string, scenario: string): string {
  return JSON.stringify([mesh, scenario]);
}
