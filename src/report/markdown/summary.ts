/** The Markdown summary of a run, for `$GITHUB_STEP_SUMMARY`. */
import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import type { Event } from '../../base/events.ts';
import { isFull } from '../../base/files/file-error.ts';
import { ResultModel } from '../model.ts';
import type { Reporter } from '../reporter.ts';
import type { RunResult } from '../result.ts';
import { summaryMarkdown } from './summary-markdown.ts';

/** Appends to the file, once and at the end: the file belongs to all commands of a step. */
export class SummaryReporter implements Reporter {
  readonly name = 'summary';
  readonly #file: string;
  readonly #model = new ResultModel();
  #hasBegun = false;

  constructor({ file }: { readonly file: string }) {
    this.#file = file;
  }

  handle(event: Event): void {
    this.#hasBegun = true;
    this.#model.add(event);
  }

  /** @throws HarnessError E_SETTINGS when the file cannot be written */
  async close(): Promise<void> {
    if (!this.#hasBegun) return;
    this.#hasBegun = false;
    this.write(this.#model.result());
  }

  /** Appends the summary of a result that is known already. @throws HarnessError E_SETTINGS as {@link close} */
  write(result: RunResult): void {
    try {
      mkdirSync(path.dirname(this.#file), { recursive: true });
      // What others have written may lack its last line break.
      appendFileSync(this.#file, `\n${summaryMarkdown(result)}`);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
      throw new HarnessError('E_SETTINGS', `cannot write ${this.#file}: ${code}`, {
        hint: isFull(cause)
          ? `make room on the disk of ${path.dirname(this.#file)}`
          : 'name a file in a folder that can be written to with --summary',
        cause,
      });
    }
  }
}
