/** What the volumes of pods contain: ConfigMaps and Secrets, as they are now. */
import { HarnessError } from '../../../base/errors.ts';
import type { KubeObject } from '../../target.ts';
import { filesOf, type MountSpec } from './pod-spec.ts';

export class Mounts {
  readonly #files = new Map<string, Map<string, string>>();

  set(object: KubeObject, gone: boolean): void {
    const key = keyOf(object.kind, object.metadata.namespace ?? 'default', object.metadata.name);
    if (gone) this.#files.delete(key);
    else this.#files.set(key, filesOf(object));
  }

  /** The files by path of the mount. @throws HarnessError E_NOT_READY for a volume that must exist and does not */
  of(namespace: string, mounts: readonly MountSpec[]): Map<string, ReadonlyMap<string, string>> {
    return new Map(
      mounts.map(({ path, source }): [string, ReadonlyMap<string, string>] => {
        if (source === undefined) return [path, new Map()];
        const files = this.#files.get(keyOf(source.kind, namespace, source.name));
        if (files === undefined && !source.optional) {
          throw new HarnessError('E_NOT_READY', `${source.kind} ${namespace}/${source.name} is not there`, {
            hint: `The pod mounts it at ${path}.`,
          });
        }
        return [path, files ?? new Map()];
      }),
    );
  }

  /** Whether all that must exist does. */
  complete(namespace: string, mounts: readonly MountSpec[]): boolean {
    return mounts.every(
      ({ source }) =>
        source === undefined ||
        source.optional ||
        this.#files.has(keyOf(source.kind, namespace, source.name)),
    );
  }

  /** A file by its whole path in the container. */
  file(namespace: string, mounts: readonly MountSpec[], path: string): string | undefined {
    for (const { path: folder, source } of mounts) {
      if (source === undefined || !path.startsWith(`${folder}/`)) continue;
      const files = this.#files.get(keyOf(source.kind, namespace, source.name));
      const content = files?.get(path.slice(folder.length + 1));
      if (content !== undefined) return content;
    }
    return undefined;
  }
}

function keyOf(kind: string, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`;
}
