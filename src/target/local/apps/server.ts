/** The HTTP server under every application of target `local`. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { asHarnessError, HarnessError } from '../../../base/errors.ts';
import type { Answer, App, AppRequest } from './app-request.ts';

interface ServeOptions {
  /** For messages. */
  readonly name: string;
  readonly host: string;
  /** The real port for a container port; 0 takes a free one. */
  readonly port: (containerPort: number) => number;
  readonly log: (line: string) => void;
}

export interface Serving {
  /** container port → real port */
  readonly ports: ReadonlyMap<number, number>;
  /** Destroys open connections. */
  close(): Promise<void>;
}

// Room for tokens of any size that a proxy lets through: Envoy's own limit is 60 KiB for all headers together.
const maxHeaderBytes = 1024 * 1024;

/**
 * Listens on all ports of an application.
 *
 * @throws HarnessError E_NOT_READY when one cannot be had; then none stays open
 */
export async function serve(app: App, options: ServeOptions): Promise<Serving> {
  const servers: Server[] = [];
  const ports = new Map<number, number>();
  // Those that speak another protocol; closeAllConnections does not know them any more.
  const upgraded = new Set<Socket>();
  const close = async () => {
    for (const socket of upgraded) socket.destroy();
    await Promise.all(servers.map(stop));
  };
  try {
    for (const containerPort of new Set(app.ports)) {
      const server = create(app, containerPort, options, upgraded);
      server.listen(options.port(containerPort), options.host);
      await once(server, 'listening');
      servers.push(server);
      ports.set(containerPort, (server.address() as AddressInfo).port);
    }
  } catch (error) {
    await close();
    throw new HarnessError('E_NOT_READY', `${options.name} cannot listen: ${asHarnessError(error).message}`, {
      hint: 'A port that another process has is free again when that process ends; port 0 takes a free one.',
      cause: error,
    });
  }
  return { ports, close };
}

function create(app: App, containerPort: number, { name, log }: ServeOptions, upgraded: Set<Socket>): Server {
  // No keepAliveTimeout: a server that closes idle connections makes a proxy that is about to use one answer 503.
  const answer = (message: IncomingMessage, response: ServerResponse) => {
    respond(app, containerPort, message, response, log).catch((error: unknown) => {
      log(`${name}: ${message.method} ${message.url}: ${asHarnessError(error).message}`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-length': 0 }).end();
    });
  };
  const server = createServer({ keepAliveTimeout: 0, maxHeaderSize: maxHeaderBytes }, answer);
  server.on('upgrade', (message: IncomingMessage, socket: Socket) => {
    socket.on('error', () => {});
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    const response = new ServerResponse(message);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    // Of the other protocol nothing is spoken: it ends as soon as the client says anything in it, or leaves.
    response.on('finish', () =>
      response.statusCode === 101 ? socket.once('data', () => socket.end()) : socket.end(),
    );
    answer(message, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    refuse(
      socket,
      error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request',
    );
  });
  server.on('connect', (_, socket: Socket) => refuse(socket, '405 Method Not Allowed'));
  return server;
}

/** Answers what is no request that a handler could see, and closes the connection. */
function refuse(socket: Socket, status: string): void {
  socket.on('error', () => {});
  if (!socket.writable) return void socket.destroy();
  const head = 'Content-Type: text/plain; charset=utf-8\r\nConnection: close';
  socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n\r\n${status}\n`, () => socket.destroy());
}

async function respond(
  app: App,
  containerPort: number,
  message: IncomingMessage,
  response: ServerResponse,
  log: (line: string) => void,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const request = requestOf(message, containerPort, gone.signal);
  let answer: Answer;
  try {
    answer = await app.handle(request);
  } catch (error) {
    if (gone.signal.aborted) return;
    throw error;
  }
  // Before the answer goes out: who has it can rely on its line being in the log.
  if (answer.logged !== false) log(app.logLine(request, answer));
  if (answer.hangUp) return void message.socket.destroy();
  // As bytes: Node would write the headers in the encoding of a text.
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body, 'utf8') : answer.body;
  const bodyless = [101, 204, 304].includes(answer.status);
  const length = bodyless ? [] : ['Content-Length', String(body.length)];
  const headers = [...answer.headers.flat(), ...length];
  if (answer.reason === undefined) response.writeHead(answer.status, headers);
  else response.writeHead(answer.status, answer.reason, headers);
  response.end(body);
}

function requestOf(message: IncomingMessage, containerPort: number, signal: AbortSignal): AppRequest {
  const { method = '', url = '', httpVersion, rawHeaders, socket } = message;
  const [, authority, target = ''] = /^(?:[a-z][a-z0-9+.-]*:\/\/([^/?#]*))?([^#]*)/is.exec(url) ?? [];
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  return {
    method,
    path: path === '' ? '/' : path,
    query: mark < 0 ? undefined : target.slice(mark + 1),
    line: `${method} ${url} HTTP/${httpVersion}`,
    host: authority ?? message.headers.host ?? '',
    headers: rawHeaders.flatMap((name, index): [string, string][] =>
      index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? '']] : [],
    ),
    remoteAddress: socket.remoteAddress ?? '',
    containerPort,
    signal,
    body: (limit) => readBody(message, limit),
  };
}

async function readBody(message: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // What is too long is read to its end all the same, so that the client comes to read the answer.
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size <= limit ? Buffer.concat(chunks) : undefined;
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
