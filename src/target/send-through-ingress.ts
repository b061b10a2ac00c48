/** Requests from outside the cluster to a gateway, with undici: the path is sent untouched. */
import { Agent, buildConnector } from 'undici';
import { limits, readUpTo } from '../base/files/limits.ts';
import { nameOfError } from '../base/names.ts';
import { throwIfAborted, together, within } from '../base/wait.ts';
import { curlLine, requestHeaders, shellQuote } from './curl-batch.ts';
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
  const line = curlLine(request, `https://${name}:${at}${request.url}`);
  return line.replace(
    'curl',
    `curl --insecure --connect-to ${shellQuote(`${name}:${at}:${hostname}:${at}`)}`,
  );
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
  // pipelining 0 closes the connection after each answer; undici.request keeps Host and the raw path, fetch does not.
  const connect = buildConnector({ timeout: requestMs, ...(tls === undefined ? {} : { ca: tls.ca }) });
  const agentOf = (servername: string | undefined) =>
    new Agent({
      pipelining: 0,
      // undici itself would ask for the host of the request, whatever it is told.
      connect: (to, done) => connect(servername === undefined ? to : { ...to, servername }, done),
    });
  const agents = new Map<string | undefined, Agent>();
  const agentFor = (request: HttpRequest): Agent => {
    const name = tls && serverNameOf(request, tls);
    const agent = agents.get(name) ?? agentOf(name);
    agents.set(name, agent);
    return agent;
  };
  const started = performance.now();
  try {
    const answers: HttpResponse[][] = [];
    for (let round = 0; round < rounds && (round === 0 || performance.now() - started < allMs); round++) {
      throwIfAborted(signal);
      answers.push(
        await together(
          requests,
          (request, own) => sendOne(agentFor(request), url, request, own, requestMs),
          signal,
        ),
      );
    }
    return answers;
  } finally {
    await Promise.all([...agents.values()].map((agent) => agent.destroy()));
  }
}

/**
 * Sends one request and waits for the beginning of its body; what goes wrong on the way is in the answer.
 *
 * @param base scheme and host
 * @param request its `url` is the path alone
 */
export async function sendOne(
  agent: Agent,
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
    const response = await agent.request({
      origin: base,
      path: request.url,
      method: request.method as 'GET',
      headers: requestHeaders(request).flat(),
      ...(request.body === undefined ? {} : { body: request.body }),
      signal: limit.signal,
    });
    // Nothing is inherited: a header may be called "__proto__".
    const headers: Record<string, string> = Object.create(null);
    for (const [name, value] of Object.entries(response.headers))
      headers[name] = [value ?? ''].flat().join(', ');
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
