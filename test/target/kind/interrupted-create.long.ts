/** A node container that the engine makes although kind was ended meanwhile does not stay. */
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KindCluster } from '../../../src/target/kind/kind-cluster.ts';
import { unaborted } from '../../support/signals.ts';

let folder: string;
let node: string;

/** A kind whose cluster is a file; `create` begins in a process of its own, as the engine does, and does not end. */
function fakeKind(seconds: number, again?: number): KindCluster {
  const program = join(folder, 'kind');
  writeFileSync(
    program,
    `#!/bin/sh
case "$1" in
  create) setsid sh -c 'touch ${node}.begun; sleep ${seconds}; touch ${node}${again === undefined ? '' : `; sleep ${again}; touch ${node}`}' > /dev/null 2>&1 & sleep 60 ;;
  delete) rm -f ${node} ;;
  get) [ ! -e ${node} ] || echo demo ;;
esac
`,
  );
  chmodSync(program, 0o755);
  return new KindCluster(program, 'demo');
}

async function createAndInterrupt(cluster: KindCluster): Promise<void> {
  const controller = new AbortController();
  const config = join(folder, 'cluster.yaml');
  writeFileSync(config, 'nodes: [{ extraPortMappings: [{ containerPort: 30080 }] }]\n');
  const creating = cluster.create(config, 'kindest/node:v1.34.0', '2', controller.signal);
  await vi.waitFor(() => expect(existsSync(`${node}.begun`)).toBe(true), 10_000);
  controller.abort('SIGINT');
  await expect(creating).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-kind-'));
  node = join(folder, 'node');
  vi.stubEnv('XDG_STATE_HOME', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

test('one that comes after kind has deleted what there was', async () => {
  const cluster = fakeKind(1.5);
  await createAndInterrupt(cluster);
  await cluster.delete(unaborted());
  expect(existsSync(node)).toBe(false);
  // It did come: nothing else can have been deleted than what was there in the end.
  await new Promise((go) => setTimeout(go, 2000));
  expect(existsSync(node)).toBe(false);
  expect(existsSync(join(folder, 'istio-jwt-e2e', 'demo'))).toBe(false);
});

test('one that is there again after it was deleted', async () => {
  const cluster = fakeKind(0, 1);
  await createAndInterrupt(cluster);
  await vi.waitFor(() => expect(existsSync(node)).toBe(true), 10_000);
  await cluster.delete(unaborted());
  await new Promise((go) => setTimeout(go, 1500));
  expect(existsSync(node)).toBe(false);
});

test('one that is there already is not waited for', async () => {
  const cluster = fakeKind(0);
  await createAndInterrupt(cluster);
  await vi.waitFor(() => expect(existsSync(node)).toBe(true), 10_000);
  const started = Date.now();
  await cluster.delete(unaborted());
  expect(Date.now() - started).toBeLessThan(3000);
  expect(existsSync(node)).toBe(false);
});
