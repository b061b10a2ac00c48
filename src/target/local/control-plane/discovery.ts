/** The discovery service of a mesh: an address that stays, and behind it an istiod, which another one can take over from. */

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { HarnessError } from '../../../base/errors.ts';
import type { FetchMode } from '../../../base/events.ts';
import { isMap } from '../../../base/kube-object.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { until } from '../../../base/wait.ts';
import type { MeshConfig } from '../../../policy/read-mesh-config.ts';
import { trustDomainOf } from '../../../policy/read-mesh-config.ts';
import { notTaken } from '../../mesh-config.ts';
import type { IstiodStart } from '../../target.ts';
import { portOn } from '../network/addresses.ts';
import {
  type IstiodFiles,
  type IstiodOptions,
  prepareIstiod,
  type RunningIstiod,
  startIstiod,
} from './istiod.ts';
import type { IstiodEnv } from './istiod-env.ts';
import { mergedMeshConfig, ownMeshConfig } from './own-mesh-config.ts';
import type { Relay } from './relay.ts';
import { getOk } from './wait-http.ts';

const unknownFields =
  "istiod ignores fields that it does not know. Compare their spelling with Istio's reference.";

export class Discovery {
  /** Where proxies find it. */
  readonly port: number;
  /** Where the API server finds its validation of Istio's resources. */
  readonly webhookUrl: string;
  readonly #options: IstiodOptions;
  readonly #files: IstiodFiles;
  readonly #relays: { readonly proxies: Relay; readonly webhook: Relay };
  #running: RunningIstiod;
  #mode: FetchMode;
  #variables: IstiodEnv = {};
  /** What istiod was last given. */
  #meshConfig: MeshConfig;

  /** @throws HarnessError E_CLUSTER with istiod's last lines */
  static async start(
    options: IstiodOptions,
    relays: { readonly proxies: Relay; readonly webhook: Relay },
    mode: FetchMode,
    signal: AbortSignal,
  ): Promise<Discovery> {
    const files = await prepareIstiod(options);
    const running = await startIstiod(options, files, mode, signal);
    const ports = {
      port: await relays.proxies.listen(options.address, await portOn(options.address)),
      webhook: await relays.webhook.listen(options.address, await portOn(options.address)),
    };
    return new Discovery(options, files, relays, ports, running, mode);
  }

  private constructor(
    options: IstiodOptions,
    files: IstiodFiles,
    relays: { readonly proxies: Relay; readonly webhook: Relay },
    ports: { readonly port: number; readonly webhook: number },
    running: RunningIstiod,
    mode: FetchMode,
  ) {
    this.#options = options;
    this.#files = files;
    this.#relays = relays;
    this.port = ports.port;
    this.webhookUrl = `https://${options.address}:${ports.webhook}/validate`;
    this.#running = running;
    this.#mode = mode;
    this.#meshConfig = ownMeshConfig(`${options.address}:15012`);
    this.#lead();
  }

  get mode(): FetchMode {
    return this.#mode;
  }

  /** Those besides the ones that the mesh was started with. */
  get variables(): IstiodEnv {
    return this.#variables;
  }

  /** Of the mesh settings that hold now. */
  get defaultServiceExportTo(): readonly string[] {
    const found = this.#meshConfig.defaultServiceExportTo;
    return Array.isArray(found) ? found.map(String) : ['*'];
  }

