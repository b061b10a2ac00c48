/**
 * Bundles: folders of the cache, each with what one source gave. A bundle gets its name by a rename when it is complete,
 * so any number of processes may make the same one at once, and none ever sees half of it.
 */

import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError } from '../../../base/errors.ts';
import { partialName, removeLeftovers } from '../../cache.ts';
import type { Platform } from '../../platform.ts';
import type { Report } from '../../report.ts';
import type { Found } from '../build/source.ts';
import { type Contents, seal, sealed } from '../integrity.ts';

export interface BundleName {
  readonly name: string;
  readonly version: string;
  readonly platform: Platform;
  /** In hexadecimal, of what the bundle is made from; undefined: any will do, it was right when it was put there. */
  readonly digest?: string | undefined;
}

export interface Bundle extends Contents {
  readonly folder: string;
}

/** A file of a bundle, if it has it. @param fresh whether it was put there by us, just now */
export function foundIn(bundle: Bundle | undefined, file: string, fresh: boolean): Found | undefined {
  const version = bundle?.versions[file];
  if (bundle === undefined || version === undefined) return undefined;
  const origin = fresh ? bundle.origin : `cache (${bundle.origin})`;
  return { path: join(bundle.folder, file), version, origin };
}

/** The folder of the cache that bundles are in, below that of the single programs. */
export function bundleFolder(cacheDir: string): string {
  return join(cacheDir, 'local');
}

/**
 * A bundle that is there and whole: every file has the size it had, and with `verify` the SHA-256, too. A damaged one is
 * reported and passed over.
 */
export async function findBundle(
  cacheDir: string,
  name: BundleName,
  options: {
    readonly verify?: boolean;
    readonly report: Report;
    readonly recipe?: string | undefined;
  },
): Promise<Bundle | undefined> {
  const start = `${name.name}-${name.version}-${name.platform}-`;
  const matches = (entry: string) =>
    name.digest === undefined
      ? entry.startsWith(start) && /^[0-9a-f]{12}$/.test(entry.slice(start.length))
      : entry === folderName(name, name.digest);
  const entries = (await readdir(bundleFolder(cacheDir)).catch(() => [])).filter(matches).sort();
  for (const entry of entries) {
    const folder = join(bundleFolder(cacheDir), entry);
    const bundle = await sealed(folder, options.verify === true);
    if (typeof bundle !== 'string') {
      if (bundle.recipe === options.recipe) return { folder, ...bundle };
      continue;
    }
    options.report(`${folder} is damaged and not used: ${bundle}`);
  }
  return undefined;
}

/**
 * Makes a bundle. `fill` writes its files to the folder it is given, and says what they are. When another process was
 * quicker, its bundle is taken.
 *
 * @param name.digest may be known only when `fill` has ended, which then returns it
 * @throws HarnessError E_PROGRAM when the cache cannot be written to, or what `fill` throws
 */
export async function makeBundle(
  cacheDir: string,
  name: BundleName,
  fill: (folder: string) => Promise<Contents & { readonly digest?: string }>,
): Promise<Bundle> {
  const home = bundleFolder(cacheDir);
  const partial = partialName(home);
  try {
    await mkdir(partial, { recursive: true, mode: 0o755 });
    await removeLeftovers(home);
    const { digest = name.digest, ...contents } = await fill(partial);
    if (digest === undefined) throw new Error('a bundle needs a digest');
    await seal(partial, contents);
    const folder = join(home, folderName(name, digest));
    await moveTo(partial, folder);
    return { folder, ...contents };
  } catch (cause) {
    if (cause instanceof HarnessError || (cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw new HarnessError('E_PROGRAM', `cannot write to ${home}: ${(cause as Error).message}`, {
      hint: 'make room or set XDG_CACHE_HOME to a folder that can be written to',
      cause,
    });
  } finally {
    // What cannot be removed is left for removeLeftovers; it must not hide the error.
    await rm(partial, { recursive: true, force: true }).catch(() => {});
  }
}

function folderName(name: BundleName, digest: string): string {
  return `${name.name}-${name.version}-${name.platform}-${digest.slice(0, 12)}`;
}

/** Gives a bundle its name. One that has the name already stays when it is whole, else it makes room. */
async function moveTo(partial: string, folder: string): Promise<void> {
  for (;;) {
    try {
      await rename(partial, folder);
      return;
    } catch (thrown) {
      if (!['ENOTEMPTY', 'EEXIST'].includes((thrown as NodeJS.ErrnoException).code ?? '')) throw thrown;
    }
    if (typeof (await sealed(folder, true)) !== 'string') return;
    const aside = `${partial}-damaged`;
    // Another process may have been quicker with this, too.
    await rename(folder, aside).catch(() => {});
    await rm(aside, { recursive: true, force: true });
  }
}
