/** Debian's docker-registry on loopback, and a server in front of it that can spoil its answers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { onTestFinished } from 'vitest';
import { until } from '../../../src/base/wait.ts';
import { temporaryFolder } from '../downloads.ts';

const binary = '/usr/bin/docker-registry';

/** Why tests that need the registry are skipped; undefined when they run. In CI a missing registry is a failure. */
export const skipped =
  existsSync(binary) || process.env.CI !== undefined
    ? undefined
    : `${binary} is not installed: apt-get install docker-registry`;

/** Starts a registry that is stopped after the test. @param settings more of its configuration, as YAML */
export async function startRegistry(settings = '', storage = temporaryFolder()): Promise<string> {
  const folder = temporaryFolder();
  const config = join(folder, 'config.yml');
  const port = await freePort();
  writeFileSync(
    config,
    `version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: ${JSON.stringify(storage)} }
  delete: { enabled: true }
http: { addr: "127.0.0.1:${port}" }
${settings}`,
  );
  const child = spawn(binary, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const failed = once(child, 'error').then(([error]) => error as Error);
  onTestFinished(() => stop(child));
  const address = `127.0.0.1:${port}`;
  const answers = until(
    'docker-registry answering',
    async () => {
      if (child.exitCode !== null) throw new Error(`docker-registry ended: ${said}`);
      const up = await request(`http://${address}/v2/`).catch((error: Error) => error);
      if (up instanceof Error) return up.message;
      await up.body.dump();
      return { up };
    },
    { timeoutMs: 20_000, intervalMs: 30, signal: new AbortController().signal },
  );
  const result = await Promise.race([answers, failed]);
  if (result instanceof Error) throw result;
  return address;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

type Upstream = () => Promise<{ status: number; headers: Record<string, string>; body: Buffer }>;
type Fault = (request: IncomingMessage, response: ServerResponse, upstream: Upstream) => unknown;

export interface Front {
  readonly address: string;
  readonly url: string;
  /** What was asked for: manifests/1.31.1, blobs/sha256:…, in order. */
  readonly asked: string[];
  /** What Authorization said, in the same order. */
  readonly authorizations: (string | undefined)[];
  /** Answers in place of the registry when its key is part of the path; removed by the test when it is to end. */
  readonly faults: Map<string, Fault>;
}

/** A server that passes on what it has no fault for. @param registry its address, host and port */
export async function front(registry: string): Promise<Front> {
  const faults = new Map<string, Fault>();
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (incoming, response) => {
    const path = incoming.url ?? '';
    asked.push(path.replace(/^.*\/(?=(manifests|blobs)\/)/, ''));
    authorizations.push(incoming.headers.authorization);
    const upstream: Upstream = async () => {
      const { accept, authorization } = incoming.headers;
      const answer = await request(`http://${registry}${path}`, {
        headers: { ...(accept && { accept }), ...(authorization && { authorization }) },
      });
      const body = Buffer.from(await answer.body.arrayBuffer());
      return { status: answer.statusCode, headers: answer.headers as Record<string, string>, body };
    };
    const fault = [...faults].find(([part]) => path.includes(part))?.[1];
    if (fault !== undefined) {
      await fault(incoming, response, upstream);
      return;
    }
    const { status, headers, body } = await upstream();
    response.writeHead(status, headers).end(body);
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { address, url: `http://${address}`, asked, authorizations, faults };
}
