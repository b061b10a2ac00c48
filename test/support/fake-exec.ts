/** The part of an API server that runs commands in containers, over WebSockets. */
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

interface ServerSocket {
  readonly protocol: string;
  on(event: 'message', listener: (data: Buffer) => void): void;
  on(event: 'close', listener: () => void): void;
  send(data: Buffer): void;
  close(): void;
  terminate(): void;
}
interface SocketServer {
  handleUpgrade(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    accept: (accepted: ServerSocket) => void,
  ): void;
}

// The very package that client-node connects with.
const { WebSocketServer } = createRequire(createRequire(import.meta.url).resolve('@kubernetes/client-node'))(
  'ws',
) as {
  WebSocketServer: new (options: {
    noServer: true;
    handleProtocols: (offered: Set<string>) => string | false;
  }) => SocketServer;
};

/** One command that is being run. */
export class ExecSession {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly protocol: string;
  readonly #socket: ServerSocket;
  readonly #input: Buffer[] = [];
  #waiting: (() => void) | undefined;
  closed = false;

  constructor(request: IncomingMessage, socket: ServerSocket) {
    const url = new URL(request.url ?? '/', 'https://fake');
    const [, , , , namespace = '', , pod = ''] = url.pathname.split('/');
    this.namespace = namespace;
    this.pod = pod;
    this.container = url.searchParams.get('container') ?? '';
    this.command = url.searchParams.getAll('command');
    this.protocol = socket.protocol;
    this.#socket = socket;
    socket.on('message', (data) => {
      if (data[0] === 0) this.#input.push(data.subarray(1));
      this.#waiting?.();
    });
    socket.on('close', () => {
      this.closed = true;
      this.#waiting?.();
    });
  }

  /** Standard input, as soon as so many bytes have come. */
  async stdin(bytes: number): Promise<string> {
    while (Buffer.concat(this.#input).length < bytes && !this.closed) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return Buffer.concat(this.#input).toString('utf8');
  }

  async gone(): Promise<void> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  send(channel: number, data: string | Buffer): void {
    this.#socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(data)]));
  }

  stdout(data: string | Buffer): void {
    this.send(1, data);
  }

  stderr(data: string): void {
    this.send(2, data);
  }

  /** The last frame: how the command ended. */
  exit(code: number): void {
    const causes = [{ reason: 'ExitCode', message: String(code) }];
    this.status(
      code === 0
        ? { metadata: {}, status: 'Success' }
        : { status: 'Failure', reason: 'NonZeroExitCode', details: { causes } },
    );
  }

  status(status: unknown): void {
    this.send(3, JSON.stringify(status));
  }

  close(): void {
    this.#socket.close();
  }

  /** Breaks the connection. */
  cut(): void {
    this.#socket.terminate();
  }
}

export type ExecHandler = (session: ExecSession) => void | Promise<void>;

/** A connection to a port of a pod, on which the fake speaks HTTP. */
export class PortSession {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  readonly #socket: ServerSocket;
  /** Paths that were asked for on it. */
  readonly paths: string[] = [];
  /** Answers a path. */
  answer: (path: string) => string | undefined = () => undefined;

  constructor(request: IncomingMessage, socket: ServerSocket) {
    const url = new URL(request.url ?? '/', 'https://fake');
    const [, , , , namespace = '', , pod = ''] = url.pathname.split('/');
    this.namespace = namespace;
    this.pod = pod;
    this.port = Number(url.searchParams.get('ports'));
    this.#socket = socket;
    // Each channel begins with the number of the port, little endian.
    const number = Buffer.alloc(2);
    number.writeUInt16LE(this.port);
    this.send(0, number);
    this.send(1, number);
    let read = '';
    socket.on('message', (data) => {
      read += data.subarray(1).toString('utf8');
      for (let end = read.indexOf('\r\n\r\n'); end >= 0; end = read.indexOf('\r\n\r\n')) {
        const path = read.split(' ')[1] ?? '';
        read = read.slice(end + 4);
        this.paths.push(path);
        const reply = this.answer(path);
        if (reply !== undefined) this.send(0, reply);
      }
    });
  }

  send(channel: number, data: string | Buffer): void {
    this.#socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(data)]));
  }

  /** Breaks the connection. */
  cut(): void {
    this.#socket.terminate();
  }

  /** Closes it, once everything was sent. */
  end(): void {
    this.#socket.close();
  }
}

/** An answer as it goes over the wire. */
export function httpAnswer(body: string, status = 200): string {
  return `HTTP/1.1 ${status} X\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export type PortHandler = (session: PortSession) => void;

export class ExecServer {
  readonly sessions: ExecSession[] = [];
  #handler: ExecHandler | undefined;
  #ports: PortHandler | undefined;
  #protocols: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
  /** An HTTP status to refuse with, or `hang` to never answer. */
  refuse: number | 'hang' | undefined;

  /** Called for each connection to a port of a pod; without it they are refused. */
  onPort(handler: PortHandler): void {
    this.#ports = handler;
  }

  handle(handler: ExecHandler, protocols = this.#protocols): void {
    this.#handler = handler;
    this.#protocols = protocols;
  }

  reset(): void {
    this.sessions.length = 0;
    this.#handler = undefined;
    this.#ports = undefined;
    this.#protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
    this.refuse = undefined;
  }

  upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (this.refuse === 'hang') return;
    const isPort = /\/portforward\?/.test(request.url ?? '');
    const accept = isPort ? this.#ports : this.#handler;
    if (this.refuse !== undefined || accept === undefined) {
      socket.end(`HTTP/1.1 ${this.refuse ?? 404} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    const server = new WebSocketServer({
      noServer: true,
      handleProtocols: (offered) => this.#protocols.find((each) => offered.has(each)) ?? false,
    });
    server.handleUpgrade(request, socket, head, (accepted) => {
      if (isPort) {
        void this.#ports?.(new PortSession(request, accepted));
        return;
      }
      const session = new ExecSession(request, accepted);
      this.sessions.push(session);
      void this.#handler?.(session);
    });
  }
}
