/** Sends requests that undici does not: HTTP/1.0 and HTTP/2, in absolute form, upgrades, several on one connection. */
import http from 'node:http';
import http2 from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { HarnessError } from '../base/errors.ts';
import { limits, readUpTo } from '../base/files/limits.ts';
import { absoluteTarget, headersOf, otherConnection } from './request-forms.ts';
import type { HttpRequest, HttpResponse } from './target.ts';

type Answered = Pick<HttpResponse, 'status' | 'headers' | 'body' | 'isCut' | 'error'>;

/** Whether undici cannot send it. */
export function isOtherwise({ http = '1.1', absoluteForm, upgrade, before }: HttpRequest): boolean {
  return http !== '1.1' || absoluteForm === true || upgrade !== undefined || before !== undefined;
}

/**
 * Sends a request, and those before it, over one connection.
 *
 * @param connect makes the connection; HTTP/2 is offered in TLS if that is asked for
 * @param base scheme, host and port
 * @param signal ends everything
 * @returns the answer to the last one
 */
export async function sendOtherwise(
  connect: (offersHttp2: boolean) => Promise<Socket>,
  base: string,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<Answered> {
  const socket = await connect(request.http === '2');
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    return await (request.http === '2' ? overHttp2(socket, base, request) : overHttp1(socket, base, request));
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

async function overHttp1(socket: Socket, base: string, request: HttpRequest): Promise<Answered> {
  const { before = [] } = request;
  let isTaken = false;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = (_, done) => {
    // The one that there was has been closed.
    done?.(isTaken ? new OtherConnection() : null, socket);
    isTaken = true;
    return null;
  };
  try {
    for (const each of before) await exchange(agent, base, each, false, socket);
    return await exchange(agent, base, request, true, socket);
  } catch (thrown) {
    if (!(thrown instanceof OtherConnection)) throw thrown;
    return otherConnection;
  } finally {
    agent.destroy();
  }
}

class OtherConnection extends Error {}

function exchange(
  agent: http.Agent,
  base: string,
  request: HttpRequest,
  isLast: boolean,
  socket: Socket,
): Promise<Answered> {
  const { host, hostname, port } = new URL(base);
  const headers = headersOf(request);
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) headers.unshift(['Host', host]);
  if (request.upgrade === undefined) headers.push(['Connection', isLast ? 'close' : 'keep-alive']);
  if (request.body !== undefined) headers.push(['Content-Length', String(Buffer.byteLength(request.body))]);
  return new Promise((resolve, reject) => {
    if (request.http === '1.0') sayHttp10(socket);
    const sent = http.request({
      agent,
      hostname,
      port,
      method: request.method,
      path: request.absoluteForm ? absoluteTarget(request, base) : request.url,
      headers: headers.flat(),
    });
    const head = (response: http.IncomingMessage) => ({
      status: response.statusCode ?? 0,
      headers: joined(Object.entries(response.headers)),
    });
    sent.on('error', reject);
    sent.on('upgrade', (response) => resolve({ ...head(response), body: '' }));
    sent.on('response', (response) => {
      if (request.upgrade !== undefined) return resolve({ ...head(response), body: '' });
      readUpTo(response, limits.body).then(
        ({ data, isCut }) =>
          resolve({ ...head(response), body: data.toString('utf8'), ...(isCut ? { isCut } : {}) }),
        reject,
      );
    });
    sent.end(request.body);
  });
}

/** Node.js cannot be told to. The first that is written begins with the request line. */
function sayHttp10(socket: Socket): void {
  const write = socket.write.bind(socket) as (chunk: string | Uint8Array, ...rest: unknown[]) => boolean;
  socket.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    socket.write = write as Socket['write'];
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
    return write(text.replace(' HTTP/1.1\r\n', ' HTTP/1.0\r\n'), ...rest);
  }) as Socket['write'];
}

async function overHttp2(socket: Socket, base: string, request: HttpRequest): Promise<Answered> {
  if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2')
    throw new HarnessError('E_SEND', 'the server did not agree on HTTP/2');
  const session = http2.connect(base, { createConnection: () => socket });
  // What breaks the session breaks its streams, and is told there.
  session.on('error', () => {});
  try {
    return await stream(session, base, request);
  } finally {
    session.destroy();
  }
}

function stream(session: http2.ClientHttp2Session, base: string, request: HttpRequest): Promise<Answered> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of headersOf(request)) {
    const lower = name.toLowerCase();
    const before = headers[lower];
    headers[lower] = before === undefined ? value : [before, value].flat();
  }
  const { host = new URL(base).host, ...others } = headers;
  const sent = session.request(
    {
      ...others,
      ':method': request.method,
      ':scheme': new URL(base).protocol.slice(0, -1),
      ':authority': String(host),
      ':path': request.url,
    },
    { endStream: request.body === undefined },
  );
  if (request.body !== undefined) sent.end(request.body);
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', ({ ':status': status = 0, ...rest }) => {
      readUpTo(sent, limits.body).then(
        ({ data, isCut }) =>
          resolve({
            status,
            headers: joined(Object.entries(rest)),
            body: data.toString('utf8'),
            ...(isCut ? { isCut } : {}),
          }),
        reject,
      );
    });
    sent.on('close', () => reject(new HarnessError('E_SEND', 'the connection was closed')));
  });
}

/** Nothing is inherited: a header may be called "__proto__". */
export function joined(headers: readonly (readonly [string, unknown])[]): Record<string, string> {
  const all: Record<string, string> = Object.create(null);
  for (const [name, value] of headers) all[name] = [value ?? ''].flat().join(', ');
  return all;
}
