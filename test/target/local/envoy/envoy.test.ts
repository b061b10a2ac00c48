import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Envoy } from '../../../../src/target/local/envoy/envoy.ts';
import { Guardian } from '../../../../src/target/local/processes/guardian.ts';
import { Part, type PartStart } from '../../../../src/target/local/processes/part.ts';
import { unaborted } from '../../../support/signals.ts';
import { isRunning } from '../processes.ts';

let folder: string;
let guardian: Guardian;
let started: Omit<PartStart, 'folder' | 'logFile'>[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'envoy-'));
  guardian = new Guardian(folder);
  started = [];
});
afterEach(async () => {
  await guardian.end();
});

const start = (program = fileURLToPath(new URL('../fake-envoy.mjs', import.meta.url))) =>
  Envoy.start({
    kind: 'sidecar',
    namespace: 'foo',
    pod: 'httpbin-1',
    address: '127.99.0.20',
    labels: { app: 'httpbin' },
    serviceAccount: 'default',
    istioVersion: '1.31.0',
    discovery: { address: '127.99.0.1', port: 15012 },
    secretSocket: join(folder, 'sds'),
    program,
    folder,
    id: 'w1',
    start: (part) => {
      started.push(part);
      return Part.start({ ...part, folder, logFile: join(folder, 'log') }, guardian, () => {});
    },
  });
const listens = (...addresses: string[]) =>
  writeFileSync(join(folder, 'listeners-httpbin-1'), addresses.map((each) => `x::${each}\n`).join(''));

test('it is started with its configuration, and named after its pod', async () => {
  const envoy = await start();
  expect(envoy.part.name).toBe('Envoy of foo/httpbin-1');
  expect(envoy.node).toBe('sidecar~127.99.0.20~httpbin-1.foo~foo.svc.cluster.local');
  const { args } = started[0]!;
  const bootstrap = JSON.parse(readFileSync(args[args.indexOf('-c') + 1]!, 'utf8'));
  expect(bootstrap).toMatchObject({ node: { id: envoy.node } });
  await envoy.stop();
  expect(isRunning(envoy.part.pid)).toBe(false);
});

test('its listeners are waited for, all of them and no others that only begin alike', async () => {
  const envoy = await start();
  listens('127.99.0.20:80801', '127.99.0.20:8000');
  let done = false;
  const wanted = ['127.99.0.20:8080', '127.99.0.20:8000'];
  const waiting = envoy.listensOn(wanted, unaborted()).then(() => {
    done = true;
  });
  await envoy.listensOn(['127.99.0.20:8000'], unaborted());
  expect(done).toBe(false);
  listens(...wanted);
  await waiting;
});

test('waiting ends when the signal does', async () => {
  const envoy = await start();
  const aborted = new AbortController();
  const waiting = envoy.listensOn(['127.99.0.20:1'], aborted.signal);
  await envoy.listensOn([], unaborted());
  aborted.abort('SIGINT');
  await expect(waiting).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
});

test('waiting ends when it does, with its last lines', async () => {
  const program = join(folder, 'broken');
  writeFileSync(program, '#!/bin/sh\necho "cannot bind" >&2\nexit 1\n', { mode: 0o700 });
  const envoy = await start(program);
  await expect(envoy.listensOn(['127.99.0.20:1'], unaborted())).rejects.toMatchObject({
    code: 'E_CLUSTER',
    message: 'Envoy of foo/httpbin-1 of the local mesh ended with exit code 1',
    details: 'cannot bind',
  });
});

test('an interrupted question is no fault of the proxy', async () => {
  const envoy = await start();
  await envoy.listensOn([], unaborted());
  const aborted = new AbortController();
  const asking = envoy.get('listeners', aborted.signal);
  aborted.abort('SIGINT');
  await expect(asking).rejects.toMatchObject({ code: 'E_INTERRUPTED', message: 'interrupted' });
});

test('what its admin interface does not answer is an error that names both', async () => {
  const envoy = await start();
  await envoy.listensOn([], unaborted());
  await expect(envoy.get('config_dump', unaborted())).rejects.toMatchObject({
    code: 'E_EXEC',
    message: 'Envoy of foo/httpbin-1 does not answer config_dump: status 404',
  });
  process.kill(envoy.part.pid, 'SIGKILL');
  await envoy.part.ended;
  await expect(envoy.get('config_dump', unaborted())).rejects.toMatchObject({
    code: 'E_CLUSTER',
    message: expect.stringContaining('was ended by SIGKILL'),
  });
});
