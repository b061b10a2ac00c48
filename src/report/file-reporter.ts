/** A report that is one file, made anew from everything that is known, and valid at any time. */
import { asHarnessError, type HarnessError } from '../base/errors.ts';
import type { Event } from '../base/events.ts';
import { writeAtomically } from './atomic.ts';
import { ResultModel } from './model.ts';
import type { Reporter } from './reporter.ts';
import type { RunResult } from './result.ts';

/**
 * Writes the file at the start of the run, when it is known what will run, after every scenario and at the end. Until
 * the end the result says that the run has not finished: what a killed process leaves behind is neither green nor
 * missing.
 */
export class FileReporter implements Reporter {
  readonly name: string;
  readonly #file: string;
  readonly #render: (result: RunResult) => string;
  readonly #model = new ResultModel();
  #started = false;
  #problem: HarnessError | undefined;

  constructor(name: string, file: string, render: (result: RunResult) => string) {
    this.name = name;
    this.#file = file;
    this.#render = render;
  }

  /** @throws HarnessError E_SETTINGS when the file cannot be written */
  handle(event: Event): void {
    this.#model.add(event);
    switch (event.type) {
      case 'run-started':
        this.#started = true;
        this.#write();
        break;
      case 'planned':
      case 'phase-failed':
      case 'mesh-failed':
      case 'scenario-finished':
      case 'run-finished':
        this.#write();
    }
  }

  /** Writes once more: an earlier attempt may have failed, or the run may have ended without its last event. */
  async close(): Promise<void> {
    this.#write();
  }

  /** Writes the report of a result that is known already. @throws HarnessError E_SETTINGS when it cannot be written */
  write(result: RunResult): void {
    writeAtomically(this.#file, this.#render(result));
  }

  /** Why the file does not have what is known now; undefined when it has. */
  get problem(): HarnessError | undefined {
    return this.#problem;
  }

  #write(): void {
    if (!this.#started) return;
    try {
      this.write(this.#model.result());
      this.#problem = undefined;
    } catch (thrown) {
      this.#problem = asHarnessError(thrown);
      throw thrown;
    }
  }
}
