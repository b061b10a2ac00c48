/** HTTP GET for downloads: proxies of the environment, redirects, time limits. */
import type { Readable } from 'node:stream';
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { HarnessError } from '../errors.ts';
import { throwIfAborted } from '../wait.ts';
import type { Limits } from './limits.ts';

/** A failure that may be gone at the next attempt: the network, or a server that says so. */
export class Transient extends Error {}

/** An answer with status 200, its body not read yet. */
export interface Answer {
  readonly body: Readable;
  /** Content-Length, when the server told it. */
  readonly length: number | undefined;
}

/**
 * Opens connections through the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, in either case of letters.
 */
export function dispatcher(limits: Limits): Dispatcher {
  return new EnvHttpProxyAgent({
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

/**
 * GET with redirects. User name and password in the URL are sent as Basic credentials, to its own origin only.
 *
 * @throws Transient for what another attempt may cure; HarnessError E_PROGRAM for everything else, and
 *   E_INTERRUPTED when `signal` was aborted by the user
 */
export async function get(
  url: string,
  options: { through: Dispatcher; limits: Limits; signal: AbortSignal },
): Promise<Answer> {
  const start = new URL(url);
  const credentials = basic(start);
  let current = new URL(shown(url));
  for (let hop = 0; hop <= options.limits.redirects; hop++) {
    const answer = await once(current, current.origin === start.origin ? credentials : undefined, options);
    const { statusCode, headers, body } = answer;
    if (statusCode === 200) {
      const length = Number(headers['content-length'] ?? Number.NaN);
      return { body, length: Number.isFinite(length) ? length : undefined };
    }
    await body.dump();
    const location = headers.location;
    if (statusCode >= 300 && statusCode < 400 && typeof location === 'string') {
      const next = URL.canParse(location, current.href) ? new URL(location, current) : undefined;
      if (next === undefined || !/^https?:$/.test(next.protocol)) {
        throw failure(current, `redirects to ${location}, which is no http or https URL`);
      }
      if (current.protocol === 'https:' && next.protocol === 'http:') {
        throw failure(current, `redirects to ${shown(next.href)}, which is not encrypted`);
      }
      current = next;
      continue;
    }
    if (statusCode >= 500 || statusCode === 429 || statusCode === 408) {
      throw new Transient(`${shown(current.href)} answered ${statusCode}`);
    }
    throw failure(current, `answered ${statusCode}`);
  }
  throw failure(start, `redirects more than ${options.limits.redirects} times`);
}

async function once(
  url: URL,
  authorization: string | undefined,
  options: { through: Dispatcher; signal: AbortSignal },
): Promise<Dispatcher.ResponseData> {
  try {
    return await request(url, {
      dispatcher: options.through,
      signal: options.signal,
      // A transport encoding would change the bytes that the checksum is for.
      headers: { 'accept-encoding': 'identity', ...(authorization === undefined ? {} : { authorization }) },
    });
  } catch (cause) {
    throwIfAborted(options.signal);
    throw new Transient(`${shown(url.href)}: ${(cause as Error).message}`, { cause });
  }
}

function basic(url: URL): string | undefined {
  if (url.username === '' && url.password === '') return undefined;
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function failure(url: URL, what: string): HarnessError {
  return new HarnessError('E_PROGRAM', `${shown(url.href)} ${what}`);
}