  /** Of the mesh settings that hold now. */
  get trustDomain(): string {
    return trustDomainOf(this.#meshConfig);
  }

  /** What the mesh settings that hold now say about every proxy. */
  get proxyDefaults(): Readonly<Record<string, unknown>> {
    const { defaultConfig } = this.#meshConfig;
    return isMap(defaultConfig) ? defaultConfig : {};
  }

  get log(): string {
    return this.#running.part.log();
  }

  /**
   * Another istiod takes over, started like this and with no keys in its cache; returns once it has sent every proxy what
   * it is to have.
   *
   * @param proxies names of the proxies, as `pod.namespace`
   */
  async restart(
    { fetch, variables }: IstiodStart,
    proxies: () => readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const old = this.#running;
    const options = { ...this.#options, istiodEnv: { ...this.#options.istiodEnv, ...variables } };
    this.#running = await startIstiod(options, this.#files, fetch, signal);
    this.#lead();
    this.#mode = fetch;
    this.#variables = variables;
    await old.part.stop(true);
    await until('every proxy reconnecting to istiod', () => this.#allSynced(proxies(), signal), {
      timeoutMs: timeouts.istiodRestart,
      intervalMs: 25,
      signal,
      code: 'E_NOT_READY',
    });
  }

  /**
   * Gives istiod other mesh settings, and returns once it has taken them.
   *
   * @param declared of the ConfigMap; the settings that every local mesh has come over them
   * @returns paths of settings that are not as declared
   * @throws HarnessError E_UNPROVEN when istiod does not take them, with what it says about that
   */
  async setMeshConfig(declared: MeshConfig, signal: AbortSignal): Promise<readonly string[]> {
    const { address, folder } = this.#options;
    const { config, kept } = mergedMeshConfig(declared, ownMeshConfig(`${address}:15012`));
    const [before, logged] = [this.#meshConfig, this.log.length];
    this.#meshConfig = config;
    // At once whole: istiod watches the file.
    const file = join(folder, 'mesh.part');
    writeFileSync(file, stringify(config), { mode: 0o600 });
    renameSync(file, this.#files.meshFile);
    await until(
      'istiod taking the mesh settings',
      async () => {
        const { part, httpUrl } = this.#running;
        if (!part.running) throw part.failure();
        const shown = JSON.parse(await getOk(`${httpUrl}/debug/mesh`, signal)) as MeshConfig;
        const missing = notTaken(shown, config, before);
        if (missing.length === 0) return true;
        // Several mistakes are a list, which begins in the next line.
        const [refusal] =
          this.log
            .slice(logged)
            .match(/(?<=invalid mesh config, using last known state: ).*(?:\n(?=[\t\n]).*)*/) ?? [];
        if (refusal === undefined) return missing.join(', ');
        throw new HarnessError(
          'E_UNPROVEN',
          `istiod does not take the mesh settings: ${refusal.trim().replace(/\s+/g, ' ')}`,
          {
            hint: 'It keeps those that it had. Its message says which field is wrong.',
          },
        );
      },
      {
        timeoutMs: timeouts.localMeshSettings,
        intervalMs: 20,
        signal,
        code: 'E_UNPROVEN',
        hint: unknownFields,
      },
    );
    return kept;
  }

  #lead(): void {
    const { grpcPort, webhookPort } = this.#running;
    this.#relays.proxies.lead(this.#options.address, grpcPort);
    this.#relays.webhook.lead(this.#options.address, webhookPort);
  }

  async #allSynced(wanted: readonly string[], signal: AbortSignal): Promise<true | string> {
    const synced = await syncedProxies(this.#running.httpUrl, signal);
    const missing = wanted.filter((name) => !synced.includes(name));
    return missing.length === 0 ? true : `not connected: ${missing.join(', ')}`;
  }
}

interface SyncStatus {
  readonly proxy: string;
  readonly cluster_sent?: string;
  readonly cluster_acked?: string;
  readonly listener_sent?: string;
  readonly listener_acked?: string;
}

/** Names of the proxies whose clusters and listeners were sent and acknowledged, as `pod.namespace`. */
export async function syncedProxies(httpUrl: string, signal: AbortSignal): Promise<string[]> {
  const all = JSON.parse(await getOk(`${httpUrl}/debug/syncz`, signal)) as SyncStatus[] | null;
  return (all ?? [])
    .filter(
      (each) =>
        each.cluster_sent !== undefined &&
        each.cluster_sent === each.cluster_acked &&
        each.listener_sent === each.listener_acked,
    )
    .map((each) => each.proxy);
}
