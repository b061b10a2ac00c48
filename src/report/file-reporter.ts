/** A report that is one file, made anew from everything that is known, and valid at any time. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asHarnessError, HarnessError } from '../base/errors.ts';
import type { Event } from '../base/events.ts';
import { isFull } from '../base/files/file-error.ts';
import { ResultModel } from './model.ts';
import type { Reporter } from './reporter.ts';
import type { RunResult } from './result.ts';

/** A report that takes longer than this, in milliseconds, is not made anew after every scenario. */
const quickMs = 20;

/** So many times as long as it took to make a report, nobody makes it anew because of a scenario. */
const restFactor = 100;

/**
 * Writes the file at the start of the run, when it is known what will run, after every scenario and at the end; a long report
 * a while after a scenario, so that it takes a hundredth of the time and not a quarter. Until the end the result says that the
 * run has not finished: what a killed process leaves behind is neither green nor missing.
 */
export class FileReporter implements Reporter {
  readonly name: string;
  readonly #file: string;
  readonly #render: (result: RunResult) => string;
  readonly #model = new ResultModel();
  #started = false;
  /** Whether the file has all that is known. */
  #isWritten = false;
  /** When scenarios may have it written again, on the clock of performance.now(). */
  #next = 0;
  #timer: NodeJS.Timeout | undefined;
  #problem: HarnessError | undefined;

  constructor(name: string, file: string, render: (result: RunResult) => string) {
    this.name = name;
    this.#file = file;
    this.#render = render;
  }

  /** @throws HarnessError E_SETTINGS when the file cannot be written */
  handle(event: Event): void {
    this.#model.add(event);
    this.#isWritten = false;
    switch (event.type) {
      case 'run-started':
        this.#started = true;
        this.#write();
        break;
      case 'planned':
      case 'phase-failed':
      case 'mesh-failed':
      case 'run-finished':
        this.#write();
        break;
      case 'scenario-finished':
        this.#writeInTime();
    }
  }

  /** Writes what is not written: an earlier attempt may have failed, or the run may have ended without its last event. */
  async close(): Promise<void> {
    if (!this.#isWritten) this.#write();
  }

  /** Writes the report of a result that is known already. @throws HarnessError E_SETTINGS when it cannot be written */
  write(result: RunResult): void {
    writeAtomically(this.#file, this.#render(result));
  }

  /** Why the file does not have what is known now; undefined when it has. */
  get problem(): HarnessError | undefined {
    return this.#problem;
  }

  #writeInTime(): void {
    const wait = this.#next - performance.now();
    if (wait <= 0) {
      this.#writeTimed();
      return;
    }
    this.#timer ??= setTimeout(() => {
      try {
        this.#writeTimed();
      } catch {
        // It is tried again later, at the latest by close(), and told then.
      }
    }, wait).unref();
  }

  #writeTimed(): void {
    const began = performance.now();
    try {
      this.#write();
    } finally {
      const now = performance.now();
      const took = now - began;
      this.#next = took <= quickMs ? now : now + restFactor * took;
    }
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#started) return;
    try {
      this.write(this.#model.result());
      this.#isWritten = true;
      this.#problem = undefined;
    } catch (thrown) {
      this.#problem = asHarnessError(thrown);
      throw thrown;
    }
  }
}

/**
 * Writes a temporary file in the same folder and renames it over `file`, making the folder if needed. Synchronous,
 * so that the file is there when the next event is handled, whatever kills the process afterwards.
 *
 * @throws HarnessError E_SETTINGS when the file cannot be written
 */
export function writeAtomically(file: string, content: string): void {
  const folder = path.dirname(file);
  const temporary = path.join(folder, `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(temporary, content);
    renameSync(temporary, file);
  } catch (cause) {
    remove(temporary);
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new HarnessError('E_SETTINGS', `cannot write ${file}: ${code}`, {
      hint: isFull(cause)
        ? `make room on the disk of ${folder}`
        : 'name a file in a folder that can be written to',
      cause,
    });
  }
}

/** The reason why the file could not be written matters, not that nothing is left to remove. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // Where nothing can be written nothing can be removed, such as below a file that is no folder.
  }
}

/** The file holds a RunResult; see result.ts. */
export class JsonReporter extends FileReporter {
  constructor({ file }: { readonly file: string }) {
    super('JSON report', file, (result) => `${JSON.stringify(result, null, 2)}\n`);
  }
}
