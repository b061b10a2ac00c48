/** Decides for each object, at the moment it is applied, whether it may be, and gives it the labels that say whose it is. */
import { isDeepStrictEqual } from 'node:util';
import { HarnessError } from '../../base/errors.ts';
import { nameOfKey } from '../../base/names.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { applyObject, getObject, keyOf } from '../../kube/objects.ts';
import { type Clients, clientFor } from '../kubernetes/client-for.ts';
import { contentOf } from '../kubernetes/undo/restore.ts';
import type { KubeObject, ObjectKey } from '../target.ts';
import { mark } from './marks.ts';
import { type Ownership, withOwner } from './ownership.ts';

export class Claims {
  readonly #clients: Clients;
  readonly #ownership: Ownership;
  readonly #yes: boolean;
  /** Namespaces that were made on the mesh's own API server, where there is one. */
  readonly meshNamespaces: KubeObject[] = [];

  /** @param yes whether what is not this tool's own may be touched */
  constructor(clients: Clients, ownership: Ownership, yes: boolean) {
    this.#clients = clients;
    this.#ownership = ownership;
    this.#yes = yes;
  }

  /**
   * The object as it is to be applied; undefined when it is somebody else's and has all of it already.
   *
   * @throws HarnessError E_NOT_OWNED when it may not be touched
   */
  async claim(object: KubeObject, signal: AbortSignal): Promise<KubeObject | undefined> {
    const own = await this.check(keyOf(object), signal);
    const labelled = object.kind === 'Namespace' ? withOwner(object, own) : object;
    if (!own) return this.#marked(labelled, signal);
    await this.#ensureMeshNamespace(labelled, signal);
    return labelled;
  }

  /** Whether the object is this tool's own. @throws HarnessError E_NOT_OWNED when it is not, and may not be touched */
  async check(key: ObjectKey, signal: AbortSignal): Promise<boolean> {
    const own = await this.#ownership.owns(key, signal);
    if (own || this.#yes) return own;
    throw new HarnessError('E_NOT_OWNED', `${nameOfKey(key)} is not in a namespace of this tool`, {
      hint: 'Use a namespace that the scenario creates, or allow it with --yes.',
    });
  }

  async #marked(object: KubeObject, signal: AbortSignal): Promise<KubeObject | undefined> {
    const client = clientFor(this.#clients, object.apiVersion);
    const live = await getObject(client, keyOf(object), signal);
    let would: KubeObject;
    try {
      would = (await applyObject(client, object, { dryRun: true, signal })).object;
    } catch (thrown) {
      // It will be refused again when it is applied, in its place among the others.
      if (thrown instanceof HarnessError && thrown.code === 'E_REFUSED') return object;
      throw thrown;
    }
    if (live !== undefined && isDeepStrictEqual(contentOf(live), contentOf(would))) return undefined;
    return mark(object, live, would);
  }

  /** A mesh with an API server of its own has namespaces of its own, which the policies are in. */
  async #ensureMeshNamespace(object: KubeObject, signal: AbortSignal): Promise<void> {
    const { mesh } = this.#clients;
    const name = object.metadata.namespace;
    const onMesh = this.#ownership.separateMesh && clientFor(this.#clients, object.apiVersion) === mesh;
    if (!onMesh || name === undefined) return;
    if ((await this.#ownership.meshNamespace(name, signal)) !== 'absent') return;
    const bare: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    const namespace = withOwner(bare, true);
    try {
      this.meshNamespaces.push((await applyObject(mesh, namespace, { signal })).object);
    } catch (thrown) {
      const refused = thrown instanceof HarnessError && thrown.cause instanceof KubeError;
      if (!refused) throw thrown;
      throw new HarnessError('E_NOT_READY', `context ${mesh.name} has no namespace ${name}`, {
        hint: `Create it there, with the label ${Object.entries(namespace.metadata.labels ?? {})[0]?.join('=')}.`,
        cause: thrown,
      });
    }
  }
}
