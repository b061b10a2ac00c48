/** A key server that runs: what it is to serve, and whether it does. */
import { HarnessError } from '../base/errors.ts';
import type { KeyServerHandle, KeyServerState } from '../target/target.ts';
import { type Ca, issueCertificate, type ServerCertificate } from './certificates.ts';
import type { KeyServerControl } from './key-server-client.ts';
import { expectKeys, notWorking } from './works.ts';

/** Where a server can be found, and who signs its certificates. */
export interface ServerPlace {
  readonly name: string;
  readonly host: string;
  readonly ip: string;
  authority(trust: 'trusted' | 'untrusted'): Promise<Ca>;
}

const minute = 60_000;

/** A certificate of this kind: only "trusted" is one that a client with the right CA takes. */
async function certificateOf(
  kind: KeyServerState['certificate'],
  { host, ip, authority }: ServerPlace,
): Promise<ServerCertificate> {
  const ca = await authority(kind === 'untrusted' ? 'untrusted' : 'trusted');
  if (kind === 'wrong-host') return issueCertificate(ca, { dnsNames: [`not-${host}`] });
  const notAfter = kind === 'expired' ? new Date(Date.now() - minute) : undefined;
  return issueCertificate(ca, { dnsNames: [host], ips: [ip] }, notAfter);
}

export class ServedKeys {
  readonly #place: ServerPlace;
  readonly #control: KeyServerControl;
  readonly #ask: (userAgent: string, signal: AbortSignal) => Promise<readonly string[]>;
  #state: KeyServerState | undefined;

  /** @param ask what the server answers over HTTP and HTTPS from where the mesh sees it; throws when it does not */
  constructor(
    place: ServerPlace,
    control: KeyServerControl,
    ask: (userAgent: string, signal: AbortSignal) => Promise<readonly string[]>,
  ) {
    this.#place = place;
    this.#control = control;
    this.#ask = ask;
  }

  /** The server as targets hand it over. @param stop ends it */
  handle(stop: () => Promise<void>): KeyServerHandle {
    const { name, host, ip } = this.#place;
    return {
      name,
      host,
      ip,
      set: (state) => this.set(state),
      logEnd: () => this.#control.logEnd(),
      log: (after) => this.#control.log(after),
      check: (userAgent, signal) => this.check(userAgent, signal),
      stop,
    };
  }

  /** Has the server do this from now on. @throws HarnessError E_KEY_SERVER */
  async set(state: KeyServerState): Promise<void> {
    const before = this.#state;
    // What comes of it when a call fails is not known.
    this.#state = undefined;
    // Open again before anything else: a certificate opens a port that it does not have yet.
    if (before?.fault?.closed === true) await this.#control.setFault(null);
    await this.#control.setKeys(state.jwks);
    if (state.certificate !== before?.certificate)
      await this.#control.setTls(await certificateOf(state.certificate, this.#place));
    await this.#control.setFault(state.fault);
    this.#state = state;
  }

  /** Whether it does what it was told to. @throws HarnessError E_KEY_SERVER when it does not, or cannot be asked */
  async check(userAgent: string, signal: AbortSignal): Promise<void> {
    const { name } = this.#place;
    if (this.#state === undefined) throw notWorking(name, 'it was not told what to serve');
    const { fault, jwks } = this.#state;
    if (fault === null) {
      expectKeys(name, await this.#ask(userAgent, signal), jwks);
      return;
    }
    // It fails on purpose, so only the server itself can say that it is there and does so.
    const has = await this.#control.fault();
    if (JSON.stringify(has) === JSON.stringify(fault)) return;
    throw new HarnessError('E_KEY_SERVER', `the key server ${name} does not fail as it was told to`, {
      hint: 'It is a server of this tool, and may have been started anew. Run the scenario again.',
    });
  }
}
