/** Requests from outside the cluster to the ingress gateway, with undici: the path is sent untouched. */
import { Agent } from 'undici';
import { limits, readUpTo } from '../base/files/limits.ts';
import { nameOfError } from '../base/names.ts';
import { throwIfAborted, together, within } from '../base/wait.ts';
import { requestHeaders } from './curl-batch.ts';
import type { HttpRequest, HttpResponse, SendLimit } from './target.ts';

/**
 * Sends every request `rounds` times, a connection for each; result[round][request]. The requests of one round
 * go out together.
 */
export async function sendThroughIngress(
  base: string,
  requests: readonly HttpRequest[],
  rounds: number,
  signal: AbortSignal,
  { requestMs, allMs }: SendLimit,
): Promise<HttpResponse[][]> {
  // pipelining 0 closes the connection after each answer; undici.request keeps Host and the raw path, fetch does not.
  const agent = new Agent({ pipelining: 0, connect: { timeout: requestMs } });
  const started = performance.now();
  try {
    const answers: HttpResponse[][] = [];
    for (let round = 0; round < rounds && (round === 0 || performance.now() - started < allMs); round++) {
      throwIfAborted(signal);
      answers.push(
        await together(requests, (request, own) => sendOne(agent, base, request, own, requestMs), signal),
      );
    }
    return answers;
  } finally {
    await agent.destroy();
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
