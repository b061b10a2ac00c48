/** What has been saved and not been run: the next round is about it. */

import { basename, dirname, extname } from 'node:path';
import type { HarnessError } from '../../base/errors.ts';
import { displayName } from '../../scenario/files.ts';
import { type LoadedScenario, loadScenarios } from '../../scenario/load.ts';
import { renderAll } from '../commands/lint.ts';
import type { Saved } from './file-watcher.ts';
import { savedLine } from './watch-lines.ts';

interface Where {
  /** Scenario files and folders, relative to `cwd`. */
  readonly paths: readonly string[];
  readonly cwd: string;
  readonly appsFolder: string;
}

/** What a round is about. */
export interface Round {
  /** Scenario files, as messages name them. */
  readonly files: ReadonlySet<string>;
  /** Applications whose manifests have changed. */
  readonly apps: readonly string[];
  /** Milliseconds since the epoch; undefined when nothing was saved. */
  readonly savedAt: number | undefined;
}

export class Pending {
  readonly #where: Where;
  readonly #files = new Set<string>();
  readonly #apps = new Set<string>();
  #savedAt: number | undefined;
  #loaded: Loaded;
  #notes: string[] = [];

  /** Everything is to be run at first. */
  constructor(where: Where) {
    this.#where = where;
    this.#loaded = loadScenarios(where.paths, where);
    this.add(this.#loaded.scenarios.map(({ file }) => file));
    if (this.#loaded.errors.length > 0) this.#notes.push(renderAll(this.#loaded.errors, where.cwd));
  }

  get scenarios(): readonly LoadedScenario[] {
    return this.#loaded.scenarios;
  }

  get errors(): Loaded['errors'] {
    return this.#loaded.errors;
  }

  get files(): ReadonlySet<string> {
    return this.#files;
  }

  /** Whether there is something to say. */
  get hasNotes(): boolean {
    return this.#notes.length > 0;
  }

  /** What is to be said before the next round, once. */
  takeNotes(): string {
    return this.#notes.splice(0).join('');
  }

  add(files: Iterable<string>): void {
    for (const file of files) this.#files.add(file);
  }

  /** Forgets files that turned out to hold nothing to run. */
  clear(): void {
    this.#files.clear();
    this.#savedAt = undefined;
  }

  /** Notes what was saved. Returns the files that this makes outdated. */
  take(saved: Saved): ReadonlySet<string> {
    const { paths, cwd, appsFolder } = this.#where;
    const now = loadScenarios(paths, { cwd });
    const { files, apps, errors } = affectedBy(saved, this.#loaded, now, { appsFolder, cwd });
    this.#loaded = now;
    this.add(files);
    const valid = new Set(now.scenarios.map(({ file }) => file));
    for (const file of this.#files) if (!valid.has(file)) this.#files.delete(file);
    for (const app of apps) this.#apps.add(app);
    this.#savedAt = saved.at;
    this.#notes.push(savedLine(saved, cwd));
    if (errors.length > 0) this.#notes.push(renderAll(errors, cwd));
    return files;
  }

  /** Begins a round about all that was saved. */
  begin(): Round {
    const round = { files: new Set(this.#files), apps: [...this.#apps], savedAt: this.#savedAt };
    this.clear();
    this.#apps.clear();
    return round;
  }
}

/** What has to be run again, and what has to be said, when files have been saved. */
interface Loaded {
  readonly scenarios: readonly LoadedScenario[];
  readonly errors: readonly HarnessError[];
}

interface Affected {
  /** Scenario files to run, as messages name them. */
  readonly files: ReadonlySet<string>;
  /** Applications whose manifests are to be applied again. */
  readonly apps: ReadonlySet<string>;
  /** Mistakes in what was saved, and those that are in no file. */
  readonly errors: readonly HarnessError[];
}

/**
 * A scenario is run again when its file has changed, or one that it applies, when an application of it has, or when a mistake that kept it from
 * being run, such as its name being taken by another file, is gone.
 *
 * @param before what there was before the files were saved
 * @param now what there is now
 */
function affectedBy(
  saved: Saved,
  before: Loaded,
  now: Loaded,
  { appsFolder, cwd }: { readonly appsFolder: string; readonly cwd: string },
): Affected {
  const isApp = (file: string) => dirname(file) === appsFolder;
  const apps = new Set(saved.changed.filter(isApp).map((file) => basename(file, extname(file))));
  const changed = new Set(saved.changed.filter((file) => !isApp(file)).map((file) => displayName(file, cwd)));
  const ran = new Map(before.scenarios.map(({ file, ownFiles }) => [file, ownFiles.join('\n')]));
  const files = now.scenarios.filter(
    ({ file, apps: uses, ownFiles }) =>
      changed.has(file) ||
      ran.get(file) !== ownFiles.join('\n') ||
      ownFiles.some((own) => saved.changed.includes(own)) ||
      uses.some((app) => apps.has(app)),
  );
  const told = new Set(before.errors.map(keyOf));
  const errors = now.errors.filter(
    (error) => changed.has(error.place?.file ?? '') || !told.has(keyOf(error)),
  );
  return { files: new Set(files.map(({ file }) => file)), apps, errors };
}

function keyOf({ message, place }: HarnessError): string {
  return JSON.stringify([message, place]);
}
