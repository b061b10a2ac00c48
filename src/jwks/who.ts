/** Who fetched keys, as far as the log of a server can tell. */
import type { FetchLogEntry } from '../target/target.ts';

/** What is known of a request for keys. */
interface Fetcher {
  readonly userAgent: string;
  /** Whether it had any `x-envoy-…` header; access logs do not say. */
  readonly envoyHeaders?: boolean | undefined;
}

/** An entry of the log of server.mjs, as its control port gives it. */
interface ServerLogEntry extends Fetcher {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Without the query. */
  readonly path: string;
  /** 0 when the connection was reset on purpose. */
  readonly status: number;
  readonly envoyHeaders: boolean;
  readonly remote?: string | undefined;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly isOpen?: true | undefined;
}

/** The log of server.mjs. */
export interface ServerLog {
  /** Of the process that counts. */
  readonly id: string;
  /** How many requests there have been, also those that are not among the entries any more. */
  readonly count: number;
  /** Oldest first. */
  readonly entries: readonly ServerLogEntry[];
}

/**
 * Tells istiod from Envoy. istiod fetches with Go's own HTTP client, Envoy with its asynchronous client, which adds
 * `x-envoy-internal` and `x-envoy-expected-rq-timeout-ms` and sends a `Go-browser` user agent. Seen with Istio 1.32
 * and Envoy 1.40. A request of Go through a sidecar has headers of Envoy, and its own user agent: that is istiod.
 */
export function whoFetched({ userAgent, envoyHeaders }: Fetcher): FetchLogEntry['by'] {
  if (/^Go-http-client\//.test(userAgent)) return 'istiod';
  if (/^Go-browser\b/.test(userAgent)) return 'envoy';
  // Envoy may also send no user agent at all; whatever names itself is somebody else behind a proxy.
  return envoyHeaders && userAgent === '' ? 'envoy' : 'other';
}

/**
 * Whether it says nothing about who has fetched keys: a check of this run, or the kubelet that looks whether a container
 * lives. Whoever else is not known is somebody.
 *
 * @param ownAgent how the user agents of this run begin
 */
export function isNoFetch({ by, userAgent }: FetchLogEntry, ownAgent: string): boolean {
  return by === 'other' && (userAgent.startsWith(ownAgent) || /^kube-probe\//.test(userAgent));
}

/** The entry of a log of server.mjs with who it was. */
export function classify(entry: ServerLogEntry): FetchLogEntry {
  const { at, path, status, userAgent, remote, isOpen } = entry;
  return { at, path, status, by: whoFetched(entry), userAgent, remote, isOpen };
}
