/** How the containers of key servers are made, as an engine is asked for them. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { makeCa } from '../../../src/jwks/certificates.ts';
import { startKeyServer } from '../../../src/target/kind/key-server-container.ts';
import { unaborted } from '../../support/signals.ts';

interface Create {
  readonly HostConfig: {
    readonly NetworkMode: string;
    readonly PublishAllPorts?: boolean;
    readonly PortBindings: Readonly<Record<string, readonly { HostIp?: string; HostPort: string }[]>>;
  };
}

/** What the engine was asked to create; it refuses. */
const created: Create[] = [];
let engine: Server;

beforeAll(async () => {
  engine = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const isCreate = request.url?.includes('/containers/create') === true;
      if (isCreate) created.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Create);
      response.writeHead(isCreate ? 500 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isCreate ? { message: 'not here' } : {}));
    });
  });
  engine.listen(0, '127.0.0.1');
  await once(engine, 'listening');
});
beforeEach(() => {
  vi.stubEnv('DOCKER_HOST', `tcp://127.0.0.1:${(engine.address() as AddressInfo).port}`);
  vi.stubEnv('TESTCONTAINERS_RYUK_DISABLED', 'true');
});
afterAll(() => {
  engine.close();
  engine.closeAllConnections();
});

test('its ports are published on the loopback address alone, and the mesh reaches it over its network', async () => {
  const start = startKeyServer(
    {
      name: 'issuer',
      path: '/jwks',
      jwks: { keys: [] },
      certificate: 'trusted',
      fault: null,
      discovery: false,
      http2Only: false,
      host: 'issuer.external.test',
      labels: { 'jwt-e2e.run': 'test' },
    },
    'node:test',
    () => makeCa('test'),
    async () => '',
    unaborted(),
  );
  await expect(start).rejects.toMatchObject({
    code: 'E_KEY_SERVER',
    message: expect.stringContaining('not here'),
  });
  expect(created).toHaveLength(1);
  const { NetworkMode, PortBindings, PublishAllPorts } = created[0]!.HostConfig;
  expect(NetworkMode).toBe('kind');
  expect(PublishAllPorts ?? false).toBe(false);
  expect(PortBindings).toEqual({ '8081/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] });
});
