/** What istiod deploys for a Gateway of the Gateway API (kube-gateway.yaml of its charts): here it has no template for it. */
import { deployedName, isGateway, listenersOf } from '../../../kube/gateways.ts';
import type { KubeObject } from '../../target.ts';
import { proxyName } from './injection.ts';
import { ownLabel } from './workload-objects.ts';

/** The Deployment and the Service for a Gateway of class istio; none for all other objects. */
export function deployedFor(object: KubeObject): KubeObject[] {
  const name = isGateway(object) ? deployedName(object, undefined) : undefined;
  if (name === undefined) return [];
  const { name: gateway, namespace = 'default', annotations = {} } = object.metadata;
  const { infrastructure = {}, gatewayClassName } = object.spec as {
    infrastructure?: { labels?: Record<string, string> };
    gatewayClassName: string;
  };
  const selector = { 'gateway.networking.k8s.io/gateway-name': gateway };
  const labels = {
    ...(infrastructure.labels ?? object.metadata.labels),
    'gateway.networking.k8s.io/gateway-class-name': gatewayClassName,
    'gateway.istio.io/managed': 'istio.io-gateway-controller',
    ...selector,
  };
  const metadata = { name, namespace, labels: { ...labels, ...ownLabel } };
  // One for each port, with the name of its first listener.
  const listeners = new Map(
    listenersOf(object)
      .toReversed()
      .map((listener) => [listener.port, listener]),
  );
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: selector },
        template: {
          metadata: {
            labels: { ...labels, 'sidecar.istio.io/inject': 'true' },
            annotations: { 'inject.istio.io/templates': 'gateway' },
          },
          spec: {
            serviceAccountName: annotations['gateway.istio.io/service-account'] ?? name,
            containers: [{ name: proxyName, image: 'auto' }],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        selector,
        ports: [...listeners.values()].toReversed().map(({ name: listener, port, protocol }) => ({
          name: listener.replaceAll('.', '-'),
          port,
          appProtocol: protocol.toLowerCase(),
        })),
      },
    },
  ];
}
