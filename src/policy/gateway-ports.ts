/** Whether HTTP requests can come in by a Gateway, of Istio's API or of the Gateway API. */
import type { KubeObject, Survey } from '../target/target.ts';
import { holdsFor, nameOf } from './selection.ts';
import { type ServiceSpec, selecting } from './service-port.ts';

interface Server {
  readonly port?: { readonly number?: number; readonly protocol?: string };
  readonly tls?: { readonly mode?: string };
}
interface Listener {
  readonly port?: number;
  readonly protocol?: string;
}

/** HBONE is that of waypoints. */
const http = ['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB', 'HTTPS', 'HBONE'];

/** A port that a Gateway opens, and whether policies see HTTP requests on it. */
interface Entry {
  readonly port: number | undefined;
  readonly protocol: string;
  readonly isHttp: boolean;
}

/** A Gateway that lets no HTTP request in, and what to write instead. */
export interface Shut {
  readonly gateway: KubeObject;
  /** As the end of a sentence about it: `has no servers, so it opens no port`. */
  readonly why: string;
  readonly hint: string;
}

/** @returns undefined when a request can come in, as far as the Gateway says */
export function shutBySpec(gateway: KubeObject): Shut | undefined {
  const isIstio = isOfIstio(gateway);
  const entries = entriesOf(gateway);
  if (entries.some(({ isHttp }) => isHttp)) return undefined;
  const [what, example] = isIstio
    ? ['servers', 'servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }]']
    : ['listeners', 'listeners: [{ name: http, port: 80, protocol: HTTP }]'];
  const hint = `Write ${example}`;
  if (entries.length === 0) return { gateway, why: `has no ${what}, so it opens no port`, hint };
  const protocols = [...new Set(entries.map(({ protocol }) => protocol))].join(' and ');
  return {
    gateway,
    why: `has ${what} for ${protocols} only, which carry no HTTP that policies could look at`,
    hint,
  };
}

/** Whether a Gateway opens a port for HTTP at a pod, as far as it says. */
export function opensAt(
  object: KubeObject,
  pod: Parameters<typeof holdsFor>[1],
  rootNamespace: string,
): boolean {
  return (
    object.kind === 'Gateway' && holdsFor(object, pod, rootNamespace) && shutBySpec(object) === undefined
  );
}

/**
 * Why no HTTP request can come in at a pod of a gateway. Where no Gateway is for the pod, nothing is said: it may be one of
 * others.
 */
export function shutAt(
  pod: Parameters<typeof holdsFor>[1],
  { objects, rootNamespace }: Pick<Survey, 'objects' | 'rootNamespace'>,
): Shut | undefined {
  const own = objects.filter((object) => object.kind === 'Gateway' && holdsFor(object, pod, rootNamespace));
  const shut = own.flatMap((gateway) => shutBySpec(gateway) ?? []);
  return shut.length === own.length ? shut[0] : undefined;
}

/**
 * The same as far as workloads and Services are known. A port of a Gateway of Istio's API is one of the Service in front of
 * its pods (pilot/pkg/model/gateway.go, resolvePorts); on another one nobody reaches it by that Service.
 */
export function shutIn(gateway: KubeObject, survey: Survey): Shut | undefined {
  const bySpec = shutBySpec(gateway);
  if (bySpec !== undefined || !isOfIstio(gateway)) return bySpec;
  const pods = survey.pods.filter((pod) => holdsFor(gateway, pod, survey.rootNamespace));
  const { selector = {} } = (gateway.spec ?? {}) as { selector?: Readonly<Record<string, string>> };
  if (pods.length === 0) {
    const labels = Object.entries(selector).map((label) => label.join('='));
    return {
      gateway,
      why: `selects ${labels.join(' and ')}, and no workload has that, so nobody opens its ports`,
      hint: 'Write the labels of a gateway, such as selector: { istio: ingressgateway }',
    };
  }
  const services = survey.objects.filter(({ kind }) => kind === 'Service');
  const ports = pods
    .flatMap(({ namespace, labels }) => selecting(services, namespace, labels))
    .flatMap(({ spec }) => ((spec ?? {}) as ServiceSpec).ports ?? [])
    .map(({ port }) => port);
  const wanted = entriesOf(gateway).flatMap(({ isHttp, port }) => (isHttp && port !== undefined ? port : []));
  // Of Istio's own ingress gateway the Service is not known here.
  if (ports.length === 0 || wanted.length === 0 || wanted.some((port) => ports.includes(port)))
    return undefined;
  return {
    gateway,
    why: `opens ${wanted.map((port) => `port ${port}`).join(' and ')}, and the Service of its gateway has only ${[...new Set(ports)].join(', ')}`,
    hint: `Write a port of the Service, such as port: { number: ${ports[0]}, name: http, protocol: HTTP }`,
  };
}

/** For people: `Gateway edge/edge has no servers, so it opens no port. Write …`. */
export function shutText({ gateway, why, hint }: Shut): string {
  return `${nameOf(gateway)} ${why}. ${hint}`;
}

function isOfIstio({ apiVersion }: KubeObject): boolean {
  return apiVersion.startsWith('networking.istio.io/');
}

function entriesOf(gateway: KubeObject): Entry[] {
  const { servers, listeners } = (gateway.spec ?? {}) as { servers?: unknown; listeners?: unknown };
  if (isOfIstio(gateway))
    return listOf<Server>(servers).map(({ port = {}, tls }) => {
      const protocol = String(port.protocol ?? '').toUpperCase();
      // What is passed through is read by nobody on the way.
      const isHttp = http.includes(protocol) && !/PASSTHROUGH$/.test(tls?.mode ?? '');
      return {
        port: port.number,
        protocol: isHttp ? protocol : `${protocol}${tls?.mode === undefined ? '' : ` (${tls.mode})`}`,
        isHttp,
      };
    });
  return listOf<Listener>(listeners).map(({ port, protocol = '' }) => {
    const name = protocol.toUpperCase();
    return { port, protocol, isHttp: http.includes(name) };
  });
}

function listOf<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value.map((each) => Object(each) as T) : [];
}
