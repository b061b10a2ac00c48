/**
 * Stands between the proxies and istiod. Proxies know one address for the whole life of the mesh; behind it one istiod
 * can take over from another at once, as it does behind a Service.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: { readonly host: string; readonly port: number } | undefined;

  constructor() {
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on a port and returns it. */
  async listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, exclusive: true }, () => {
        const address = this.#server.address();
        this.#server.unref();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Leads all connections to another server; those that are open are cut. */
  lead(host: string, port: number): void {
    this.#target = { host, port };
    this.#cut();
  }

  close(): void {
    this.#server.close();
    this.#cut();
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(near: Socket): void {
    if (this.#target === undefined) {
      near.destroy();
      return;
    }
    const far = connect(this.#target);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        // What this side has sent is written before the other one ends.
        other.destroySoon();
      });
      socket.pipe(other);
    }
  }
}
