/** One mesh of a run. Setting it up, running scenarios on it and taking it down can be asked for apart, and repeatedly. */
import { isDeepStrictEqual } from 'node:util';
import { asHarnessError, type HarnessError } from '../base/errors.ts';
import type { MeshFacts, Unstamped } from '../base/events.ts';
import { timeouts } from '../base/timeouts.ts';
import { within } from '../base/wait.ts';
import type { MeshSettings } from '../plan/asked-mesh.ts';
import type { Target } from '../target/target.ts';
import { folderOf } from './answers/write-evidence.ts';
import { KeyCache } from './keys/key-cache.ts';
import { Pending } from './proof/pending.ts';

export class Mesh {
  readonly target: Target;
  /** The id of its facts when there are several meshes, known before it is up; undefined for the only one. */
  readonly label: string | undefined;
  /** What was changed in it since its proxies were last proven to have everything. */
  readonly pending = new Pending();
  /** Whether {@link Target.begin} was called, which is to be done once. */
  begun = false;
  readonly keyCache: KeyCache;
  #facts: MeshFacts | undefined;
  #config: MeshSettings['config'] | undefined = {};

  constructor(target: Target, label: string | undefined) {
    this.target = target;
    this.keyCache = new KeyCache(target);
    this.label = label;
  }

  /** Folder for evidence within the artifacts folder. */
  get folder(): string | undefined {
    if (this.label === undefined) return undefined;
    return /^\w[\w.=@-]{0,100}$/.test(this.label) ? this.label : folderOf(this.label);
  }

  /** What it is; undefined as long as it is not up. */
  get facts(): MeshFacts | undefined {
    return this.#facts;
  }

  /** Sets it up, unless it is up, and says what it is. @throws HarnessError */
  async ready(emit: (event: Unstamped) => void, signal: AbortSignal): Promise<MeshFacts> {
    if (this.#facts === undefined) {
      const facts = await this.target.up(signal);
      this.#facts = this.label === undefined ? facts : { ...facts, id: this.label };
    }
    emit({ type: 'mesh-ready', mesh: this.#facts });
    return this.#facts;
  }

  /**
   * Puts it back into the state that it came up in, which most scenarios are for, with an istiod that has no keys of
   * scenarios, while nobody waits for it. What goes wrong is seen by the next round, which needs that state. Never throws.
   */
  async rest(signal: AbortSignal): Promise<void> {
    const fetch = this.#facts?.fetch;
    if (fetch === undefined) return;
    await this.keyCache.clear({ fetch, variables: {} }, signal).catch(() => {});
    await this.configure({}, signal).catch(() => {});
  }

  /** Has these fields of MeshConfig over those of the installation, and no others of scenarios. */
  async configure(config: MeshSettings['config'], signal: AbortSignal): Promise<void> {
    if (isDeepStrictEqual(config, this.#config)) return;
    // What becomes of it when this fails is not known: the next one is put there whatever it is.
    this.#config = undefined;
    await this.target.setMeshConfig(config, signal);
    this.#config = config;
  }

  /** Takes it down, with a time limit of its own: an interruption must not keep it from being done. Never throws. */
  async end(): Promise<HarnessError | undefined> {
    const limit = within(timeouts.cleanUp, new AbortController().signal, 'cleaning up');
    try {
      await this.target.down(limit.signal);
      return undefined;
    } catch (thrown) {
      return asHarnessError(thrown);
    } finally {
      limit.done();
    }
  }
}

/** The meshes of a run, each with a label that no other has; a single one has none. */
export function meshesOf(targets: readonly Target[]): Mesh[] {
  if (targets.length < 2) return targets.map((target) => new Mesh(target, undefined));
  const used = new Set<string>();
  return targets.map((target, index) => {
    const wanted = target.mesh ?? `${target.name}-${index + 1}`;
    const label = used.has(wanted) ? `${wanted}-${index + 1}` : wanted;
    used.add(label);
    return new Mesh(target, label);
  });
}
