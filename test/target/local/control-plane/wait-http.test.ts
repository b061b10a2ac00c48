import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { syncedProxies } from '../../../../src/target/local/control-plane/discovery.ts';
import { getOk, untilAnswers } from '../../../../src/target/local/control-plane/wait-http.ts';
import { Guardian } from '../../../../src/target/local/processes/guardian.ts';
import { Part } from '../../../../src/target/local/processes/part.ts';
import { closedUrl, type HttpServer, startHttpServer } from '../../../support/http-server.ts';
import { unaborted } from '../../../support/signals.ts';

let server: HttpServer;
let folder: string;
let guardian: Guardian;
beforeEach(async () => {
  server = await startHttpServer();
  folder = mkdtempSync(join(tmpdir(), 'wait-'));
  guardian = new Guardian(folder);
});
afterEach(async () => {
  await guardian.end();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
const start = (script: string) => {
  const logFile = join(folder, 'log');
  return Part.start(
    { name: 'istiod', program: '/bin/sh', args: ['-c', script], folder, logFile },
    guardian,
    () => {},
  );
};
const answering = (part: Part, url: string, timeoutMs = 5000, signal = unaborted()) =>
  untilAnswers(part, (own) => getOk(url, own), timeoutMs, signal);

describe('a part', () => {
  test('is asked until it answers that all is well', async () => {
    const part = await start('exec sleep 60');
    server.handler = (_, response) => {
      response.writeHead(server.seen.length < 3 ? 503 : 200).end('ready');
    };
    expect(await answering(part, server.url)).toBe('ready');
    expect(server.seen).toHaveLength(3);
  });

  test('that ends is not waited for: the error has its last lines', async () => {
    const part = await start('echo "no such flag" >&2; exit 1');
    await expect(answering(part, await closedUrl())).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: 'istiod of the local mesh ended with exit code 1',
      details: 'no such flag',
    });
  });

  test('that does not answer in time is named, with what was seen last and where its log is', async () => {
    const part = await start('exec sleep 60');
    server.handler = (_, response) => response.writeHead(503).end();
    await expect(answering(part, server.url, 100)).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: expect.stringMatching(/^istiod of the local mesh answering did not happen .*: status 503$/),
      hint: expect.stringContaining(part.logFile),
    });
  });

  test('is not waited for any longer than the signal says', async () => {
    const part = await start('exec sleep 60');
    const aborted = new AbortController();
    server.handler = () => {};
    const waiting = answering(part, server.url, 60_000, aborted.signal);
    await expect.poll(() => server.seen).toHaveLength(1);
    aborted.abort('SIGINT');
    await expect(waiting).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });
});

describe('proxies that have what istiod has sent them', () => {
  const synced = async (answer: unknown) => {
    server.handler = (_, response) => response.end(JSON.stringify(answer));
    return syncedProxies(server.url, unaborted());
  };
  const all = { cluster_sent: 'a', cluster_acked: 'a', listener_sent: 'b', listener_acked: 'b' };

  test('are those that have acknowledged clusters and listeners', async () => {
    expect(
      await synced([
        { proxy: 'whole.foo', ...all },
        { proxy: 'clusters.foo', ...all, cluster_acked: 'z' },
        { proxy: 'listeners.foo', ...all, listener_acked: undefined },
        { proxy: 'new.foo' },
        { proxy: 'no-listeners.foo', cluster_sent: 'a', cluster_acked: 'a' },
      ]),
    ).toEqual(['whole.foo', 'no-listeners.foo']);
    expect(server.seen[0]?.url).toBe('/debug/syncz');
  });

  test('are none when istiod knows none', async () => {
    expect(await synced(null)).toEqual([]);
    expect(await synced([])).toEqual([]);
  });
});
