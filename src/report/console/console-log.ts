/** Where the lines of the console go: to a terminal with a live table below, to a plain log, or to that of GitHub. */

import type { Output } from '../../base/harmless.ts';
import { type Annotation, GitHubLog } from '../markdown/github.ts';
import { LiveArea, type LiveOptions } from './live/live-area.ts';
import type { Terminal } from './terminal.ts';

export interface LogOptions extends Pick<Terminal, 'isTTY' | 'github'> {
  readonly stream: Output;
  /** Leave out what is not loud. */
  readonly quiet?: boolean | undefined;
  readonly live: LiveOptions;
}

export class ConsoleLog {
  readonly #area: LiveArea;
  readonly #github: GitHubLog | undefined;
  readonly #isQuiet: boolean;

  constructor({ stream, isTTY, github, quiet = false, live }: LogOptions) {
    this.#area = new LiveArea(stream, isTTY ? live : undefined);
    this.#github = github === undefined ? undefined : new GitHubLog(stream, github);
    this.#isQuiet = quiet;
  }

  /** Loud: never folded, never left out. */
  print(...lines: string[]): void {
    this.#github?.endGroup();
    (this.#github ?? this.#area).print(...lines);
  }

  say(...lines: string[]): void {
    if (!this.#isQuiet) this.print(...lines);
  }

  /** Like {@link say}, in a folded part of this title where there is such a thing; goes on with one that is open. */
  sayFolded(title: string, line: string): void {
    if (this.#isQuiet) return;
    this.#github?.group(title);
    (this.#github ?? this.#area).print(line);
  }

  /** What only belongs into a log that folds it. @param lines asked for when it is needed */
  fold(title: string, lines: () => readonly string[]): void {
    if (this.#github === undefined) return;
    this.#github.endGroup();
    this.#github.group(title);
    this.#github.print(...lines());
    this.#github.endGroup();
  }

  /** On GitHub alone. */
  annotate(...annotations: readonly Annotation[]): void {
    for (const annotation of annotations) this.#github?.annotate(annotation);
  }

  /** Shows the live table from now on, on a terminal. */
  live(): void {
    this.#area.update();
  }

  /** Takes the live table away while somebody is to press a key. */
  hold(isHeld: boolean): void {
    this.#area.hold(isHeld);
  }

  /** Ends the live table and whatever is open; lines may follow. */
  end(): void {
    this.#area.stop();
    this.#github?.finish();
  }
}
