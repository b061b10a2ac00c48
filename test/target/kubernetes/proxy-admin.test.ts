import { expect, test } from 'vitest';
import type { Clients } from '../../../src/target/kubernetes/client-for.ts';
import { adminGet, ingressProxies, proxyPolicies } from '../../../src/target/kubernetes/proxy-admin.ts';
import type { ProxyRef } from '../../../src/target/target.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { httpAnswer } from '../../support/fake-exec.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let clients: Clients;
useFakeApi((server, client) => {
  api = server;
  clients = { data: client, mesh: client };
});
const signal = unaborted();
const sidecar: ProxyRef = { namespace: 'foo', pod: 'web-1', labels: {}, kind: 'sidecar' };

/** What a proxy was asked for, and answers. */
function answers(answer: (path: string) => unknown): string[] {
  const asked: string[] = [];
  api.exec.onPort((session) => {
    session.answer = (path) => {
      asked.push(`${session.namespace}/${session.pod} ${session.port} ${path}`);
      return httpAnswer(JSON.stringify(answer(path)));
    };
  });
  return asked;
}

test('of the ingress gateway are the pods that are ready, with their labels', async () => {
  const pod = (name: string, labels: Record<string, string>, isReady = true, namespace = 'gateways') =>
    api.put({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels },
      spec: { containers: [] },
      status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
    });
  const labels = { istio: 'gate', app: 'gate' };
  pod('one', { ...labels, version: '1' });
  pod('two', labels);
  pod('starting', labels, false);
  pod('half', { istio: 'gate' });
  pod('away', labels, true, 'foo');
  expect(await ingressProxies(clients, { namespace: 'gateways', labels }, signal)).toEqual([
    { namespace: 'gateways', pod: 'one', labels: { ...labels, version: '1' }, kind: 'gateway' },
    { namespace: 'gateways', pod: 'two', labels, kind: 'gateway' },
  ]);
});

test('of a gateway that is chosen without labels has none, when it has none', async () => {
  const status = { conditions: [{ type: 'Ready', status: 'True' }] };
  const metadata = { name: 'one', namespace: 'gateways' };
  api.put({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [] }, status });
  expect(await ingressProxies(clients, { namespace: 'gateways', labels: {} }, signal)).toEqual([
    { namespace: 'gateways', pod: 'one', labels: {}, kind: 'gateway' },
  ]);
});

test('the admin interface is asked at the port of Envoy', async () => {
  const asked = answers((path) => ({ path }));
  expect(await adminGet(clients, sidecar, 'server_info', signal)).toBe('{"path":"/server_info"}');
  expect(asked).toEqual(['foo/web-1 15000 /server_info']);
});

test('policies are those of the listeners that are for what comes in', async () => {
  const listener = (direction: string, name: string) => ({
    active_state: {
      listener: {
        traffic_direction: direction,
        filter: {
          name: 'envoy.filters.network.http_connection_manager',
          typed_config: {
            http_filters: [
              { name: 'envoy.filters.http.rbac', typed_config: { rules: { policies: { [name]: {} } } } },
            ],
          },
        },
      },
    },
  });
  const asked = answers(() => ({ configs: [listener('INBOUND', 'in'), listener('OUTBOUND', 'out')] }));
  const names = async (kind: ProxyRef['kind']) =>
    (await proxyPolicies(clients, { ...sidecar, kind }, signal)).rbac.map(({ name }) => name);
  expect(await names('sidecar')).toEqual(['in']);
  expect(await names('gateway')).toEqual(['in', 'out']);
  expect(asked).toEqual([
    'foo/web-1 15000 /config_dump?resource=dynamic_listeners&name_regex=virtualInbound',
    'foo/web-1 15000 /config_dump?resource=dynamic_listeners',
  ]);
});
