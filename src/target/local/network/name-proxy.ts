/**
 * The HTTP proxy that istiod sends its requests for keys through. On this machine nobody's DNS knows the names of the
 * mesh; a proxy is told the name and finds the address, which is all that the DNS of a cluster would do. It serves istiod
 * alone, which is told a secret.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { Destination } from './resolver.ts';

export type Resolve = (host: string, port: number) => Destination;

/** Headers that are about a connection, and not for whom comes after it (RFC 9110, section 7.6.1). */
const ofConnection = ['connection', 'keep-alive', 'proxy-connection', 'proxy-authorization'];

export class NameProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #resolve: Resolve;
  readonly #user = { name: 'istiod', password: randomBytes(24).toString('base64url') };

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
    this.#server = createServer((incoming, outgoing) => this.#forward(incoming, outgoing));
    this.#server.on('connect', (incoming: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#tunnel(incoming, socket, head),
    );
    this.#server.on('connection', (socket: Socket) => this.#keep(socket));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Listens and returns its URL, with the secret in it. */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, exclusive: true }, resolve);
    });
    this.#server.unref();
    return `http://${this.#user.name}:${this.#user.password}@${host}:${port}`;
  }

  #knows({ headers }: IncomingMessage): boolean {
    const { name, password } = this.#user;
    const wanted = Buffer.from(`Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`);
    const given = Buffer.from(headers['proxy-authorization'] ?? '');
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (!this.#knows(incoming)) {
      refuse(outgoing, 407, 'this is a proxy for istiod alone');
      return;
    }
    const [, path] = (incoming.url ?? '').match(/^http:\/\/[^/?#]*(.*)$/i) ?? [];
    if (path === undefined || !URL.canParse(incoming.url ?? '')) {
      refuse(outgoing, 400, 'this is a proxy');
      return;
    }
    const url = new URL(incoming.url ?? '');
    const where = this.#find(url.hostname, Number(url.port || 80));
    if (where === undefined) {
      refuse(outgoing, 502, `nobody answers at ${url.host}`);
      return;
    }
    const onward = request(
      {
        ...where,
        method: incoming.method,
        // As it was written, which the path of a parsed URL may no longer be.
        path: path.startsWith('/') ? path : `/${path}`,
        headers: [...passedOn(incoming), 'Connection', 'close'],
        agent: false,
      },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.statusMessage, passedOn(answer));
        // An answer that breaks off breaks off for the client as well.
        pipeline(answer, outgoing, () => {});
      },
    );
    onward.on('error', (error) => refuse(outgoing, 502, error.message));
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  #tunnel(incoming: IncomingMessage, near: Socket, head: Buffer): void {
    if (!this.#knows(incoming)) {
      near.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [, host, port] = (incoming.url ?? '').match(/^\[?([^\]]+)\]?:(\d+)$/) ?? [];
    if (host === undefined) {
      near.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      return;
    }
    const badGateway = () => near.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const where = this.#find(host, Number(port));
    if (where === undefined) {
      badGateway();
      return;
    }
    const far = connect(where);
    this.#keep(far);
    far.once('error', badGateway);
    far.once('connect', () => {
      far.off('error', badGateway);
      near.write('HTTP/1.1 200 OK\r\n\r\n');
      if (head.length > 0) far.write(head);
      far.pipe(near);
      near.pipe(far);
    });
    // What one side has sent is written before the other one ends.
    far.on('close', () => near.destroySoon());
    near.on('close', () => far.destroySoon());
  }

  #find(host: string, port: number): { host: string; port: number } | undefined {
    const found = this.#resolve(host, port);
    if (found.kind === 'refused') return undefined;
    // What the mesh does not know is asked of this machine's own DNS, as the DNS of a cluster does.
    return found.kind === 'unknown' ? { host, port } : { host: found.host, port: found.port };
  }
}

/** Headers as they were written, in order; those are left out that are about the connection, or that it names. */
function passedOn({ rawHeaders, headers }: IncomingMessage): string[] {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const left = new Set([...ofConnection, ...named]);
  return rawHeaders.filter((_, index) => !left.has(rawHeaders[index - (index % 2)]?.toLowerCase() ?? ''));
}

function refuse(outgoing: ServerResponse, status: number, why: string): void {
  if (outgoing.headersSent) outgoing.destroy();
  else outgoing.writeHead(status, { 'content-type': 'text/plain' }).end(`${why}\n`);
}
