/** The log of GitHub Actions: groups, annotations, and lines that it cannot take for commands. */
import path from 'node:path';
import type { Place } from '../errors.ts';
import type { Output } from './live-area.ts';
import { plural } from './text.ts';

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
    this.#stream = stream;
    this.#cwd = cwd;
    this.#workspace = workspace ?? cwd;
  }

  print(...lines: string[]): void {
    for (const line of lines.flatMap((each) => each.split(lineBreak))) {
      this.#stream.write(`${harmless(line)}\n`);
    }
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
    this.#command(level, { ...where, title: harmless(title) }, harmlessText(message));
  }

  #inWorkspace(file: string): string | undefined {
    const relative = path.relative(this.#workspace, path.resolve(this.#cwd, file));
    const isOutside = relative === '' || relative.startsWith('..') || path.isAbsolute(relative);
    return isOutside ? undefined : relative.split(path.sep).join('/');
  }

  #command(name: string, properties: Readonly<Record<string, string | number>>, data: string): void {
    const list = Object.entries(properties).map(([key, value]) => `${key}=${escapeProperty(String(value))}`);
    const space = list.length === 0 ? '' : ' ';
    this.#stream.write(`::${name}${space}${list.join(',')}::${escapeData(data)}\n`);
  }
}

/** Percent signs first: they are what the others become. */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** What ends a line for the runner. */
export const lineBreak = /\r\n|[\r\n]/;

/** Characters that the runner skips: white space before a command, and anywhere what has no weight when comparing text. */
const nothing = String.raw`[\p{C}\p{DI}]*`;
const command = new RegExp(String.raw`^([\s\p{C}\p{DI}]*:${nothing})(?=:)`, 'u');
const oldCommand = new RegExp(String.raw`(#${nothing}#${nothing})(?=\[)`, 'gu');

/**
 * The line with a space in whatever the runner would take for a command: `::` at its start, and `##[` anywhere, the
 * older form that it still obeys. A response of the mesh under test must not be able to write to the log as if it were
 * this program.
 */
export function harmless(line: string): string {
  return line.replace(command, '$1 ').replace(oldCommand, '$1 ');
}

/** The text with each of its lines made {@link harmless}; line breaks stay as they are. */
export function harmlessText(text: string): string {
  return text.replace(/[^\r\n]+/g, harmless);
}
