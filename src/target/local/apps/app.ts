/**
 * Applications of target `local`. It has no containers: what a Deployment's container would run is a small HTTP server in
 * this process, chosen by the image.
 */
import { once } from 'node:events';
import type { Http2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { asHarnessError, HarnessError } from '../../../base/errors.ts';
import { extAuthzServer } from '../../authorizer/ext-authz.mjs';
import type { App } from './app-request.ts';
import { bookinfo } from './bookinfo.ts';
import { combined } from './combined-log.ts';
import { httpbin } from './httpbin/httpbin.ts';
import { respond } from './nginx/nginx-answer.ts';
import { readConfiguration } from './nginx/nginx-config.ts';
import { type Serving, serve } from './server.ts';

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

const nginxFolder = '/etc/nginx/conf.d';

/** Volumes that would change what the stand-in for nginx does not read. */
const unreadByNginx = ['/etc/nginx', '/etc/nginx/nginx.conf', '/etc/nginx/templates'];

/** What the official image of nginx has in conf.d, as far as it matters. */
const nginxOfImage = 'server { listen 80; server_name localhost; root /usr/share/nginx/html; }';

/**
 * Stands in for nginx: static files and fixed answers. Reads the configuration once, as nginx does when it starts; a
 * changed one needs a new start.
 *
 * @param mounts gives the files of this moment: what is served is looked up at each request
 * @throws HarnessError E_NOT_READY for a configuration that cannot be had
 */
function nginx(mounts: () => AppStart['mounts']): App {
  const servers = readConfiguration(configurationFiles(mounts()));
  return {
    ports: servers.flatMap(({ listen }) => listen.map(({ port }) => port)),
    handle: (request) => respond(servers, mounts(), request),
    logLine: combined,
  };
}

function configurationFiles(mounts: AppStart['mounts']): ReadonlyMap<string, string> {
  const other = unreadByNginx.find((path) => mounts.has(path));
  if (other !== undefined) {
    const message = `the stand-in for nginx on target local does not read a volume at ${other}`;
    const hint = `Mount server blocks at ${nginxFolder}, or run on target kind, which has the real nginx.`;
    throw new HarnessError('E_NOT_READY', message, { hint });
  }
  const files = mounts.get(nginxFolder);
  if (files === undefined) return new Map([['default.conf', nginxOfImage]]);
  // As nginx includes *.conf: no hidden files, no folders, in alphabetical order.
  const names = [...files.keys()].filter((name) => /^[^./][^/]*\.conf$/.test(name)).sort();
  return new Map(names.map((name) => [name, files.get(name)!]));
}

/**
 * The authorization server that speaks gRPC: the program that a container runs, in this process. It listens on the first
 * port of the container.
 *
 * @throws HarnessError E_NOT_READY when that cannot be had
 */
async function serveExtAuthz({ containerPorts, host, port }: AppStart): Promise<Serving> {
  const [containerPort = 9000] = containerPorts;
  const server = extAuthzServer();
  const sessions = new Set<Http2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.once('close', () => sessions.delete(session));
  });
  server.listen(port(containerPort), host);
  try {
    await once(server, 'listening');
  } catch (thrown) {
    throw new HarnessError('E_NOT_READY', `ext-authz cannot listen: ${asHarnessError(thrown).message}`, {
      hint: 'A port that another process has is free again when that process ends; port 0 takes a free one.',
      cause: thrown,
    });
  }
  return {
    ports: new Map([[containerPort, (server.address() as AddressInfo).port]]),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}
