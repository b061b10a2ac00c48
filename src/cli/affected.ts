/** What has to be run again, and what has to be said, when files have been saved. */
import { basename, dirname, extname } from 'node:path';
import type { HarnessError } from '../errors.ts';
import { displayName } from '../scenario/files.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import type { Saved } from './file-watcher.ts';

export interface Loaded {
  readonly scenarios: readonly LoadedScenario[];
  readonly errors: readonly HarnessError[];
}

export interface Affected {
  /** Scenario files to run, as messages name them. */
  readonly files: ReadonlySet<string>;
  /** Applications whose manifests are to be applied again. */
  readonly apps: ReadonlySet<string>;
  /** Mistakes in what was saved, and those that are in no file. */
  readonly errors: readonly HarnessError[];
}

/**
 * A scenario is run again when its file has changed, when an application of it has, or when a mistake that kept it from
 * being run, such as its name being taken by another file, is gone.
 *
 * @param before what there was before the files were saved
 * @param now what there is now
 */
export function affectedBy(
  saved: Saved,
  before: Loaded,
  now: Loaded,
  { appsFolder, cwd }: { readonly appsFolder: string; readonly cwd: string },
): Affected {
  const isApp = (file: string) => dirname(file) === appsFolder;
  const apps = new Set(saved.changed.filter(isApp).map((file) => basename(file, extname(file))));
  const changed = new Set(saved.changed.filter((file) => !isApp(file)).map((file) => displayName(file, cwd)));
  const ran = new Set(before.scenarios.map(({ file }) => file));
  const files = now.scenarios.filter(
    ({ file, apps: uses }) => changed.has(file) || !ran.has(file) || uses.some((app) => apps.has(app)),
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
