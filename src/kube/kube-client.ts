/**
 * A thin client for the Kubernetes API that sends and returns objects as the plain JSON they are.
 * @kubernetes/client-node reads kubeconfig files and authenticates; its generated classes are not used, because
 * they drop fields they do not know (client-node issues 2483 and 2962).
 */
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, type Dispatcher, ProxyAgent, request } from 'undici';
import * as z from 'zod';
import { HarnessError, understood } from '../base/errors.ts';
import { limits, readUpTo, sizeText } from '../base/files/limits.ts';
import { linesIn } from '../base/files/lines.ts';
import { nameOfError } from '../base/names.ts';
import { timeouts } from '../base/timeouts.ts';
import { pause, throwIfAborted, within } from '../base/wait.ts';
import { KubeError } from './kube-error.ts';

export interface KubeRequest {
  readonly method?: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** The body of the answer is text, even when it looks like JSON. */
  readonly raw?: boolean;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

interface KubeAnswer {
  readonly body: unknown;
  readonly warnings: string[];
  readonly date?: number;
}

/** The webhook has not answered, whatever it would have said (apiserver, pkg/admission/plugin/webhook/errors). */
const webhookAway = /failed calling webhook ".*?": failed to call webhook: /;

/** Before it is asked again, also when it says at once. */
const leastPauseMs = 200;

export class KubeClient {
  readonly config: KubeConfig;
  /** The name of the context, for messages. */
  readonly name: string;
  readonly #resources = new Map<
    string,
    Promise<ReadonlyMap<string, { plural: string; namespaced: boolean }>>
  >();
  readonly #closing: (() => void)[] = [];
  #dispatcher: { key: string; value: Dispatcher } | undefined;

  constructor(config: KubeConfig) {
    this.config = config;
    this.name = config.getCurrentContext();
  }

  /**
   * One request; returns the parsed body (text when it is not JSON), the warnings that the API server sent along, and the
   * time that it has (RFC 9110, section 6.6.1), in milliseconds since 1970. Asks again while an admission webhook is away, as
   * that of an istiod that is restarted is, and when the API server itself wants to be asked later: nothing has been changed
   * then.
   *
   * @throws KubeError for an error answer; HarnessError E_KUBE when the server cannot be reached.
   */
  async request(path: string, options: KubeRequest): Promise<KubeAnswer> {
    const deadline = performance.now() + Math.min(timeouts.kubeAgain, options.timeoutMs ?? Infinity);
    for (;;) {
      try {
        return await this.#request(path, options);
      } catch (thrown) {
        if (!(thrown instanceof KubeError)) throw thrown;
        const wait = webhookAway.test(thrown.message) ? leastPauseMs : thrown.againMs;
        if (wait === undefined || performance.now() + wait >= deadline) throw thrown;
        await pause(wait, options.signal);
      }
    }
  }

  async #request(path: string, options: KubeRequest): Promise<KubeAnswer> {
    const limit = within(
      options.timeoutMs ?? timeouts.kubeRequest,
      options.signal,
      `the request to ${path} of context ${this.name}`,
    );
    try {
      const { dispatcher, headers, origin } = await this.#connection();
      const query = new URLSearchParams();
      for (const [key, value] of Object.entries(options.query ?? {})) {
        if (value !== undefined) query.set(key, String(value));
      }
      const search = query.toString();
      const response = await request(`${origin}${path}${search === '' ? '' : `?${search}`}`, {
        method: options.method ?? 'GET',
        headers: {
          ...headers,
          accept: 'application/json',
          ...(options.body === undefined
            ? {}
            : { 'content-type': options.contentType ?? 'application/json' }),
        },
        body: bodyOf(options),
        signal: limit.signal,
        dispatcher,
      });
      const { data, isCut } = await readUpTo(response.body, limits.answer);
      if (isCut) {
        throw new HarnessError(
          'E_KUBE',
          `the API server of context ${this.name} answers ${path} with more than ${sizeText(limits.answer)}`,
        );
      }
      const text = data.toString('utf8');
      const body = options.raw && response.statusCode < 300 ? text : parse(text);
      const warnings = [response.headers.warning ?? []].flat().flatMap(readWarnings);
      if (response.statusCode >= 300) {
        const what = `${options.method ?? 'GET'} ${path}, context ${this.name}`;
        throw kubeError(response, body, what);
      }
      return { body, warnings, date: Date.parse(String(response.headers.date)) };
    } catch (thrown) {
      if (thrown instanceof HarnessError) throw thrown;
      throwIfAborted(limit.signal);
      throw new HarnessError(
        'E_KUBE',
        `the API server of context ${this.name} does not answer: ${nameOfError(thrown)}`,
        {
          hint: 'Check that the cluster runs and that --context and --kubeconfig name it.',
          cause: thrown,
        },
      );
    } finally {
      limit.done();
    }
  }

