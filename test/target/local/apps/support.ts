/** Requests to applications, byte for byte: fetch would normalise the path. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { type AppStart, type RunningApp, startApp } from '../../../../src/target/local/apps/app.ts';

export interface TestApp extends RunningApp {
  /** The lines of its log so far. */
  readonly lines: string[];
}

const running: RunningApp[] = [];

/** Starts an application on free ports. {@link closeApps} closes it. */
export async function start(kind: AppStart['kind'], more: Partial<AppStart> = {}): Promise<TestApp> {
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const base = { host: '127.0.0.1', port: () => 0, mounts: new Map(), containerPorts: [], log };
  const app = await startApp({ kind, ...base, ...more });
  running.push(app);
  return { ...app, lines };
}

export async function closeApps(): Promise<void> {
  await Promise.all(running.splice(0).map((app) => app.close()));
}

/** nginx with these server blocks, and files of other volumes. */
export function startNginx(configuration: string, volumes: Record<string, Record<string, string>> = {}) {
  return start('nginx', {
    mounts: mountsOf({ '/etc/nginx/conf.d': { 'default.conf': configuration }, ...volumes }),
  });
}

export function mountsOf(volumes: Record<string, Record<string, string>>): AppStart['mounts'] {
  return new Map(Object.entries(volumes).map(([path, files]) => [path, new Map(Object.entries(files))]));
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** @param what such as `GET /path` or `/path`; the path is sent as it is */
export async function send(
  app: RunningApp,
  what: string,
  options: { port?: number; headers?: Record<string, string | string[]>; body?: string } = {},
): Promise<Reply> {
  const [method, path] = what.startsWith('/') ? ['GET', what] : (what.split(/ (.*)/s) as [string, string]);
  const port = options.port ?? [...app.ports.keys()][0]!;
  const outgoing = request({
    host: '127.0.0.1',
    port: app.ports.get(port),
    method,
    path,
    headers: options.headers ?? {},
    agent: false,
  });
  outgoing.end(options.body);
  const [incoming] = await once(outgoing, 'response');
  const chunks: Buffer[] = await incoming.toArray();
  return {
    status: incoming.statusCode,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

/** Writes bytes to the first port, and reads until the server closes the connection. */
export async function raw(app: RunningApp, bytes: string): Promise<string> {
  const socket = connect([...app.ports.values()][0]!, '127.0.0.1');
  socket.write(bytes);
  socket.setEncoding('latin1');
  let text = '';
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}
