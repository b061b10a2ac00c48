/** The workload behind a Service, out of the objects that are at hand. */
import { isDeepStrictEqual } from 'node:util';
import { HarnessError } from '../base/errors.ts';
import { isMap } from '../base/kube-object.ts';
import { nearest } from '../base/suggest.ts';
import type { Workload } from '../policy/input.ts';
import { hasLabels } from '../policy/selection.ts';
import { isHttp, protocolOf, type ServiceSpec, targetPortOf } from '../policy/service-port.ts';
import type { KubeObject, MeshPod } from '../target/target.ts';

export interface FoundWorkload extends Workload {
  /** Of the container; undefined when nothing says so. */
  readonly port: number | undefined;
  readonly isTcp: boolean;
  /** How it was found, or what was assumed. */
  readonly how: string;
  /** Its labels are a guess. */
  readonly isGuess: boolean;
}

type Labels = Readonly<Record<string, string>>;
/**
 * @param to `SERVICE.NAMESPACE`
 * @param port that the request names; of the Service
 * @param pods that there are whatever the objects say, such as those of Istio's own ingress gateway
 * @throws HarnessError E_USAGE when it does not name a Service and a namespace
 */
export function findWorkload(
  to: string,
  port: number,
  objects: readonly KubeObject[],
  pods: readonly Pick<MeshPod, 'namespace' | 'name' | 'labels'>[] = [],
): FoundWorkload {
  const [, name = '', namespace = ''] = /^([a-z0-9-]+)\.([a-z0-9-]+)(?:\.svc(?:\..+)?)?$/.exec(to) ?? [];
  if (namespace === '') {
    throw new HarnessError('E_USAGE', `--to ${to} is no Service of a namespace`, {
      hint: 'Write --to SERVICE.NAMESPACE, such as --to httpbin.foo.',
    });
  }
  const at = ({ metadata }: KubeObject) =>
    metadata.name === name && (metadata.namespace ?? 'default') === namespace;
  const service = objects.find((object) => object.kind === 'Service' && at(object));
  const spec = (service?.spec ?? {}) as ServiceSpec;
  const selector = spec.selector;
  if (service === undefined || selector === undefined) {
    const all = objects.filter(({ kind }) => kind === 'Service');
    const near = nearest(
      `${name}.${namespace}`,
      all.map(({ metadata }) => `${metadata.name}.${metadata.namespace ?? 'default'}`),
    );
    const meant = near === undefined || service !== undefined ? '' : ` (did you mean --to ${near}?)`;
    const lacks = service === undefined ? 'there is no' : 'there is no selector in';
    const same = pods.find((pod) => pod.namespace === namespace && pod.name === name);
    const taken =
      same === undefined ? `to have the label app=${name}` : 'to be those of the workload of the same name';
    const how = `a guess, because ${lacks} Service ${namespace}/${name} among the objects${meant}: its pods are taken ${taken}`;
    const isGuess = same === undefined;
    return { namespace, labels: same?.labels ?? { app: name }, port: undefined, isTcp: false, how, isGuess };
  }
  const of = spec.ports?.find((each) => each.port === port);
  const behind = objects
    .flatMap(podsOf)
    .filter((each) => each.namespace === namespace && hasLabels(each, selector));
  const [pod, ...more] = behind;
  const labels = pod?.labels ?? selector;
  const ports = (spec.ports ?? []).map((each) => each.port).join(', ') || 'none';
  const others = more.filter((each) => !isDeepStrictEqual(each.labels, labels));
  const how = [
    `Service ${namespace}/${name}${of === undefined ? `, which has no port ${port} (its ports: ${ports})` : ''}`,
    pod === undefined
      ? '; no pods of it are among the objects: they are taken to have the labels of its selector alone'
      : `, ${pod.kind} ${pod.name}`,
    ...others.map((each) => `, and not ${each.kind} ${each.name}, which it leads to as well`),
    isAmbient(namespace, objects)
      ? `; namespace ${namespace} is in ambient mode, where a ztunnel and waypoints decide, and a sidecar is taken to stand in front of it`
      : '',
  ].join('');
  return {
    namespace,
    labels,
    port: of && targetPortOf(of, pod?.ports),
    isTcp: of !== undefined && !isHttp(protocolOf(of)),
    how,
    isGuess: false,
  };
}

/** Whether workloads of a namespace have no sidecars, by the label that puts it into ambient mode. */
export function isAmbient(namespace: string, objects: readonly KubeObject[]): boolean {
  return objects.some(
    ({ kind, metadata: { name, labels } }) =>
      kind === 'Namespace' && name === namespace && labels?.['istio.io/dataplane-mode'] === 'ambient',
  );
}

export interface Pod {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly serviceAccount: string;
  readonly ports: readonly { readonly name?: string; readonly containerPort: number }[];
}

/** The pod that a workload makes, or that is written as it is; none of any other object. */
export function podsOf({ kind, metadata, spec }: KubeObject): Pod[] {
  type PodSpec = { containers?: { ports?: Pod['ports'] }[]; serviceAccountName?: string };
  type Template = { metadata?: { labels?: Labels; annotations?: Labels }; spec?: PodSpec };
  const of = spec as (PodSpec & { template?: Template }) | undefined;
  const template: Template | undefined = kind === 'Pod' ? { metadata, spec: of ?? {} } : of?.template;
  const { metadata: own, spec: inner } = template ?? {};
  const containers: unknown = inner?.containers ?? [];
  // Objects of other kinds have a template, too, of which nothing is known.
  if (!isMap(template) || !Array.isArray(containers)) return [];
  return [
    {
      kind,
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
      labels: own?.labels ?? {},
      annotations: own?.annotations ?? {},
      serviceAccount: inner?.serviceAccountName ?? 'default',
      ports: containers.flatMap((each) => each?.ports ?? []),
    },
  ];
}
