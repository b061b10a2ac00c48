import { describe, expect, test } from 'vitest';
import { proxyOf } from '../../../../src/policy/injected-proxy.ts';
import { applicationsOf, checkInjection } from '../../../../src/target/local/kubelet/injection.ts';
import type { KubeObject } from '../../../../src/target/target.ts';
import { gatewaySpec, podSpec } from '../support.ts';

const container = (name: string, image: string) => ({ name, image, ports: [], mounts: [] });

describe('a sidecar', () => {
  const inject = 'sidecar.istio.io/inject';
  // The table of the webhook: manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml
  test.each<[Record<string, string>, Record<string, string>, Record<string, string>, boolean]>([
    // labels of the Namespace, labels of the pod, annotations of the pod
    [{}, {}, {}, false],
    [{ 'istio-injection': 'enabled' }, {}, {}, true],
    [{ 'istio-injection': 'enabled' }, { [inject]: 'false' }, {}, false],
    [{ 'istio-injection': 'enabled' }, {}, { [inject]: 'false' }, false],
    [{ 'istio-injection': 'enabled' }, { [inject]: 'true' }, { [inject]: 'false' }, true],
    [{ 'istio-injection': 'enabled' }, { [inject]: 'false' }, { [inject]: 'true' }, false],
    [{ 'istio-injection': 'disabled' }, { [inject]: 'true' }, {}, false],
    [{ 'istio-injection': 'yes' }, { [inject]: 'true' }, {}, false],
    [{}, { [inject]: 'true' }, {}, true],
    [{}, {}, { [inject]: 'true' }, false],
    [{ 'istio.io/rev': 'default' }, {}, {}, true],
    [{ 'istio.io/rev': 'default' }, { [inject]: 'false' }, {}, false],
    [{ 'istio.io/rev': 'default', 'istio-injection': 'disabled' }, {}, {}, false],
    [{ 'istio.io/rev': 'default', 'istio-injection': 'enabled' }, {}, {}, true],
    [{ 'istio.io/rev': 'canary' }, {}, {}, false],
    [{ 'istio.io/rev': 'canary' }, { [inject]: 'true' }, {}, false],
    [{}, { 'istio.io/rev': 'default' }, {}, true],
    [{}, { 'istio.io/rev': 'canary', [inject]: 'true' }, {}, false],
  ])(
    'in a Namespace with %j, for a pod with labels %j and annotations %j: %s',
    (of, labels, annotations, expected) => {
      const namespace: KubeObject = {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'foo', labels: of },
      };
      expect(proxyOf(namespace, podSpec({ labels, annotations }))).toBe(expected ? 'sidecar' : 'none');
    },
  );

  test('is not there as long as the Namespace is not known', () => {
    expect(proxyOf(undefined, podSpec())).toBe('none');
  });
});

describe('a gateway', () => {
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } };

  test('is what the template "gateway" is for, in a pod that is injected', () => {
    const annotations = { 'inject.istio.io/templates': ' gateway ' };
    expect(proxyOf(namespace, gatewaySpec())).toBe('gateway');
    expect(proxyOf(namespace, gatewaySpec({ annotations }))).toBe('gateway');
    expect(proxyOf(namespace, gatewaySpec({ annotations: {} }))).toBe('sidecar');
    expect(proxyOf(namespace, gatewaySpec({ labels: {} }))).toBe('none');
  });

  test('is also what istiod has deployed for a Gateway, though its webhook leaves it alone', () => {
    const labels = {
      'sidecar.istio.io/inject': 'false',
      'gateway.istio.io/managed': 'istio.io-gateway-controller',
    };
    const annotations = {};
    expect(proxyOf(namespace, gatewaySpec({ labels, annotations }))).toBe('gateway');
  });

  test('has its proxy in the container of this name; others are applications', () => {
    const containers = [container('istio-proxy', 'auto'), container('web', 'httpbin')];
    const names = (proxy: 'gateway' | 'sidecar' | 'none') =>
      applicationsOf(gatewaySpec({ containers }), proxy).map(({ name }) => name);
    expect(names('gateway')).toEqual(['web']);
    expect(names('sidecar')).toEqual(['web']);
    expect(names('none')).toEqual(['istio-proxy', 'web']);
  });
});

describe('injection that makes no whole pod', () => {
  test('is an image that nobody replaces', () => {
    expect(() => checkInjection(gatewaySpec(), 'none')).toThrow(
      /^container istio-proxy has the image auto, .*this pod is not injected$/,
    );
    const other = podSpec({ containers: [container('web', 'auto')] });
    expect(() => checkInjection(other, 'sidecar')).toThrow(/^container web .*this is not istio-proxy$/);
    expect(() => checkInjection(gatewaySpec(), 'gateway')).not.toThrow();
    expect(() => checkInjection(gatewaySpec({ annotations: {} }), 'sidecar')).not.toThrow();
    expect(() => checkInjection(podSpec(), 'none')).not.toThrow();
  });

  test('is a template that there is not, or several, unless nothing is injected', () => {
    for (const templates of ['custom', 'sidecar,custom', 'sidecar,gateway', '']) {
      const annotations = { 'inject.istio.io/templates': templates };
      expect(() => checkInjection(podSpec({ annotations }), 'sidecar')).toThrow(
        /cannot inject what the annotation inject\.istio\.io\/templates asks for/,
      );
      expect(() => checkInjection(podSpec({ annotations }), 'none')).not.toThrow();
    }
  });
});
