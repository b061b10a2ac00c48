/**
 * The process that keeps a local mesh after the command that has made it: `jwt-e2e up`, or a run with --keep. It serves
 * the target's methods on a Unix socket, to one run at a time, and ends when it is told to or its mesh breaks.
 */
import { copyFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { asHarnessError, HarnessError } from '../../../base/errors.ts';
import { type MeshFacts, problemOf } from '../../../base/events.ts';
import type { HttpRequest, KeyServerHandle, Origin, Progress, SendLimit } from '../../target.ts';
import type { LocalSettings } from '../local-settings.ts';
import { LocalTarget } from '../local-target.ts';
import { writeState } from './kept.ts';
import {
  aliveMs,
  type Forwarded,
  forwarded,
  forwardedToKeyServers,
  type HostConfig,
  type KeyServerCall,
  type SessionLine,
  type SessionStart,
} from './mesh-protocol.ts';

/** What is needed of the target. */
export type HostedTarget = Pick<
  LocalTarget,
  | Forwarded
  | 'up'
  | 'down'
  | 'onFailure'
  | 'begins'
  | 'clear'
  | 'send'
  | 'curl'
  | 'startKeyServer'
  | 'fetchMode'
  | 'caCertificate'
  | 'ingressUrl'
  | 'missing'
  | 'memory'
  | 'meshFolder'
  | 'kubeconfig'
>;

type Method = (...args: unknown[]) => Promise<unknown>;
type Call = (args: unknown[], signal: AbortSignal) => Promise<unknown>;

export class MeshHost {
  readonly #config: HostConfig;
  readonly #target: HostedTarget;
  readonly #exit: () => void;
  readonly #keyServers = new Map<string, KeyServerHandle>();
  readonly #calls: Readonly<Record<string, Call>>;
  #facts: MeshFacts | undefined;
  /** The run that uses the mesh now. */
  #session: { readonly start: SessionStart; readonly stream: ServerResponse } | undefined;
  /** Calls that have not been answered. */
  readonly #working = new Set<Promise<unknown>>();
  /** What the last run has left is being cleared. */
  #clearing: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;

  /** @param exit ends the process */
  constructor(
    config: HostConfig,
    exit: () => void,
    makeTarget: (settings: LocalSettings, progress: Progress) => HostedTarget = (settings, progress) =>
      new LocalTarget(settings, progress),
  ) {
    this.#config = config;
    this.#exit = exit;
    const { images, istiodEnv, gatewayApiCrds, folder, programs } = config;
    this.#target = makeTarget(
      {
        mesh: undefined,
        reason: '',
        runId: '',
        images,
        istiodEnv,
        gatewayApiCrds,
        folder,
        programs: async () => programs,
      },
      (event) => this.#tell({ type: 'progress', event }),
    );
    this.#calls = this.#makeCalls();
  }

  /** Starts the mesh and serves it; returns once that is so. @throws HarnessError */
  async start(signal: AbortSignal): Promise<void> {
    this.#facts = await this.#target.up(signal);
    const socket = join(this.#target.meshFolder, 'host');
    const server = createServer((request, response) => void this.#answer(request, response));
    server.requestTimeout = 0;
    // The client closes idle connections: one that both close at a time may take a call along.
    server.keepAliveTimeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    this.#target.onFailure((error) => {
      if (this.#ending === undefined) this.#tell({ type: 'failed', error: problemOf(error) });
      void this.end();
    });
    // Where kubectl can be told to find it, whatever the folder of the mesh is called.
    copyFileSync(this.#target.kubeconfig, this.#kubeconfig);
    const { istiodEnv, programs, stateFile } = this.#config;
    const { istio, envoyVersion: envoy } = programs;
    writeState(stateFile, { pid: process.pid, socket, istio, envoy, istiodEnv });
  }

  get #kubeconfig(): string {
    return join(dirname(this.#config.stateFile), 'kubeconfig');
  }

  /** Stops the mesh and ends the process. */
  async end(): Promise<void> {
    this.#ending ??= this.#target.down(new AbortController().signal).finally(this.#exit);
    await this.#ending;
  }

  #makeCalls(): Record<string, Call> {
    const target = this.#target;
    const calls: Record<string, Call> = {
      send: async (args, signal) => {
        const [origin, requests, rounds, limit] = args as [Origin, HttpRequest[], number, SendLimit];
        const answers = await target.send(origin, requests, rounds, signal, limit);
        const ingressUrl = origin.kind === 'ingress' ? target.ingressUrl(origin.gateway) : undefined;
        return { answers, curl: requests.map((request) => target.curl(origin, request)), ingressUrl };
      },
      startKeyServer: async ([call], signal) => {
        const { id, ...start } = call as KeyServerCall;
        const server = await target.startKeyServer(start, signal);
        this.#keyServers.set(id, server);
        return { name: server.name, host: server.host, ip: server.ip };
      },
      keyServer: async ([id, name, ...args], signal) => {
        const server = this.#keyServers.get(String(id));
        const method = forwardedToKeyServers.find((each) => each === name);
        if (method === 'stop') this.#keyServers.delete(String(id));
        else if (server === undefined) throw new HarnessError('E_KEY_SERVER', `there is no key server ${id}`);
        return method && server && (server[method] as Method).call(server, ...args, signal);
      },
      end: async () => {
        // Answered first.
        setTimeout(() => void this.end(), 0);
      },
      memory: async () => target.memory(),
      // The stream of the run closes with it; what it has left is cleared then.
      leave: async () => {
        const session = this.#session;
        if (session !== undefined) this.#session = { ...session, start: { ...session.start, owner: false } };
      },
    };
    for (const name of forwarded)
      calls[name] = (args, signal) => (target[name] as Method).call(target, ...args, signal);
    return calls;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const aborted = new AbortController();
    response.on('close', () => aborted.abort());
    try {
      const { name, args } = JSON.parse(await bodyOf(request)) as { name: string; args: unknown[] };
      if (name === 'begin') {
        await this.#begin(args[0] as SessionStart, response, aborted.signal);
        return;
      }
      const call = Object.hasOwn(this.#calls, name) ? this.#calls[name] : undefined;
      if (call === undefined) throw new HarnessError('E_INTERNAL', `a kept mesh has no ${name}`);
      const working = call(args, aborted.signal);
      this.#working.add(working);
      const result = await working.finally(() => this.#working.delete(working));
      response.end(JSON.stringify({ result: result ?? null }));
    } catch (thrown) {
      response.end(JSON.stringify({ error: problemOf(asHarnessError(thrown)) }));
    }
  }

  async #begin(start: SessionStart, stream: ServerResponse, signal: AbortSignal): Promise<void> {
    const write = (line: SessionLine) => stream.write(`${JSON.stringify(line)}\n`);
    if (this.#session !== undefined || this.#facts === undefined) {
      const error = new HarnessError(
        'E_CLUSTER',
        `the local mesh "${this.#config.name}" is in use by another run`,
        {
          hint: 'Wait until it has ended, or use another --name.',
        },
      );
      write({ type: 'refused', error: problemOf(error) });
      stream.end();
      return;
    }
    this.#session = { start, stream };
    const alive = setInterval(() => write({ type: 'alive' }), aliveMs);
    stream.on('close', () => {
      clearInterval(alive);
      this.#leave();
    });
    try {
      await this.#clearing;
      const facts = { ...this.#facts, reason: start.reason, fetch: this.#target.fetchMode() };
      this.#target.begins(start.runId);
      write({
        type: 'begun',
        facts: start.mesh === undefined ? facts : { ...facts, id: start.mesh },
        ca: await this.#target.caCertificate(),
        ingressUrl: this.#target.ingressUrl(),
        missing: [...this.#target.missing],
        kubeconfig: this.#kubeconfig,
      });
    } catch (thrown) {
      if (!signal.aborted) write({ type: 'refused', error: problemOf(asHarnessError(thrown)) });
      stream.end();
    }
  }

  /** The run has ended, in whatever way. */
  #leave(): void {
    const session = this.#session;
    this.#session = undefined;
    if (session?.start.owner) {
      void this.end();
      return;
    }
    const servers = [...this.#keyServers.values()];
    this.#keyServers.clear();
    const before = this.#clearing;
    this.#clearing = (async () => {
      await before;
      // Its calls have been aborted; what they still do must not come after this.
      await Promise.allSettled(this.#working);
      await Promise.allSettled(servers.map((server) => server.stop()));
      await this.#target.clear(new AbortController().signal);
    })();
    // Without a clean mesh there is no verdict: better none at all.
    this.#clearing.catch(() => void this.end());
  }

  #tell(line: SessionLine): void {
    this.#session?.stream.write(`${JSON.stringify(line)}\n`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
