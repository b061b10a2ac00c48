/** The log of GitHub Actions: groups and annotations. */
import path from 'node:path';
import type { Place } from '../../base/errors.ts';
import { HarmlessOutput, inert, type Output, own, visible } from '../../base/harmless.ts';
import { plural } from '../text.ts';

export type Level = 'error' | 'warning';

export interface Annotation {
  readonly level: Level;
  readonly title: string;
  /** May have several lines. */
  readonly message: string;
  readonly place?: Place | undefined;
}

export interface GitHubOptions {
  /** The folder of the repository: only files in it can be annotated. Default: the current folder. */
  readonly workspace?: string | undefined;
  /** What relative places are relative to. Default: the current folder. */
  readonly cwd?: string | undefined;
}

/** GitHub shows this many of each level for a step, and drops the others without a word. */
const mostOfLevel = 10;

export class GitHubLog {
  readonly #stream: Output;
  readonly #workspace: string;
  readonly #cwd: string;
  #isInGroup = false;
  readonly #given: Record<Level, number> = { error: 0, warning: 0 };
  /** What may be the last of its level, or only be counted. */
  readonly #waiting: Record<Level, Annotation[]> = { error: [], warning: [] };

  constructor(stream: Output, { workspace, cwd = process.cwd() }: GitHubOptions = {}) {
    this.#stream = HarmlessOutput.over(stream, { github: () => true });
    this.#cwd = cwd;
    this.#workspace = workspace ?? cwd;
  }

  print(...lines: string[]): void {
    for (const line of lines) this.#stream.write(`${line}\n`);
  }

  /** Begins a folded part, unless one is open. */
  group(title: string): void {
    if (!this.#isInGroup) this.#command('group', {}, title);
    this.#isInGroup = true;
  }

  endGroup(): void {
    if (this.#isInGroup) this.#command('endgroup', {}, '');
    this.#isInGroup = false;
  }

  /** At once while GitHub surely shows it; the last ones when it is known how many there are. */
  annotate(annotation: Annotation): void {
    const { level } = annotation;
    if (this.#given[level] < mostOfLevel - 1) this.#annotate(annotation);
    else this.#waiting[level].push(annotation);
  }

  /** Gives the annotations that were kept back, or says how many there are. */
  finish(): void {
    this.endGroup();
    for (const level of ['error', 'warning'] as const) {
      const waiting = this.#waiting[level].splice(0);
      const [only] = waiting;
      if (only === undefined) continue;
      const title = `${plural(waiting.length, `more ${level}`)} of this kind`;
      const message = 'GitHub shows ten of a step; all of them are in the log and in the reports.';
      this.#annotate(waiting.length === 1 ? only : { level, title, message });
    }
  }

  #annotate({ level, title, message, place }: Annotation): void {
    this.#given[level] += 1;
    const file = place === undefined ? undefined : this.#inWorkspace(place.file);
    const where =
      file === undefined || place === undefined ? {} : { file, line: place.line, col: place.column };
    this.#command(level, { ...where, title }, message);
  }

  #inWorkspace(file: string): string | undefined {
    const relative = path.relative(this.#workspace, path.resolve(this.#cwd, file));
    const isOutside = relative === '' || relative.startsWith('..') || path.isAbsolute(relative);
    return isOutside ? undefined : relative.split(path.sep).join('/');
  }

  #command(name: string, properties: Readonly<Record<string, string | number>>, data: string): void {
    // Within a command, too: the runner writes the text into the log and onto the page.
    const shown = (text: string) => inert(visible(text));
    const list = Object.entries(properties).map(
      ([key, value]) => `${key}=${escapeProperty(shown(String(value)))}`,
    );
    const space = list.length === 0 ? '' : ' ';
    this.#stream.write(own(`::${name}${space}${list.join(',')}::${escapeData(shown(data))}\n`));
  }
}

/** Percent signs first: they are what the others become. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
