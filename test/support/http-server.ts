/** A web server for tests that notes every request exactly as it came. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** In order, as they were written. */
  readonly headers: readonly (readonly [string, string])[];
  /** Counts connections from 1. */
  readonly connection: number;
}

export interface HttpServer {
  readonly url: string;
  readonly seen: SeenRequest[];
  handler: (request: IncomingMessage, response: ServerResponse) => void;
  stop(): Promise<void>;
}

export async function startHttpServer(): Promise<HttpServer> {
  const seen: SeenRequest[] = [];
  const connections = new Map<Socket, number>();
  let count = 0;
  // Header values as bytes that are not valid are for a test to find out about, not for Node to refuse.
  const server = createServer({ insecureHTTPParser: true, keepAliveTimeout: 60_000 }, (request, response) => {
    const { rawHeaders } = request;
    seen.push({
      method: request.method ?? '',
      url: request.url ?? '',
      headers: rawHeaders.flatMap((name, index): [string, string][] =>
        index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : [],
      ),
      connection: connections.get(request.socket) ?? 0,
    });
    result.handler(request, response);
  });
  server.on('connection', (socket: Socket) => {
    count += 1;
    connections.set(socket, count);
    socket.once('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const result: HttpServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    handler: (_, response) => void response.end('ok'),
    stop: async () => {
      for (const socket of connections.keys()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return result;
}

/** The values of a header, whatever its case. */
export function valuesOf(request: SeenRequest | undefined, name: string): string[] {
  return (request?.headers ?? [])
    .filter(([each]) => each.toLowerCase() === name.toLowerCase())
    .map(([, value]) => value);
}

/** An address that nothing listens on. */
export async function closedUrl(): Promise<string> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