  /**
   * A request whose answer goes on, line by line, such as a watch; returns when the API server ends it.
   *
   * @throws what `onLine` throws; KubeError for an error answer
   */
  async stream(
    path: string,
    query: Readonly<Record<string, string | boolean>>,
    signal: AbortSignal,
    onLine: (line: string) => void,
  ): Promise<void> {
    const { dispatcher, headers, origin } = await this.#connection();
    const search = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) search.set(key, String(value));
    const response = await request(`${origin}${path}?${search}`, {
      headers: { ...headers, accept: 'application/json' },
      signal,
      dispatcher,
      // It lasts as long as there is nothing to say.
      bodyTimeout: 0,
    });
    if (response.statusCode >= 300) {
      const { data } = await readUpTo(response.body, limits.answer);
      throw kubeError(response, parse(data.toString('utf8')), `GET ${path}`);
    }
    for await (const line of linesIn(response.body as AsyncIterable<Buffer>)) {
      if (line !== '') onLine(line);
    }
  }

  /** Plural name and scope of a kind, by discovery. @throws HarnessError E_KUBE when the API server does not have the kind. */
  async resource(
    apiVersion: string,
    kind: string,
    signal: AbortSignal,
  ): Promise<{ plural: string; namespaced: boolean }> {
    const find = async () => {
      // Shared by those who ask at the same time. When the first one's signal ends it, the others ask themselves.
      const shared = this.#resources.get(apiVersion);
      if (shared !== undefined) {
        const known = await shared.catch(() => throwIfAborted(signal));
        if (known !== undefined) return known.get(kind);
      }
      const own = this.#discover(apiVersion, signal);
      this.#resources.set(apiVersion, own);
      own.catch(() => {
        if (this.#resources.get(apiVersion) === own) this.#resources.delete(apiVersion);
      });
      return (await own).get(kind);
    };
    let found = await find();
    if (found === undefined) {
      // The kind may have been added since: a CustomResourceDefinition that was just applied.
      this.#resources.delete(apiVersion);
      found = await find();
    }
    if (found === undefined) {
      throw new HarnessError(
        'E_KUBE',
        `the API server of context ${this.name} has no kind ${kind} in ${apiVersion}`,
        {
          hint: apiVersion.includes('istio.io')
            ? "Is Istio installed? With a managed mesh, --mesh-context names the mesh's own API server."
            : undefined,
        },
      );
    }
    return found;
  }

  /** Closes idle connections. */
  async close(): Promise<void> {
    for (const listener of this.#closing.splice(0)) listener();
    await this.#dispatcher?.value.close();
  }

  /** Calls it with {@link close}. */
  onClose(listener: () => void): void {
    this.#closing.push(listener);
  }

  async #discover(apiVersion: string, signal: AbortSignal) {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const resources = new Map<string, { plural: string; namespaced: boolean }>();
    try {
      const { body } = await this.request(path, { signal });
      for (const each of resourcesIn(body)) {
        if (!each.name.includes('/'))
          resources.set(each.kind, { plural: each.name, namespaced: each.namespaced });
      }
    } catch (thrown) {
      if (!(thrown instanceof KubeError && thrown.status === 404)) throw thrown;
    }
    return resources;
  }

  async #connection(): Promise<{ dispatcher: Dispatcher; headers: Record<string, string>; origin: string }> {
    const cluster = this.config.getCurrentCluster();
    if (cluster === null) throw new HarnessError('E_SETTINGS', 'kubeconfig has no current context');
    const options: RequestOptions = {};
    await this.config.applyToHTTPSOptions(options);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value);
    if (options.auth) headers.authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    const tls = {
      ca: options.ca as string,
      cert: options.cert as string,
      key: options.key as string,
      servername: options.servername as string,
      rejectUnauthorized: options.rejectUnauthorized ?? true,
    };
    const key = JSON.stringify([tls, cluster.proxyUrl]);
    if (this.#dispatcher?.key !== key) {
      const value = cluster.proxyUrl
        ? new ProxyAgent({ uri: cluster.proxyUrl, requestTls: tls })
        : new Agent({ connect: tls, connections: 16 });
      this.#dispatcher = { key, value };
    }
    return { dispatcher: this.#dispatcher.value, headers, origin: cluster.server.replace(/\/$/, '') };
  }
}

const resourceList = z.looseObject({
  resources: z.array(z.looseObject({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

/** What discovery answers about a group. @throws HarnessError E_KUBE for anything else */
export function resourcesIn(body: unknown): { name: string; kind: string; namespaced: boolean }[] {
  return understood('the API server', () => resourceList.parse(body).resources);
}

/** Text in a format that is said with it goes as it is. */
function bodyOf({ body, contentType }: KubeRequest): string | null {
  if (body === undefined) return null;
  return typeof body === 'string' && contentType !== undefined ? body : JSON.stringify(body);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `Warning: 299 - "text"` (RFC 7234, section 5.5), as admission webhooks use it. */
function readWarnings(header: string): string[] {
  // Kubernetes writes UTF-8; Node and undici read headers as Latin-1.
  const text = Buffer.from(header, 'latin1').toString('utf8');
  return [...text.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)].map((match) =>
    (match[1] ?? '').replace(/\\(.)/g, '$1'),
  );
}

function kubeError(
  { statusCode: status, headers }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>,
  body: unknown,
  request: string,
): KubeError {
  const answer = Object(body) as { message?: unknown; reason?: unknown };
  const told = typeof answer.message === 'string' ? answer.message : undefined;
  const message = told ?? (typeof body === 'string' && body !== '' ? body.slice(0, 500) : `HTTP ${status}`);
  const reason = typeof answer.reason === 'string' ? answer.reason : '';
  return new KubeError(status, reason, message, request, againAfter(status, headers['retry-after']));
}

/**
 * When it is to be asked again that has too much to do, or reads its storage anew, in milliseconds: as Kubernetes' own clients do
 * (client-go, rest/with_retry.go, checkWait).
 */
function againAfter(status: number, retryAfter: string | string[] | undefined): number | undefined {
  const says = (status === 429 || status >= 500) && /^\d+$/.test(String(retryAfter));
  return says ? Math.max(Number(retryAfter) * 1000, leastPauseMs) : undefined;
}
