/** Somebody who uses a kept mesh as a cluster, with nothing but its API server: what is changed there takes effect. */
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { applyObject, deleteObject, getObject, keyOf, listObjects } from '../../../src/kube/objects.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import type { Ended } from '../faults/command.ts';
import { describeOnLocal, Home, haveLocal } from './command.ts';

const signal = unaborted();
const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'mine' } };
const inIt = { name: 'greeter', namespace: 'mine' };
const labels = { app: 'greeter' };

const files = (greeting: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: inIt,
  data: {
    greeting,
    'default.conf': 'server { listen 8080; location = /greeting { alias /etc/nginx/conf.d/greeting; } }',
  },
});

const deployment = (replicas: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: inIt,
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        containers: [
          {
            name: 'greeter',
            image: 'nginx',
            ports: [{ containerPort: 8080 }],
            volumeMounts: [{ name: 'files', mountPath: '/etc/nginx/conf.d' }],
          },
        ],
        volumes: [{ name: 'files', configMap: { name: 'greeter' } }],
      },
    },
  },
});

const patience = { timeout: 20_000, interval: 50 };

let home: Home;
let up: Ended;
let client: KubeClient;
beforeAll(async () => {
  if (!haveLocal) return;
  home = new Home();
  up = await home.run('up', '--name', 'user', '--keep', '--grep', 'request-authentication-alone');
  client = new KubeClient(loadKubeConfig({ file: join(home.temporary, home.meshes[0] ?? '', 'kubeconfig') }));
});
afterAll(async () => {
  await client?.close();
  await home?.remove();
});

const podAddresses = async () => {
  const pods = await listObjects(client, { apiVersion: 'v1', kind: 'Pod', namespace: 'mine' }, signal);
  return pods.map(({ status }) => (status as { podIP?: string } | undefined)?.podIP ?? '');
};
const isGone = async (object: KubeObject) => (await getObject(client, keyOf(object), signal)) === undefined;

async function greetingAt(address: string): Promise<string> {
  const { statusCode, body } = await request(`http://${address}:8080/greeting`, { reset: true });
  return `${statusCode} ${await body.text()}`;
}

describeOnLocal('somebody with the kubeconfig of a kept mesh', () => {
  test('starts, changes and scales a Deployment, and deletes its Namespace', async () => {
    expect(up.exitCode, up.output).toBe(0);
    await applyObject(client, namespace, { signal });
    await applyObject(client, deployment(1), { signal });
    // It waits for the files that it mounts.
    await applyObject(client, files('good morning'), { signal });
    await vi.waitFor(
      async () =>
        expect(await getObject(client, keyOf(deployment(1)), signal)).toMatchObject({
          status: { availableReplicas: 1 },
        }),
      patience,
    );
    const [address = ''] = await podAddresses();
    expect(await greetingAt(address)).toBe('200 good morning');

    await applyObject(client, files('good night'), { signal });
    await vi.waitFor(() => expect(greetingAt(address)).resolves.toBe('200 good night'), patience);

    await applyObject(client, deployment(2), { signal });
    await vi.waitFor(async () => expect(new Set(await podAddresses()).size).toBe(2), patience);
    await applyObject(client, deployment(0), { signal });
    await vi.waitFor(async () => expect(await podAddresses()).toEqual([]), patience);
    await expect(greetingAt(address)).rejects.toThrow('ECONNREFUSED');

    await deleteObject(client, keyOf(namespace), signal);
    await vi.waitFor(() => expect(isGone(namespace)).resolves.toBe(true), patience);
    expect(await isGone(files(''))).toBe(true);
    expect(await isGone(deployment(0))).toBe(true);
  });

  test('deletes the Namespace of applications, and the next run has them again', async () => {
    const foo: KubeObject = { ...namespace, metadata: { name: 'foo' } };
    await deleteObject(client, keyOf(foo), signal);
    await vi.waitFor(() => expect(isGone(foo)).resolves.toBe(true), patience);
    const next = await home.run('next', '--name', 'user', '--reuse', '--keep', '--grep', 'require-jwt');
    expect(next.exitCode, next.output).toBe(0);
    expect(next.output).not.toContain('Starting');
  });
});
