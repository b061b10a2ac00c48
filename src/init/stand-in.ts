/** What stands in for the user's workloads: nginx that answers 200 to every path and method. */

import type { Place } from './places.ts';
import { ownNamespace } from './plan.ts';
import { asItem, inline } from './text.ts';

const servicePort = 8000;

/** What requests of a place are sent to. */
export function addressOf(place: Pick<Place, 'name'>): string {
  return `http://${place.name}.${ownNamespace}:${servicePort}`;
}

/** The manifests of all stand-ins, each as an item of `apply`. */
export function standIns(places: readonly Place[]): string[] {
  const ports = [...new Set(places.map(({ port }) => port))].sort((one, other) => one - other);
  return [configuration(ports), ...places.flatMap((place) => [service(place), deployment(place)])];
}

/** A route from the ingress gateway to a place. */
export function gatewayRoute({ name }: Place, host: string): string[] {
  return [
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: stand-in, namespace: ${ownNamespace} }
spec:
  selector: { istio: ingressgateway }
  servers:
    - port: { number: 80, name: http, protocol: HTTP }
      hosts: [${inline(host)}]`,
    `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: stand-in, namespace: ${ownNamespace} }
spec:
  hosts: [${inline(host)}]
  gateways: [stand-in]
  http:
    - route: [{ destination: { host: ${name}, port: { number: ${servicePort} } } }]`,
  ];
}

/** As items of a list at this indentation. */
export function items(manifests: readonly string[], indent: number): string {
  return manifests.map((each) => asItem(each, indent)).join('\n');
}

function configuration(ports: readonly number[]): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: { name: stand-in, namespace: ${ownNamespace} }
data:
  default.conf: |
    server {
${ports.map((port) => `      listen ${port};`).join('\n')}
      location / { default_type text/plain; return 200 here; }
    }`;
}

function service({ name, port }: Place): string {
  return `apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${ownNamespace} }
spec:
  ports: [{ name: http, port: ${servicePort}, targetPort: ${port} }]
  selector: { jwt-e2e/stand-in: ${name} }`;
}

function deployment({ name, labels, port }: Place): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: ${ownNamespace} }
spec:
  selector: { matchLabels: { jwt-e2e/stand-in: ${name} } }
  template:
    metadata:
      labels: ${inline({ 'jwt-e2e/stand-in': name, ...labels })}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - name: ${name}
          image: \${images.nginx}
          imagePullPolicy: IfNotPresent
          ports: [{ containerPort: ${port} }]
          volumeMounts: [{ name: configuration, mountPath: /etc/nginx/conf.d }]
      volumes: [{ name: configuration, configMap: { name: stand-in } }]`;
}
