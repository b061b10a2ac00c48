import { expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { collectDeployed } from '../../../../src/target/local/kubelet/deployments.ts';
import type { KubeObject } from '../../../../src/target/target.ts';
import { type FakeApi, failure } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const gateway: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'edge', namespace: 'foo', uid: 'old' },
};
const made = (kind: string, name: string, owner?: string, namespace = 'foo'): KubeObject => ({
  apiVersion: kind === 'Service' ? 'v1' : 'apps/v1',
  kind,
  metadata: {
    name,
    namespace,
    labels: { 'gateway.networking.k8s.io/gateway-name': 'edge' },
    ...(owner === undefined ? {} : { ownerReferences: [{ uid: owner }] }),
  },
});
const left = () => [...api.objects.values()].map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();

test('what istiod has made of a Gateway goes with it, and nothing else', async () => {
  api.put(made('Deployment', 'edge-istio', 'old'));
  api.put(made('Service', 'edge-istio', 'old'));
  api.put(made('Service', 'by-hand'));
  api.put(made('Deployment', 'of-another', 'new'));
  api.put(made('Deployment', 'elsewhere', 'old', 'bar'));
  await collectDeployed(client, gateway, unaborted());
  expect(left()).toEqual(['Deployment elsewhere', 'Deployment of-another', 'Service by-hand']);
});

test('what a Gateway that was created again has taken over meanwhile stays', async () => {
  api.put(made('Deployment', 'edge-istio', 'old'));
  api.rule('DELETE', /deployments/, () => failure(409, 'Conflict', 'it has changed'));
  await collectDeployed(client, gateway, unaborted());
  expect(left()).toEqual(['Deployment edge-istio']);
  const { body } = api.requests.find(({ method }) => method === 'DELETE') ?? {};
  expect(body).toMatchObject({ preconditions: { resourceVersion: expect.stringMatching(/^\d+$/) } });
});
