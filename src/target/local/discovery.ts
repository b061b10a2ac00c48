/** The discovery service of a mesh: an address that stays, and behind it an istiod, which another one can take over from. */
import type { FetchMode } from '../../events.ts';
import { timeouts } from '../../timeouts.ts';
import { until } from '../../wait.ts';
import { portOn } from './addresses.ts';
import {
  type IstiodFiles,
  type IstiodOptions,
  prepareIstiod,
  type RunningIstiod,
  startIstiod,
} from './istiod.ts';
import type { Relay } from './relay.ts';
import { syncedProxies } from './synced.ts';

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
    this.#lead();
  }

  get mode(): FetchMode {
    return this.#mode;
  }

  get log(): string {
    return this.#running.part.log();
  }

  /**
   * Another istiod takes over, in this fetch mode and with no keys in its cache; returns once it has sent every proxy what
   * it is to have.
   *
   * @param proxies names of the proxies, as `pod.namespace`
   */
  async restart(mode: FetchMode, proxies: () => readonly string[], signal: AbortSignal): Promise<void> {
    const old = this.#running;
    this.#running = await startIstiod(this.#options, this.#files, mode, signal);
    this.#lead();
    this.#mode = mode;
    await old.part.stop(true);
    await until('every proxy reconnecting to istiod', () => this.#allSynced(proxies(), signal), {
      timeoutMs: timeouts.istiodRestart,
      intervalMs: 25,
      signal,
      code: 'E_NOT_READY',
    });
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
