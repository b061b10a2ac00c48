/** Requests from outside the cluster to the ingress gateway, with undici: the path is sent untouched. */
import { Agent } from 'undici';
import { timeouts } from '../timeouts.ts';
import { throwIfAborted } from '../wait.ts';
import { requestHeaders } from './curl-batch.ts';
import type { HttpRequest, HttpResponse } from './target.ts';

const maxBody = 64 * 1024;

/**
 * Sends every request `rounds` times, a connection for each; result[round][request]. The requests of one round
 * go out together.
 */
export async function sendThroughIngress(
  base: string,
  requests: readonly HttpRequest[],
  rounds: number,
  signal: AbortSignal,
): Promise<HttpResponse[][]> {
  // pipelining 0 closes the connection after each answer; undici.request keeps Host and the raw path, fetch does not.
  const agent = new Agent({ pipelining: 0, connect: { timeout: timeouts.ingress } });
  try {
    const answers: HttpResponse[][] = [];
    for (let round = 0; round < rounds; round++) {
      throwIfAborted(signal);
      answers.push(await Promise.all(requests.map((request) => sendOne(agent, base, request, signal))));
    }
    return answers;
  } finally {
    await agent.destroy();
  }
}

async function sendOne(
  agent: Agent,
  base: string,
  request: HttpRequest,
  signal: AbortSignal,
): Promise<HttpResponse> {
  const started = Date.now();
  const finish = (answer: Pick<HttpResponse, 'status' | 'headers' | 'body' | 'error'>): HttpResponse => ({
    ...answer,
    at: Date.now(),
    durationMs: Date.now() - started,
  });
  try {
    const response = await agent.request({
      origin: base,
      path: request.url,
      method: request.method as 'GET',
      headers: requestHeaders(request).flat(),
      headersTimeout: timeouts.ingress,
      bodyTimeout: timeouts.ingress,
      signal,
    });
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(response.headers))
      headers[name] = [value ?? ''].flat().join(', ');
    const body = (await response.body.text()).slice(0, maxBody);
    return finish({ status: response.statusCode, headers, body });
  } catch (thrown) {
    throwIfAborted(signal);
    return finish({ status: 0, headers: {}, body: '', error: (thrown as Error).message });
  }
}
