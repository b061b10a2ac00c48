/** What stands in for the user's workloads, gateways and clients, as objects. */

import { rootNamespace } from '../explain/world.ts';
import { nameOf } from '../policy/selection.ts';
import type { KubeObject } from '../target/target.ts';
import { isIngress, ownNamespace, type Place } from './places.ts';
import { type Echo, isTelling } from './requests/echoed.ts';
import type { Client } from './senders.ts';

const standIn = 'jwt-e2e/stand-in';

/**
 * Everything that must be there before policies are, each object once.
 *
 * @param told what workloads have to tell of the requests that they receive
 */
export function standIns(places: readonly Place[], clients: readonly Client[], told: Echo): KubeObject[] {
  const own = places.filter((place) => !isIngress(place));
  const namespaces = [...new Set([...own, ...clients].map(({ namespace }) => namespace))];
  const workloads = own.filter(({ isGateway }) => !isGateway);
  const accounts = [...own, ...clients].filter(({ serviceAccount }) => serviceAccount !== 'default');
  const all = [
    ...namespaces
      .filter((name) => !['default', ownNamespace, rootNamespace].includes(name))
      .map((name) => object('v1', 'Namespace', { name, labels: { 'istio-injection': 'enabled' } }, {})),
    ...accounts.map(({ serviceAccount: name, namespace }) =>
      object('v1', 'ServiceAccount', { name, namespace }, {}),
    ),
    ...[...new Set(workloads.map(({ namespace }) => namespace))].map((namespace) =>
      configuration(
        namespace,
        workloads.filter((place) => place.namespace === namespace),
        told,
      ),
    ),
    ...own.flatMap((place) => [...services(place), place.isGateway ? gateway(place) : workload(place)]),
    ...clients.map(client),
  ];
  return [...new Map(all.map((each) => [nameOf(each), each])).values()];
}

function object(
  apiVersion: string,
  kind: string,
  metadata: KubeObject['metadata'],
  more: object,
): KubeObject {
  return { apiVersion, kind, metadata, ...more };
}

/** nginx that answers 200 to every path and method, with what it has to tell of the request. */
function configuration(namespace: string, places: readonly Place[], told: Echo): KubeObject {
  const ports = places.flatMap((place) =>
    place.services.flatMap((each) => each.ports.map(({ targetPort }) => targetPort)),
  );
  const listens = [...new Set(ports)].sort((one, other) => one - other).map((port) => `  listen ${port};`);
  const isTold = isTelling(told);
  const answer = isTold
    ? `default_type application/json; return 200 '${echoOf(told)}';`
    : 'default_type text/plain; return 200 here;';
  const server = [
    ...(isTold ? told.headers.map(mapOf) : []),
    'server {',
    ...listens,
    `  location / { ${answer} }`,
    '}',
  ];
  return object(
    'v1',
    'ConfigMap',
    { name: 'stand-in', namespace },
    { data: { 'default.conf': server.join('\n') } },
  );
}

/** A header that did not come is not in the echo, and not an empty text. */
function mapOf(header: string): string {
  const variable = header.replaceAll('-', '_');
  return `map $http_${variable} $echo_${variable} { "" ""; default '"${header}": "$http_${variable}", '; }`;
}

/** Behind the last header there must be no comma, so the host, which is always there, comes last. */
function echoOf({ headers }: Echo): string {
  const echoes = headers.map((header) => `$echo_${header.replaceAll('-', '_')}`).join('');
  return `{ "url": "$request_uri", "headers": { ${echoes}"host": "$host" } }`;
}

function services({ name, namespace, services: all }: Place): KubeObject[] {
  return all
    .filter(({ ports }) => ports.length > 0)
    .map((each) =>
      object(
        'v1',
        'Service',
        { name: each.name, namespace },
        { spec: { selector: { [standIn]: name }, ports: each.ports } },
      ),
    );
}

function deployment(
  { name, namespace, serviceAccount }: Pick<Place, 'name' | 'namespace' | 'serviceAccount'>,
  selector: Readonly<Record<string, string>>,
  metadata: object,
  spec: object,
): KubeObject {
  const account = serviceAccount === 'default' ? {} : { serviceAccountName: serviceAccount };
  return object(
    'apps/v1',
    'Deployment',
    { name, namespace },
    {
      spec: {
        selector: { matchLabels: selector },
        template: { metadata, spec: { terminationGracePeriodSeconds: 0, ...account, ...spec } },
      },
    },
  );
}

function workload(place: Place): KubeObject {
  const { name, labels, hasSidecar, services: all } = place;
  const ports = [...new Set(all.flatMap((each) => each.ports.map(({ targetPort }) => targetPort)))];
  return deployment(
    place,
    { [standIn]: name },
    { labels: { [standIn]: name, ...labels, 'sidecar.istio.io/inject': String(hasSidecar) } },
    {
      containers: [
        {
          name,
          image: '${images.nginx}',
          imagePullPolicy: 'IfNotPresent',
          ports: ports.map((containerPort) => ({ containerPort })),
          volumeMounts: [{ name: 'configuration', mountPath: '/etc/nginx/conf.d' }],
        },
      ],
      volumes: [{ name: 'configuration', configMap: { name: 'stand-in' } }],
    },
  );
}

/** https://istio.io/latest/docs/setup/additional-setup/gateway/#deploying-a-gateway */
function gateway(place: Place): KubeObject {
  const { name, labels } = place;
  return deployment(
    place,
    { [standIn]: name },
    {
      labels: { [standIn]: name, ...labels, 'sidecar.istio.io/inject': 'true' },
      annotations: { 'inject.istio.io/templates': 'gateway' },
    },
    { containers: [{ name: 'istio-proxy', image: 'auto' }] },
  );
}

function client(each: Client): KubeObject {
  const labels = { app: each.name };
  const { name } = each;
  return deployment(
    each,
    labels,
    { labels: { ...labels, 'sidecar.istio.io/inject': String(each.hasSidecar) } },
    {
      containers: [
        {
          name,
          image: '${images.curl}',
          imagePullPolicy: 'IfNotPresent',
          command: ['/bin/sleep', 'infinity'],
        },
      ],
    },
  );
}

/** Where requests enter a gateway. */
export function gatewayObject(ref: string, { labels }: Place): KubeObject {
  const [namespace = '', name = ''] = ref.split('/');
  const servers = [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }];
  return object(
    'networking.istio.io/v1',
    'Gateway',
    { name, namespace },
    { spec: { selector: { ...labels }, servers } },
  );
}

/** A route from a gateway to a place. */
export function routeObject(
  ref: string,
  hosts: readonly string[],
  { namespace, services: [service] }: Place,
): KubeObject {
  const [of = '', name = ''] = ref.split('/');
  const to = `${service?.name}.${namespace}.svc.cluster.local`;
  const destination = { host: to, port: { number: service?.ports[0]?.port ?? 8000 } };
  return object(
    'networking.istio.io/v1',
    'VirtualService',
    { name, namespace: of },
    { spec: { hosts, gateways: [ref], http: [{ route: [{ destination }] }] } },
  );
}
