/**
 * What istiod makes of a Gateway of the Gateway API: the template for its own deployment controller, where `istioctl
 * install` puts it. It has the names and labels of Istio's template and the container of the proxy; what a kubelet needs
 * besides, such as probes and volumes, is left out (manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml).
 */
import { stringify } from 'yaml';
import type { KubeObject } from '../../target.ts';
import { proxyName } from '../kubelet/injection.ts';
import { istioNamespace } from './istiod.ts';

/** Labels of the Gateway's own, and those by which its pods are found. */
const labels = (more: string) => `{{ toJsonMap
      ${more}
      .InfrastructureLabels
      (strdict
        "gateway.networking.k8s.io/gateway-name" .Name
        "gateway.networking.k8s.io/gateway-class-name" .GatewayClass
        "gateway.istio.io/managed" "istio.io-gateway-controller"
      ) }}`;

const metadata = `
metadata:
  name: {{ .DeploymentName | quote }}
  namespace: {{ .Namespace | quote }}
  labels: ${labels('(strdict)')}
  ownerReferences:
  - apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    name: {{ .Name | quote }}
    uid: {{ .UID | quote }}`;

const template = `apiVersion: apps/v1
kind: Deployment${metadata}
spec:
  selector:
    matchLabels:
      {{ .GatewayNameLabel | quote }}: {{ .Name | quote }}
  template:
    metadata:
      annotations: {{ toJsonMap .InfrastructureAnnotations }}
      labels: ${labels(`(strdict
        "sidecar.istio.io/inject" "false"
        "service.istio.io/canonical-name" .DeploymentName
        "service.istio.io/canonical-revision" "latest"
      )`)}
    spec:
      serviceAccountName: {{ .ServiceAccount | quote }}
      containers:
      - name: ${proxyName}
        image: auto
---
apiVersion: v1
kind: Service${metadata}
spec:
  ports:
  {{- range $key, $val := .Ports }}
  - name: {{ $val.Name | quote }}
    port: {{ $val.Port }}
    protocol: {{ $val.Protocol }}
    appProtocol: {{ $val.AppProtocol }}
  {{- end }}
  selector:
    {{ .GatewayNameLabel | quote }}: {{ .Name | quote }}
  type: {{ .ServiceType | quote }}
`;

/** The ConfigMap that istiod has its templates from. Sidecars are not injected by istiod here, so there are none for them. */
export function injectorConfig(): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio-sidecar-injector', namespace: istioNamespace },
    data: {
      config: stringify({
        policy: 'enabled',
        defaultTemplates: [],
        templates: { 'kube-gateway': template },
      }),
      values: '{}',
    },
  };
}
