/** What `run --watch` says between rounds, and the manifests that it watches. */

import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { plural } from '../../report/text.ts';
import { displayName } from '../../scenario/files.ts';
import type { Saved } from './file-watcher.ts';

/** How many files are named. */
const most = 5;

/** `12:03:04 saved: scenarios/a.yaml`, on a line of its own after a blank one. */
export function savedLine({ changed, removed, at }: Saved, cwd: string): string {
  const parts = [named('saved', changed, cwd), named('gone', removed, cwd)].filter((part) => part !== '');
  return `\n${new Date(at).toTimeString().slice(0, 8)} ${parts.join('; ')}\n`;
}

function named(what: string, files: readonly string[], cwd: string): string {
  if (files.length === 0) return '';
  const names = files.slice(0, most).map((file) => displayName(file, cwd));
  const more = files.length > most ? ` and ${files.length - most} more` : '';
  return `${what}: ${names.join(', ')}${more}`;
}

/** @param savedAt milliseconds since the epoch */
export function verdictLine(savedAt: number): string {
  return `From saving to the verdict: ${(Math.max(0, Date.now() - savedAt) / 1000).toFixed(1)} s\n`;
}

/**
 * @param roots files and folders that are watched, absolute
 * @param mistakes in scenario files, which keep them from being run
 * @param hasKeys whether keys are listened to
 */
export function watchingLine(
  roots: readonly string[],
  cwd: string,
  mistakes: number,
  hasKeys = false,
): string {
  const whole = roots.filter((path) => !roots.some((other) => path.startsWith(`${other}${sep}`)));
  const names = whole.map((path) => displayName(path, cwd));
  const left = mistakes === 0 ? '' : `, with ${plural(mistakes, 'mistake')} left`;
  const how = hasKeys ? '.\nKeys: a all, f failed, p filter, q quit.' : '; Ctrl-C ends.';
  return `\nWatching ${names.join(', ')}${left}${how}\n`;
}

/** The manifests of applications, as absolute paths. */
export function appFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name));
}
