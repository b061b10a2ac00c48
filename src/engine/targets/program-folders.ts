/** Folders with programs of local meshes: one for all versions of Istio, or one for each. */
import { HarnessError } from '../../base/errors.ts';
import type { Values } from '../../settings/settings.ts';
import { list } from '../../settings/typed.ts';

/** Where the programs of one mesh are looked for first, and which Istio it has; undefined where nothing was said. */
export interface ProgramFolder {
  readonly folder: string | undefined;
  readonly istio: string | undefined;
}

/**
 * The folder of `--programs` for a version of Istio: the one that is named for it with `VERSION=FOLDER`, else the one for all
 * versions. Without a version that was asked for, the only one that has a folder is taken.
 *
 * @param istio as `--istio` says, if it does
 * @param report told when all folders are for other versions
 * @throws HarnessError E_USAGE for two folders for the same, and when it is not clear which version is meant
 */
export function programFolderFor(
  values: Values,
  istio: string | undefined,
  report: (message: string) => void,
): ProgramFolder {
  const folders = foldersOf(list(values, 'programs'));
  const forAll = folders.get(undefined);
  const versions = [...folders.keys()].filter((version) => version !== undefined);
  if (istio === undefined && forAll === undefined && versions.length > 1) {
    throw new HarnessError(
      'E_USAGE',
      `--programs has folders for Istio ${versions.join(' and ')}, so it is not clear which one is meant`,
      { hint: `Write --istio ${versions.join(',')} for one mesh each, or name one of them.` },
    );
  }
  const wanted = istio ?? (forAll === undefined ? versions[0] : undefined);
  const folder = folders.get(wanted) ?? forAll;
  if (folder === undefined && versions.length > 0) {
    report(
      `--programs has no folder for Istio ${wanted}, only for ${versions.join(' and ')}; --programs ${wanted}=FOLDER names one`,
    );
  }
  return { folder, istio: wanted };
}

/** By version; undefined for all others. */
function foldersOf(entries: readonly string[]): Map<string | undefined, string> {
  const folders = new Map<string | undefined, string>();
  for (const entry of entries) {
    // A folder whose name looks like this is written as ./NAME.
    const [, version, folder = entry] = /^(\d[^=/]*)=(.*)$/s.exec(entry) ?? [];
    if (folder === '') {
      throw new HarnessError('E_USAGE', `--programs has no folder behind "${entry}"`, {
        hint: `Write --programs ${version}=FOLDER.`,
      });
    }
    const other = folders.get(version);
    if (other !== undefined && other !== folder) {
      const what = version === undefined ? 'all versions' : `Istio ${version}`;
      throw new HarnessError('E_USAGE', `--programs has two folders for ${what}: ${other} and ${folder}`, {
        hint:
          version === undefined
            ? 'Say for which Istio each is, such as --programs 1.31.1=FOLDER.'
            : 'Leave one of them out.',
      });
    }
    folders.set(version, folder);
  }
  return folders;
}
