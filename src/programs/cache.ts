/** Where downloaded programs are kept. */
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isExecutable } from './lookup.ts';
import type { ProgramPin } from './pin.ts';

/** XDG_CACHE_HOME/istio-jwt-e2e/programs; XDG requires an absolute path and ignores another one. */
export function programCache(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_CACHE_HOME;
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(env.HOME ?? homedir(), '.cache');
  return join(base, 'istio-jwt-e2e', 'programs');
}

/**
 * The file name of a program in the cache. The platform is part of it because a home folder may be shared by
 * machines of different kinds; the digest, so that a changed pin never finds the old program.
 *
 * @param sha256 of what was downloaded
 */
export function cacheName(name: string, pin: ProgramPin, sha256: string): string {
  return `${name}-${pin.version}-${pin.platform}-${sha256.slice(0, 12)}`;
}

/**
 * The program in the cache, if it is there. Without a pinned digest any download of this version will do: its
 * checksum was right when it was put there, and no network is needed to use it again.
 */
export function inCache(cacheDir: string, name: string, pin: ProgramPin): string | undefined {
  const start = `${name}-${pin.version}-${pin.platform}-`;
  const matches = (file: string) =>
    pin.sha256 === undefined
      ? file.startsWith(start) && /^[0-9a-f]{12}$/.test(file.slice(start.length))
      : file === cacheName(name, pin, pin.sha256);
  return entries(cacheDir)
    .filter(matches)
    .sort()
    .map((file) => join(cacheDir, file))
    .find(isExecutable);
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const partial = /^\.part-/;

/** A name for a file that is being written: in the folder of the cache, so that it can be renamed. */
export function partialName(cacheDir: string): string {
  return join(cacheDir, `.part-${process.pid}-${randomUUID()}`);
}

/** Removes partial files and folders that a killed process left behind: those older than a day. Never throws. */
export async function removeLeftovers(cacheDir: string): Promise<void> {
  for (const file of await readdir(cacheDir).catch(() => [])) {
    if (!partial.test(file)) continue;
    const path = join(cacheDir, file);
    const age = await stat(path).then(
      (info) => Date.now() - info.mtimeMs,
      () => 0,
    );
    if (age > 86_400_000) await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** Returns once the file is on disk. */
export async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}
