/** Gateways of the Gateway API on a local mesh: istiod deploys them, this tool runs them, and what is deleted goes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gatewayApiCrds } from '../../../src/engine/targets/gateway-api-crds.ts';
import { mergeSettings } from '../../../src/settings/settings.ts';
import type { LocalTarget } from '../../../src/target/local/local-target.ts';
import type { GatewayEntry, KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import { haveLocal } from '../local/command.ts';
import { localTarget } from './local-target.ts';

const signal = unaborted();
const crds = gatewayApiCrds(mergeSettings({}, process.env));
const needed = haveLocal && crds !== undefined;
const reason = needed ? '' : ' (needs the programs, and JWT_E2E_GATEWAY_API_CRDS)';

const gateway = (labels: Record<string, string> = {}, port = 80): KubeObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'edge', namespace: 'foo' },
  spec: {
    gatewayClassName: 'istio',
    infrastructure: { labels },
    listeners: [{ name: 'http', port, protocol: 'HTTP' }],
  },
});
const route: KubeObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'edge', namespace: 'foo' },
  spec: {
    parentRefs: [{ name: 'edge' }],
    rules: [{ backendRefs: [{ name: 'httpbin', port: 8000 }] }],
  },
};
const { apiVersion } = route;
const edge: GatewayEntry = { namespace: 'foo', name: 'edge' };

describe.skipIf(!needed)(`a Gateway of the Gateway API${reason}`, { timeout: 60_000 }, () => {
  let target: LocalTarget;
  const statusOf = async (entry = edge) => {
    const request = { id: 'gateway-api', method: 'GET', url: '/headers', headers: [] };
    const limit = { requestMs: 5_000, allMs: 10_000 };
    const [[answer] = []] = await target.send(
      { kind: 'ingress', gateway: entry },
      [request],
      1,
      signal,
      limit,
    );
    return answer?.status;
  };
  const pods = async () =>
    (await target.survey(signal)).pods.filter(
      ({ labels }) => labels['gateway.networking.k8s.io/gateway-name'] === 'edge',
    );

  beforeAll(async () => {
    if (!needed) return;
    target = localTarget('gateway-api', undefined, undefined, crds);
    await target.up(signal);
    await target.prepare(['httpbin'], signal);
  });
  afterAll(async () => {
    await target?.down(signal);
  });

  test('is deployed by istiod, with the names and labels that policies select it by', async () => {
    await target.apply([gateway({ team: 'a' }), route], 'one', signal);
    const [pod, ...others] = await pods();
    expect(others).toEqual([]);
    expect(pod).toMatchObject({
      name: expect.stringMatching(/^edge-istio-/),
      proxy: 'gateway',
      isReady: true,
      serviceAccount: 'edge-istio',
      labels: {
        team: 'a',
        'gateway.networking.k8s.io/gateway-class-name': 'istio',
        'gateway.istio.io/managed': 'istio.io-gateway-controller',
        'service.istio.io/canonical-name': 'edge-istio',
      },
    });
    await expect.poll(statusOf, { timeout: 10_000 }).toBe(200);
    expect(target.ingressUrl(edge)).toMatch(/^http:\/\/127\..*:\d+$/);
  });

  test('of other labels is deployed anew, and goes on answering after istiod was restarted', async () => {
    await target.apply([gateway({ team: 'b' })], 'one', signal);
    await expect
      .poll(async () => (await pods()).map(({ labels }) => labels.team), { timeout: 20_000 })
      .toEqual(['b']);
    await target.setIstiod({ fetch: 'envoy', variables: {} }, signal);
    await expect.poll(statusOf, { timeout: 10_000 }).toBe(200);
    await target.apply([gateway({ team: 'c' }, 8081)], 'one', signal);
    await expect
      .poll(async () => (await pods()).map(({ labels }) => labels.team), { timeout: 20_000 })
      .toEqual(['c']);
    await expect.poll(statusOf, { timeout: 10_000 }).toBe(200);
    await expect(statusOf({ ...edge, port: 80 })).rejects.toThrow('no listener on port 80');
  });

  test('takes its pod along when it is deleted, and can be created again at once', async () => {
    await target.delete([{ apiVersion, kind: 'Gateway', name: 'edge', namespace: 'foo' }], 'one', signal);
    expect(await pods()).toEqual([]);
    await target.apply([gateway()], 'two', signal);
    await expect.poll(statusOf, { timeout: 30_000 }).toBe(200);
    await target.undo('two', signal);
    await target.apply([gateway()], 'two', signal);
    expect(await pods()).toHaveLength(1);
    await expect.poll(statusOf, { timeout: 30_000 }).toBe(200);
    await target.undo('two', signal);
    expect(await pods()).toEqual([]);
  });
});
