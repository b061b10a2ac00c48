/** HTTP to a port of a pod, through the API server, over connections that stay open. */
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { Duplex, Readable, Writable } from 'node:stream';
import { HarnessError } from '../base/errors.ts';
import { limits, readUpTo, sizeText } from '../base/files/limits.ts';
import { nameOfError } from '../base/names.ts';
import { throwIfAborted, within } from '../base/wait.ts';
import type { KubeClient } from './kube-client.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  /** On the loopback address of the pod. */
  readonly port: number;
}

/** The WebSocket of client-node. */
interface Socket {
  send(data: Buffer): void;
  terminate(): void;
  onclose: () => unknown;
  onerror: (event: unknown) => void;
  /** Of the package ws, undocumented; what is idle must not keep the program from ending. */
  readonly _socket?: { ref(): void; unref(): void };
}

const agents = new WeakMap<KubeClient, PodAgent>();

/**
 * GET on a port of a pod. The pod's connection is used again by the next one.
 *
 * @throws HarnessError E_EXEC when there is no connection, or no answer with status 200
 */
export async function getFromPod(
  client: KubeClient,
  target: PodPort,
  path: string,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<string> {
  const where = `port ${target.port} of pod ${target.namespace}/${target.pod}`;
  const limit = within(options.timeoutMs, options.signal, `asking ${where}`);
  try {
    const sent = request({
      agent: agentOf(client),
      host: hostOf(target),
      path: path.startsWith('/') ? path : `/${path}`,
      headers: { host: 'localhost' },
      signal: limit.signal,
    });
    const response = await answerTo(sent);
    const { data, isCut } = await readUpTo(response, limits.answer);
    if (isCut) {
      throw new HarnessError('E_EXEC', `${where} answers ${path} with more than ${sizeText(limits.answer)}`);
    }
    const body = data.toString('utf8');
    if (response.statusCode === 200) return body;
    throw new HarnessError('E_EXEC', `${where} answers ${path} with ${response.statusCode}`, {
      details: body,
    });
  } catch (thrown) {
    throwIfAborted(options.signal);
    if (thrown instanceof HarnessError && thrown.code === 'E_EXEC') throw thrown;
    const why: unknown = limit.signal.aborted ? limit.signal.reason : thrown;
    throw new HarnessError('E_EXEC', `${where} cannot be asked: ${nameOfError(why)}`, { cause: thrown });
  } finally {
    limit.done();
  }
}

async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

function agentOf(client: KubeClient): PodAgent {
  const known = agents.get(client);
  if (known !== undefined) return known;
  const agent = new PodAgent(client);
  agents.set(client, agent);
  client.onClose(() => {
    agents.delete(client);
    agent.destroy();
  });
  return agent;
}

function hostOf({ namespace, pod, port }: PodPort): string {
  return `${port}.${pod}.${namespace}`;
}

/** Connections by the host of {@link hostOf}. */
class PodAgent extends Agent {
  readonly #client: KubeClient;

  constructor(client: KubeClient) {
    super({ keepAlive: true });
    this.#client = client;
  }

  override createConnection(
    { host }: { host?: string | null },
    made: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    // Names of pods may have dots, and those of namespaces have none.
    const [, port = '', pod = '', namespace = ''] = /^(\d+)\.(.*)\.([^.]*)$/.exec(host ?? '') ?? [];
    connectToPod(this.#client, { namespace, pod, port: Number(port) }).then(
      (socket) => made(null, socket),
      (thrown: unknown) => made(new Error(nameOfError(thrown), { cause: thrown }), undefined as never),
    );
  }
}

/** A connection to the port. @throws when there is none */
export async function connectToPod(client: KubeClient, { namespace, pod, port }: PodPort): Promise<Duplex> {
  const connection = new PodSocket();
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      connection.push(chunk);
      done();
    },
  });
  const errors = new Writable({
    write(chunk: Buffer, _encoding, done) {
      // The first frame of the channel is empty.
      if (chunk.length > 0) connection.destroy(new Error(chunk.toString('utf8').trim()));
      done();
    },
  });
  const { PortForward } = await import('./client-node.ts');
  const opened = (await new PortForward(client.config).portForward(
    namespace,
    pod,
    [port],
    output,
    errors,
    // Written to by the connection itself, as this one would close the whole socket at its end.
    new Readable({ read() {} }),
  )) as unknown as Socket;
  connection.use(opened);
  return connection;
}

/** What an HTTP client needs of a socket. */
class PodSocket extends Duplex {
  #socket: Socket | undefined;

  use(socket: Socket): void {
    this.#socket = socket;
    if (this.destroyed) socket.terminate();
    // What has not been read yet must not be lost.
    socket.onclose = () => (this.readableLength > 0 ? this.push(null) : this.destroy());
    socket.onerror = (event) => this.destroy(new Error(nameOfError(event)));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // The first byte is the number of the channel.
    this.#socket?.send(Buffer.concat([Buffer.from([0]), chunk]));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket?.terminate();
    done(error);
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setTimeout(): this {
    return this;
  }

  ref(): this {
    this.#socket?._socket?.ref();
    return this;
  }

  unref(): this {
    this.#socket?._socket?.unref();
    return this;
  }
}
