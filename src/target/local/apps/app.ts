/**
 * Applications of target `local`. It has no containers: what a Deployment's container would run is a small HTTP server in
 * this process, chosen by the image.
 */

import type { App } from './app-request.ts';
import { bookinfo } from './bookinfo.ts';
import { serveExtAuthz } from './ext-authz.ts';
import { httpbin } from './httpbin/httpbin.ts';
import { nginx } from './nginx/nginx.ts';
import { serve } from './server.ts';

export type AppKind =
  | 'httpbin'
  | 'nginx'
  | 'bookinfo-productpage'
  | 'bookinfo-details'
  | 'bookinfo-reviews'
  | 'bookinfo-ratings'
  | 'ext-authz'
  | 'sleep';

export interface AppStart {
  readonly kind: AppKind;
  /** Loopback address to listen on. */
  readonly host: string;
  /** The real port for each port that the container declares or is configured for (nginx: `listen`); 0 takes a free one. */
  readonly port: (containerPort: number) => number;
  /** Volume mounts: path in the container → file name → content. */
  readonly mounts: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly containerPorts: readonly number[];
  /** Takes a line of the container's log (standard output), without newline. */
  readonly log: (line: string) => void;
}

export interface RunningApp {
  /** container port → real port */
  readonly ports: ReadonlyMap<number, number>;
  /**
   * Gives the volumes new content, as the kubelet does. nginx reads the files that it serves at each request, but its
   * configuration only when it starts.
   */
  setMounts(mounts: AppStart['mounts']): void;
  /** Stops at once: open connections are destroyed. */
  close(): Promise<void>;
}

/**
 * Starts an application and resolves when it listens.
 *
 * @throws HarnessError E_NOT_READY with what is wrong, for example a directive that the stand-in for nginx does not
 * know, with those that it knows
 */
export async function startApp(start: AppStart): Promise<RunningApp> {
  // It reads no files.
  if (start.kind === 'ext-authz') return { ...(await serveExtAuthz(start)), setMounts: () => {} };
  let { mounts } = start;
  const app = create(start.kind, start.containerPorts, () => mounts);
  const { ports, close } = await serve(app, { ...start, name: start.kind });
  return {
    ports,
    close,
    setMounts: (changed) => {
      mounts = changed;
    },
  };
}

function create(
  kind: Exclude<AppKind, 'ext-authz'>,
  containerPorts: readonly number[],
  mounts: () => AppStart['mounts'],
): App {
  switch (kind) {
    case 'httpbin':
      return httpbin(containerPorts);
    case 'nginx':
      return nginx(mounts);
    case 'bookinfo-productpage':
      return bookinfo('productpage', containerPorts);
    case 'bookinfo-details':
      return bookinfo('details', containerPorts);
    case 'bookinfo-reviews':
      return bookinfo('reviews', containerPorts);
    case 'bookinfo-ratings':
      return bookinfo('ratings', containerPorts);
    case 'sleep':
      return { ports: [], handle: () => ({ status: 404, headers: [], body: '' }), logLine: () => '' };
  }
}
