/** What stands in the API server before anything else: Istio's webhook, the ingress gateway. */
import type { KubeObject } from '../../target.ts';
import { ownLabel } from '../kubelet/workload-objects.ts';
import { istioNamespace } from './istiod.ts';

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

/** The Service of the ingress gateway, as Istio's chart makes it. */
export function gatewayService(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: gatewayName,
      namespace: istioNamespace,
      labels: { ...gatewayLabels, ...ownLabel },
    },
    spec: { selector: gatewayLabels, ports: [{ name: 'http2', port: 80, targetPort: 8080 }] },
  };
}
