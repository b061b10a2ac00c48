/** One Envoy: a sidecar or the ingress gateway. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'undici';
import { HarnessError } from '../../../base/errors.ts';
import { nameOfError } from '../../../base/names.ts';
import { timeouts } from '../../../base/timeouts.ts';
import { throwIfAborted, until } from '../../../base/wait.ts';
import type { StartPart } from '../control-plane/api-server.ts';
import type { Part } from '../processes/part.ts';
import { type BootstrapOptions, bootstrapOf, nodeId } from './bootstrap.ts';

export interface EnvoyOptions extends Omit<BootstrapOptions, 'adminSocket'> {
  readonly program: string;
  readonly folder: string;
  /** Short and unique in the mesh: names of files are made of it. */
  readonly id: string;
  readonly start: StartPart;
}

/** Where its admin interface has all listeners: those of a local mesh have names of their own. */
export const listenersPath = 'config_dump?resource=dynamic_listeners';

/**
 * Where it has the listeners to which policies are attached: of a sidecar those on its own address, which are a few of many.
 *
 * @param node its node ID
 */
export function inboundPath(node: string): string {
  const [role, address = ''] = node.split('~');
  if (role !== 'sidecar') return listenersPath;
  return `${listenersPath}&name_regex=${encodeURIComponent(`^${address.replaceAll('.', '\\.')}_.*$`)}`;
}

/** How often to look whether it is ready, in milliseconds. */
const pollMs = 15;

export class Envoy {
  readonly node: string;
  readonly part: Part;
  /** Path of the socket of its admin interface. */
  readonly adminSocket: string;
  readonly #admin: Client;

  /** Returns once the process runs. @throws HarnessError E_PROGRAM */
  static async start(options: EnvoyOptions): Promise<Envoy> {
    const { folder, id, namespace, pod, program, start } = options;
    const adminSocket = join(folder, `${id}.admin`);
    const bootstrap = { ...options, adminSocket };
    const file = join(folder, `${id}.json`);
    writeFileSync(file, JSON.stringify(bootstrapOf(bootstrap)), { mode: 0o600 });
    const part = await start({
      name: `Envoy of ${namespace}/${pod}`,
      program,
      args: [
        '-c',
        file,
        // One worker: less memory, and one pooled connection that gives one old answer.
        '--concurrency',
        '1',
        '--use-dynamic-base-id',
        '--disable-hot-restart',
        // As pilot-agent starts it: a connection that drains is closed with its next answer.
        '--drain-time-s',
        '45',
        '--drain-strategy',
        'immediate',
        // How long a line of the access log may be on its way: it is evidence.
        '--file-flush-interval-msec',
        '1000',
        '--log-level',
        'warning',
        '--component-log-level',
        'misc:error',
      ],
    });
    return new Envoy(nodeId(bootstrap), part, adminSocket);
  }

  private constructor(node: string, part: Part, adminSocket: string) {
    this.node = node;
    this.part = part;
    this.adminSocket = adminSocket;
    this.#admin = new Client('http://envoy', { socketPath: adminSocket, pipelining: 1 });
  }

  /** GET on its admin interface. @throws HarnessError E_EXEC */
  async get(path: string, signal: AbortSignal): Promise<string> {
    try {
      const response = await this.#admin.request({ method: 'GET', path: `/${path}`, signal });
      const text = await response.body.text();
      if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`);
      return text;
    } catch (thrown) {
      if (!this.part.running) throw this.part.failure();
      throwIfAborted(signal);
      throw new HarnessError('E_EXEC', `${this.part.name} does not answer ${path}: ${nameOfError(thrown)}`, {
        cause: thrown,
      });
    }
  }

  /** Whether it listens on this now, such as `127.0.0.1:8080`. @throws HarnessError E_EXEC */
  async isOn(address: string, signal: AbortSignal): Promise<boolean> {
    return (await this.get('listeners', signal)).includes(`::${address}\n`);
  }

  /** Waits until it listens on all of these, such as `127.0.0.1:8080`. */
  async listensOn(addresses: readonly string[], signal: AbortSignal): Promise<void> {
    await until(
      `${this.part.name} listening on ${addresses.join(', ') || 'anything'}`,
      async () => {
        if (!this.part.running) throw this.part.failure();
        try {
          const listeners = await this.get('listeners', signal);
          const missing = addresses.filter((address) => !listeners.includes(`::${address}\n`));
          return missing.length === 0 ? true : `it does not listen on ${missing.join(', ')}`;
        } catch (thrown) {
          if (signal.aborted || !this.part.running) throw thrown;
          return nameOfError(thrown);
        }
      },
      { timeoutMs: timeouts.localStart, intervalMs: pollMs, signal, code: 'E_NOT_READY' },
    );
  }

  async stop(): Promise<void> {
    await this.part.stop(true);
    await this.#admin.destroy();
  }
}
