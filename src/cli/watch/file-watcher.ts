/**
 * Tells when files have been saved. Editors write a file twice, write half of it first, or put another one in its place,
 * so it is not the notice of the file system that counts but what the files hold once it is quiet.
 */

import { createHash } from 'node:crypto';
import { type FSWatcher, readdirSync, realpathSync, statSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HarnessError } from '../../base/errors.ts';
import { lookAt, readLimited } from '../../base/files/limited-file.ts';
import { limits } from '../../base/files/limits.ts';

/** How long nothing must happen before files are looked at, in milliseconds. */
const quietMs = 50;
/** How long a file that is gone or empty may take to come back: many programs empty it before they write. */
const graceMs = 150;

export interface Saved {
  /** Absolute paths; new files are among them. */
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** When the last of them was saved, milliseconds since the epoch. */
  readonly at: number;
}

export interface Listener {
  saved(saved: Saved): void;
  /** Watching cannot go on. */
  failed(thrown: unknown): void;
}

interface Version {
  readonly hash: string;
  readonly isEmpty: boolean;
  readonly modifiedAt: number;
}

export class FileWatcher {
  readonly #roots: readonly string[];
  readonly #list: () => readonly string[];
  readonly #tell: Listener;
  /** By folder. */
  readonly #watchers = new Map<string, FSWatcher>();
  #known: ReadonlyMap<string, Version>;
  #timer: NodeJS.Timeout | undefined;
  #noticedAt: number | undefined;
  #lookedAt = Date.now();
  #hadGrace = false;

  /**
   * Watches from now on, until {@link close}.
   *
   * @param roots absolute paths of files and folders; of folders everything below
   * @param list absolute paths of the files that count, asked for again and again
   * @throws HarnessError E_SETTINGS when the system does not let folders be watched
   */
  constructor(roots: readonly string[], list: () => readonly string[], tell: Listener) {
    this.#roots = roots;
    this.#list = list;
    this.#tell = tell;
    this.#watchFolders();
    this.#known = this.#read();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #notice(): void {
    this.#noticedAt ??= Date.now();
    this.#lookIn(quietMs);
  }

  #lookIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      try {
        this.#look();
      } catch (thrown) {
        // A folder that goes away while it is read is not there the next time.
        if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') this.#lookIn(graceMs);
        else this.#tell.failed(thrown);
      }
    }, ms);
  }

  #look(): void {
    // New folders first: what is written into them from here on is noticed.
    this.#watchFolders();
    const now = this.#read();
    const changed = [...now.keys()].filter((file) => now.get(file)?.hash !== this.#known.get(file)?.hash);
    const removed = [...this.#known.keys()].filter((file) => !now.has(file));
    const isHalf = removed.length > 0 || changed.some((file) => now.get(file)?.isEmpty === true);
    if (isHalf && !this.#hadGrace) {
      this.#hadGrace = true;
      this.#lookIn(graceMs);
      return;
    }
    // A file that was moved here brings an old time with it.
    const times = changed.map((file) => now.get(file)?.modifiedAt ?? 0).filter((at) => at >= this.#lookedAt);
    const at = times.length > 0 ? Math.max(...times) : (this.#noticedAt ?? Date.now());
    this.#known = now;
    this.#lookedAt = Date.now();
    this.#noticedAt = undefined;
    this.#hadGrace = false;
    if (changed.length + removed.length > 0) this.#tell.saved({ changed, removed, at });
  }

  #read(): Map<string, Version> {
    const versions = new Map<string, Version>();
    for (const file of this.#list()) {
      try {
        const content = readLimited(file, limits.yamlBytes);
        const hash = createHash('sha256').update(content).digest('hex');
        versions.set(file, { hash, isEmpty: content.length === 0, modifiedAt: statSync(file).mtimeMs });
      } catch {
        // It went away between listing and reading, which is as if it were not there.
      }
    }
    return versions;
  }

  /** Watches folders that are new, and no longer those that are gone. Files are watched by their folder: they may be replaced. */
  #watchFolders(): void {
    const wanted = foldersOf(this.#roots, this.#list());
    for (const folder of this.#watchers.keys()) if (!wanted.has(folder)) this.#drop(folder);
    for (const [folder, isOfInterest] of wanted) {
      const watcher = this.#watchers.get(folder) ?? open(folder);
      if (watcher === undefined) continue;
      this.#watchers.set(folder, watcher);
      watcher.removeAllListeners();
      watcher.on('change', (_event, name) => {
        // A folder's own name means that it was removed. One that is made anew is another one.
        if (name === basename(folder)) this.#drop(folder);
        else if (typeof name === 'string' && !isOfInterest(name)) return;
        this.#notice();
      });
      // Windows reports a folder that is deleted as an error.
      watcher.on('error', () => {
        this.#drop(folder);
        this.#notice();
      });
    }
  }

  #drop(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }
}

/** A folder's watcher; undefined when it has just gone. */
function open(folder: string): FSWatcher | undefined {
  try {
    return watch(folder);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new HarnessError('E_SETTINGS', `${folder} cannot be watched (${code})`, {
      hint: 'On Linux, raise fs.inotify.max_user_watches and fs.inotify.max_user_instances with sysctl.',
      cause,
    });
  }
}

/**
 * Of a root that is a folder: it and all below, but nothing hidden. Of every root the folder it is in, because it may go
 * and come back; and where a file is a link, the folder of what it leads to.
 *
 * @param roots absolute paths of files and folders
 * @param files absolute paths of the files that count now
 * @returns by folder, whether a name in it is of interest
 */
function foldersOf(
  roots: readonly string[],
  files: readonly string[],
): Map<string, (name: string) => boolean> {
  const whole = new Set(roots.filter(isFolder).flatMap((root) => [root, ...foldersBelow(root)]));
  const single = new Map<string, Set<string>>();
  const add = (path: string) => {
    const folder = dirname(path);
    single.set(folder, (single.get(folder) ?? new Set()).add(basename(path)));
  };
  for (const root of roots) add(root);
  for (const file of files.map(realOf)) if (file !== undefined && !files.includes(file)) add(file);
  return new Map(
    [...whole, ...single.keys()].map((folder) => [
      folder,
      (name: string) => (whole.has(folder) ? !/^\.|~$/.test(name) : single.get(folder)?.has(name) === true),
    ]),
  );
}

function foldersBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
      .flatMap(({ name }) => [join(folder, name), ...foldersBelow(join(folder, name))]);
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return lookAt(path).stat?.isDirectory() === true;
}

function realOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}
