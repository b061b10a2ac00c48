import { expect, test } from 'vitest';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { restartProxies } from '../../../../src/target/kubernetes/settings/restart-proxies.ts';
import type { FakeApi } from '../../../support/fake-api.ts';
import { unaborted } from '../../../support/signals.ts';
import { useFakeApi } from '../../../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

function deployment(name: string, namespace: string, containers: string[], status: object = {}) {
  const labels = { app: name };
  const metadata = { name, namespace, generation: 1, labels };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'x' }] } };
  api.put({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: { selector: { matchLabels: labels }, template },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1, ...status },
  });
  pod(`${name}-6f4d-x1`, namespace, containers, labels);
}

function pod(name: string, namespace: string, containers: string[], labels: Record<string, string>) {
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: { containers: containers.map((each) => ({ name: each, image: 'x' })) },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  });
}

const restart = (signal = unaborted()) => restartProxies({ data: client, mesh: client }, signal);
/** What was changed, with the annotations of its pods. */
const patches = () =>
  api.requests
    .filter(({ method }) => method === 'PATCH')
    .map(({ path, body }) => [
      path.replace(/.*namespaces\//, ''),
      Object.keys(
        (body as { spec: { template: { metadata: { annotations: object } } } }).spec.template.metadata
          .annotations,
      ),
    ])
    .sort();

test('gives Deployments with a proxy new pods, in every namespace, and leaves all others alone', async () => {
  deployment('httpbin', 'foo', ['httpbin', 'istio-proxy']);
  deployment('plain', 'foo', ['plain']);
  deployment('istio-ingressgateway', 'istio-system', ['istio-proxy']);
  // Of the same name elsewhere, and of a name that begins alike.
  deployment('httpbin', 'bar', ['httpbin']);
  deployment('http', 'foo', ['http']);
  pod('alone', 'foo', ['alone', 'istio-proxy'], {});
  await restart();
  const restarted = ['jwt-e2e/restarted-at'];
  expect(patches()).toEqual([
    ['foo/deployments/httpbin', restarted],
    ['istio-system/deployments/istio-ingressgateway', restarted],
  ]);
});

test('waits until the new pods are ready', async () => {
  deployment('httpbin', 'foo', ['httpbin', 'istio-proxy'], { availableReplicas: 0 });
  const own = new AbortController();
  let asked = 0;
  api.rule('GET', /\/deployments\/httpbin$/, () => {
    if (++asked > 2) own.abort();
    return undefined;
  });
  await expect(restart(own.signal)).rejects.toThrow();
  expect(asked).toBeGreaterThan(2);
});
