/** What stands in the API server before anything else: Istio's webhook, the ingress gateway. */
import type { KubeObject } from '../target.ts';
import { istioNamespace } from './istiod.ts';
import { ownLabel } from './workload-objects.ts';

export const gatewayName = 'istio-ingressgateway';
export const gatewayLabels = { app: gatewayName, istio: 'ingressgateway' };

export function namespace(name: string): KubeObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

/** A proxy that istiod sees before its own Sidecar must not listen on addresses that all share. */
export function defaultSidecar(): KubeObject {
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Sidecar',
    metadata: { name: 'default', namespace: istioNamespace, labels: { ...ownLabel } },
    spec: { egress: [{ hosts: ['~/*'] }] },
  };
}

/**
 * istiod's validation of its own kinds, as `istioctl install` sets it up (manifests/charts/istio-control/istio-discovery).
 *
 * @param url of the webhook; @param ca PEM that its certificate is checked with
 */
export function validationWebhook(url: string, ca: string): KubeObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: `istio-validator-${istioNamespace}` },
    webhooks: [
      {
        name: 'validation.istio.io',
        clientConfig: { url, caBundle: Buffer.from(ca).toString('base64') },
        rules: [
          {
            operations: ['CREATE', 'UPDATE'],
            apiGroups: [
              'security.istio.io',
              'networking.istio.io',
              'telemetry.istio.io',
              'extensions.istio.io',
            ],
            apiVersions: ['*'],
            resources: ['*'],
          },
        ],
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}

/**
 * The ingress gateway: its Service leads from port 80, which Gateways name, to the real one; its listeners, which Istio
 * binds to all addresses, are bound to its own.
 */
export function gatewayObjects(pod: string, address: string, port: number): KubeObject[] {
  const metadata = {
    name: gatewayName,
    namespace: istioNamespace,
    labels: { ...gatewayLabels, ...ownLabel },
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: gatewayLabels, ports: [{ name: 'http2', port: 80, targetPort: port }] },
    },
    {
      apiVersion: 'networking.istio.io/v1',
      kind: 'WorkloadEntry',
      metadata: { ...metadata, name: pod },
      spec: { address, labels: gatewayLabels, serviceAccount: pod, ports: { http2: port } },
    },
    {
      apiVersion: 'networking.istio.io/v1alpha3',
      kind: 'EnvoyFilter',
      metadata,
      spec: {
        workloadSelector: { labels: gatewayLabels },
        configPatches: [
          {
            applyTo: 'LISTENER',
            match: { context: 'GATEWAY' },
            patch: { operation: 'MERGE', value: { address: { socket_address: { address } } } },
          },
        ],
      },
    },
  ];
}
