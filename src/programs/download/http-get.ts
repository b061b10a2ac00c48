/** HTTP GET for downloads: proxies of the environment, redirects, time limits. */
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { HarnessError } from '../../base/errors.ts';
import { endOf, throwIfAborted } from '../../base/wait.ts';
import type { Limits } from './download-limits.ts';
import { retryAfter, Transient } from './transient.ts';

/** An answer whose body is not read yet. */
export interface Answer {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  readonly body: Dispatcher.ResponseData['body'];
  /** Content-Length, when the server told it. */
  readonly length: number | undefined;
  /** Where it came from, after redirects. */
  readonly url: URL;
}

export interface Ask {
  readonly through: Dispatcher;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly accept?: string | undefined;
  /** Sent to the origin of the URL only, never to where it redirects to. */
  readonly authorization?: string | undefined;
}

/**
 * Opens connections through the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, in either case of letters;
 * to this machine itself always directly, as programs written in Go do.
 */
export function dispatcher(limits: Limits): Dispatcher {
  const direct = process.env.no_proxy ?? process.env.NO_PROXY ?? '';
  return new EnvHttpProxyAgent({
    noProxy: direct === '*' ? direct : `${direct},localhost,127.0.0.1,[::1]`,
    connect: { timeout: limits.connectMs },
    headersTimeout: limits.idleMs,
    bodyTimeout: limits.idleMs,
  });
}

/** `url` as it may be shown: without user name and password. */
export function shown(url: string): string {
  const parsed = new URL(url);
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}

/** Whether `url` is on this machine, where nobody else can read what is sent. */
export function isLoopback(url: URL): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
}

/**
 * GET with redirects; the answer has status 200. User name and password in the URL are sent as Basic credentials, to
 * its own origin only.
 *
 * @throws Transient for what another attempt may cure; HarnessError E_PROGRAM for everything else, and
 *   E_INTERRUPTED when `signal` was aborted by the user
 */
export async function get(url: string, options: Omit<Ask, 'authorization'>): Promise<Answer> {
  const answer = await ask(url, { ...options, authorization: credentialsIn(new URL(url)) });
  if (answer.status === 200) return answer;
  await answer.body.dump();
  throw failure(answer.url, `answered ${answer.status}`);
}

/** GET with redirects; the answer has any status that another attempt would not change. Throws like {@link get}. */
export async function ask(url: string, options: Ask): Promise<Answer> {
  const start = new URL(shown(url));
  let current = start;
  for (let hop = 0; hop <= options.limits.redirects; hop++) {
    const authorization = current.origin === start.origin ? options.authorization : undefined;
    const { statusCode, headers, body } = await once(current, { ...options, authorization });
    const location = headers.location;
    if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
      await body.dump();
      current = redirected(current, location);
      continue;
    }
    if (statusCode >= 500 || statusCode === 429 || statusCode === 408) {
      await body.dump();
      throw new Transient(`${shown(current.href)} answered ${statusCode}`, {
        status: statusCode,
        afterMs: retryAfter(headers['retry-after']),
      });
    }
    const length = Number(headers['content-length'] ?? Number.NaN);
    return {
      status: statusCode,
      headers,
      body,
      length: Number.isFinite(length) ? length : undefined,
      url: current,
    };
  }
  throw failure(start, `redirects more than ${options.limits.redirects} times`);
}

function redirected(from: URL, location: string): URL {
  const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (next === undefined || !/^https?:$/.test(next.protocol)) {
    throw failure(from, `redirects to ${location}, which is no http or https URL`);
  }
  if (from.protocol === 'https:' && next.protocol === 'http:' && !(isLoopback(from) && isLoopback(next))) {
    throw failure(from, `redirects to ${shown(next.href)}, which is not encrypted`);
  }
  return next;
}

async function once(url: URL, options: Ask): Promise<Dispatcher.ResponseData> {
  const { authorization, accept } = options;
  const end = endOf(options.signal);
  try {
    const asked = request(url, {
      dispatcher: options.through,
      signal: options.signal,
      headers: {
        // A transport encoding would change the bytes that the checksum is for.
        'accept-encoding': 'identity',
        ...(accept === undefined ? {} : { accept }),
        ...(authorization === undefined ? {} : { authorization }),
      },
    });
    return await Promise.race([asked, end.reached]);
  } catch (cause) {
    throwIfAborted(options.signal);
    throw new Transient(`${shown(url.href)}: ${(cause as Error).message}`, { cause });
  } finally {
    end.ignore();
  }
}

function credentialsIn(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  return basic(decodeURIComponent(url.username), decodeURIComponent(url.password));
}

/** The value of Authorization for a user with a password (RFC 7617). */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function failure(url: URL, what: string): HarnessError {
  return new HarnessError('E_PROGRAM', `${shown(url.href)} ${what}`);
}
