import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { asHarnessError, HarnessError } from '../base/errors.ts';
import type { FetchLogEntry, KeyServerFault, LogPosition } from '../target/target.ts';
import { classify, type ServerLog } from './who.ts';

/** The ports that the server really has. HTTPS is open once it has a certificate. */
export interface KeyServerPorts {
  readonly httpPort: number;
  readonly httpsPort?: number;
  readonly controlPort: number;
}

/** A secret for a key server, which takes it from the variable JWKS_SECRET. */
export function newSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** What every call to a control port has to have. */
export function secretHeader(secret: string): Record<string, string> {
  return { 'x-jwt-e2e-secret': secret };
}

/** Milliseconds. A call to the control port does next to nothing, so a slow one means that the server is gone. */
const timeouts = { call: 10_000, readyPoll: 100 } as const;

/** Sends a control call, and says what came. */
export type ControlCall = (
  method: 'GET' | 'PUT',
  path: string,
  body: string | undefined,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly text: string }>;

/** Calls the control port at an address such as http://127.0.0.1:8081. */
function callAt(url: string, secret: string): ControlCall {
  const base = url.replace(/\/+$/, '');
  return async (method, path, body, signal) => {
    const response = await request(base + path, {
      method,
      headers: secretHeader(secret),
      body: body ?? null,
      // A connection kept open would be a broken one after the server was replaced.
      reset: true,
      signal,
    });
    return { status: response.statusCode, text: await response.body.text() };
  };
}

/**
 * Talks to the control port of server.mjs. Every method throws HarnessError `E_KEY_SERVER` when the server does not
 * answer or refuses.
 */
export class KeyServerControl {
  readonly #url: string;
  readonly #send: ControlCall;

  /**
   * @param url of the control port, such as http://127.0.0.1:8081; a name for messages when it is called in another way
   * @param secret that the server was started with, see newSecret; or how it is called
   */
  constructor(url: string, secret: string | ControlCall) {
    this.#url = url;
    this.#send = typeof secret === 'string' ? callAt(url, secret) : secret;
  }

  /** Serves this JWKS from now on; calling it again is a rotation. The server does not check what it holds. */
  async setKeys(jwks: unknown): Promise<void> {
    await this.#call('PUT', '/keys', jwks);
  }

  /** Opens the HTTPS port with this certificate, or replaces it for new connections. Returns once that holds. */
  async setTls(certificate: { readonly certPem: string; readonly keyPem: string }): Promise<KeyServerPorts> {
    const { certPem: cert, keyPem: key } = certificate;
    return (await this.#call('PUT', '/tls', { cert, key })) as KeyServerPorts;
  }

  /** Fails on purpose from now on, or no longer with null. */
  async setFault(fault: KeyServerFault | null): Promise<void> {
    await this.#call('PUT', '/fault', fault);
  }

  /** How it fails on purpose now; null: it does not. */
  async fault(): Promise<KeyServerFault | null> {
    return (await this.#call('GET', '/fault')) as KeyServerFault | null;
  }

  /** Where the log ends now. */
  async logEnd(): Promise<LogPosition> {
    const { id, count } = await this.#log();
    return `${id} ${count}`;
  }

  /**
   * Every request since that position, oldest first, also for paths that the server does not have.
   *
   * @throws HarnessError `E_KEY_SERVER` also when the server has been started anew since, or has had too many requests
   */
  async log(after: LogPosition): Promise<FetchLogEntry[]> {
    const { id, count, entries } = await this.#log();
    const [process, before] = after.split(' ');
    const since = count - Number(before);
    if (process === id && since <= entries.length) return entries.slice(entries.length - since).map(classify);
    const why = process === id ? `only the last ${entries.length} are known` : 'it has been started anew';
    throw new HarnessError('E_KEY_SERVER', `key server at ${this.#url} does not know all requests: ${why}`, {
      hint: 'Run the scenario again.',
    });
  }

  async #log(): Promise<ServerLog> {
    return (await this.#call('GET', '/log')) as ServerLog;
  }

  /**
   * Waits until the server answers.
   *
   * @throws HarnessError `E_TIMEOUT` when the signal's timeout passes, with the last reason as details;
   * `E_INTERRUPTED` when it is aborted for another reason, unless that reason is a HarnessError itself
   */
  async ready(signal: AbortSignal): Promise<KeyServerPorts> {
    let last = 'it was never asked';
    while (!signal.aborted) {
      try {
        return (await this.#call('GET', '/ready', undefined, signal)) as KeyServerPorts;
      } catch (error) {
        last = asHarnessError(error).message;
        await sleep(timeouts.readyPoll, undefined, { signal }).catch(() => {});
      }
    }
    const { reason } = signal;
    if (reason instanceof HarnessError) throw reason;
    const timedOut = reason instanceof Error && reason.name === 'TimeoutError';
    throw new HarnessError(
      timedOut ? 'E_TIMEOUT' : 'E_INTERRUPTED',
      timedOut
        ? `the key server at ${this.#url} did not get ready in time`
        : 'interrupted while waiting for the key server',
      {
        hint: timedOut ? 'See the output of its container or process.' : undefined,
        details: last,
        cause: reason,
      },
    );
  }

  async #call(method: 'GET' | 'PUT', path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    const limit = AbortSignal.timeout(timeouts.call);
    try {
      const own = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      const sent = body === undefined ? undefined : JSON.stringify(body);
      const { status, text } = await this.#send(method, path, sent, own);
      if (status === 200) return JSON.parse(text);
      throw new Error(`${status} ${text}`);
    } catch (error) {
      const why = error instanceof Error ? error.message || error.name : String(error);
      throw new HarnessError('E_KEY_SERVER', `key server at ${this.#url}, ${method} ${path}: ${why}`, {
        hint: 'See whether its container or process still runs.',
        cause: error,
      });
    }
  }
}
