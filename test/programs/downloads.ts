/** A real HTTP server on loopback that stands for the download site, with the faults that happen in practice. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create } from 'tar';
import { onTestFinished } from 'vitest';
import { defaultLimits, type Limits } from '../../src/programs/download/download-limits.ts';
import type { ProgramPin } from '../../src/programs/pin.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface Downloads {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly asked: string[];
  readonly routes: Map<string, Handler>;
}

/** Impatient, so that a test of a slow server is quick. */
export const quick: Limits = { ...defaultLimits, connectMs: 2_000, idleMs: 2_000, retryMs: 10 };

export async function downloads(): Promise<Downloads> {
  const routes = new Map<string, Handler>();
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const handler = routes.get(request.url ?? '');
    if (handler === undefined) response.writeHead(404).end('not found');
    else handler(request, response);
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, routes };
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-programs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A program that says which version it is, as a shell script. */
export function script(version: string): string {
  return `#!/bin/sh\necho "client version: ${version}"\n`;
}

export async function archiveOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  await create({ file: join(folder, 'out.tgz'), gzip: true, cwd: folder }, Object.keys(files));
  return readFileSync(join(folder, 'out.tgz'));
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export function send(content: string | Buffer): Handler {
  return (_, response) =>
    response.writeHead(200, { 'content-length': Buffer.byteLength(content) }).end(content);
}

export function pinOf(server: Downloads, path: string, more: Partial<ProgramPin> = {}): ProgramPin {
  const url = `${server.url}${path}`;
  return { version: '1.31.1', platform: 'linux-amd64', url, checksumUrl: `${url}.sha256`, ...more };
}
