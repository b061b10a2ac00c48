/** Requests from outside the cluster to a gateway, with undici: the path is sent untouched. */
import type { Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { limits, readUpTo } from '../base/files/limits.ts';
import { nameOfError, shellQuote } from '../base/names.ts';
import { throwIfAborted, together, within } from '../base/wait.ts';
import { curlLine } from './curl-batch.ts';
import { headersOf } from './request-forms.ts';
import { isOtherwise, joined, sendOtherwise } from './send-otherwise.ts';
import type { GatewayTls, HttpRequest, HttpResponse, SendLimit } from './target.ts';

/** Where a gateway is found. */
interface Entry {
  /** Scheme, address and port. */
  readonly url: string;
  readonly tls?: GatewayTls | undefined;
}

/** The name that a client asks for (SNI, RFC 6066), without the port that a host may have. */
function serverNameOf(request: HttpRequest, { serverName }: GatewayTls): string {
  const host = request.headers.findLast(([name]) => name.toLowerCase() === 'host')?.[1] ?? '';
  return serverName ?? host.replace(/:\d+$/, '');
}

/** The request as a line for a shell. The CA is in no file, so curl is told not to check it. */
export function curlOverTls(request: HttpRequest, url: string, tls: GatewayTls): string {
  const { hostname, port } = new URL(url);
  const name = serverNameOf(request, tls);
  const at = port === '' ? 443 : Number(port);
  const options = ['--insecure', '--connect-to', shellQuote(`${name}:${at}:${hostname}:${at}`)];
  return curlLine(request, `https://${name}:${at}${request.url}`, options);
}

type Connector = ReturnType<typeof buildConnector>;

/** Makes connections that lead to one place, for whatever is sent. */
export interface Client {
  readonly agent: Agent;
  /** @param offersHttp2 in TLS */
  readonly connector: (offersHttp2: boolean) => Connector;
}

/** @param connector asked anew for each kind of connection */
export function clientWith(connector: Client['connector']): Client {
  // pipelining 0 closes the connection after each answer.
  return { connector, agent: new Agent({ pipelining: 0, connect: connector(false) }) };
}

/**
 * Sends every request `rounds` times, a connection for each; result[round][request]. The requests of one round
 * go out together.
 */
export async function sendThroughIngress(
  { url, tls }: Entry,
  requests: readonly HttpRequest[],
  rounds: number,
  signal: AbortSignal,
  { requestMs, allMs }: SendLimit,
): Promise<HttpResponse[][]> {
  const clientOf = (servername: string | undefined) =>
    clientWith((allowH2) => {
      const connect = buildConnector({
        timeout: requestMs,
        allowH2,
        ...(tls === undefined ? {} : { ca: tls.ca }),
      });
      // undici itself would ask for the host of the request, whatever it is told.
      return (to, done) => connect(servername === undefined ? to : { ...to, servername }, done);
    });
  const clients = new Map<string | undefined, Client>();
  const clientFor = (request: HttpRequest): Client => {
    const name = tls && serverNameOf(request, tls);
    const client = clients.get(name) ?? clientOf(name);
    clients.set(name, client);
    return client;
  };
  const started = performance.now();
  try {
    const answers: HttpResponse[][] = [];
    for (let round = 0; round < rounds && (round === 0 || performance.now() - started < allMs); round++) {
      throwIfAborted(signal);
      answers.push(
        await together(
          requests,
          (request, own) => sendOne(clientFor(request), url, request, own, requestMs),
          signal,
        ),
      );
    }
    return answers;
  } finally {
    await Promise.all([...clients.values()].map(({ agent }) => agent.destroy()));
  }
}

/**
 * Sends one request and waits for the beginning of its body; what goes wrong on the way is in the answer.
 *
 * @param base scheme and host
 * @param request its `url` is the path alone
 */
export async function sendOne(
  client: Client,
  base: string,
  request: HttpRequest,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<HttpResponse> {
  const started = performance.now();
  const finish = (
    answer: Pick<HttpResponse, 'status' | 'headers' | 'body' | 'isCut' | 'error'>,
  ): HttpResponse => ({
    ...answer,
    at: Date.now(),
    durationMs: Math.round(performance.now() - started),
  });
  // undici's own limits start again with every piece of a body.
  const limit = within(timeoutMs, signal, 'the request');
  try {
    if (isOtherwise(request))
      return finish(
        await sendOtherwise(
          (offersHttp2) => connected(client.connector(offersHttp2), base),
          base,
          request,
          limit.signal,
        ),
      );
    // undici.request keeps Host and the raw path, fetch does not.
    const response = await client.agent.request({
      origin: base,
      path: request.url,
      method: request.method as 'GET',
      headers: headersOf(request).flat(),
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: limit.signal,
    });
    const headers = joined(Object.entries(response.headers));
    const { data, isCut } = await readUpTo(response.body, limits.body);
    const body = data.toString('utf8');
    return finish({ status: response.statusCode, headers, body, ...(isCut ? { isCut } : {}) });
  } catch (thrown) {
    throwIfAborted(signal);
    const reason = limit.signal.aborted ? limit.signal.reason : thrown;
    return finish({ status: 0, headers: {}, body: '', error: nameOfError(reason) });
  } finally {
    limit.done();
  }
}

function connected(connector: Connector, base: string): Promise<Socket> {
  const { protocol, host, hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    connector({ protocol, host, hostname, port }, (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}
