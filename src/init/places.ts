/** Where requests of the scenario go: for each set of policies that applies to workloads of the user, one stand-in. */
import type { Manifest } from '../scenario/schema.ts';
import { uniqueName } from './issuers.ts';
import { isAccess, type Policy } from './policy.ts';

type Labels = Readonly<Record<string, string>>;

export interface Place {
  /** Of the stand-in, and of its Service. */
  readonly name: string;
  /** Those that policies select by, and `app`. */
  readonly labels: Labels;
  /** Everything that applies there. */
  readonly policies: readonly Policy[];
  /** Names of the user's workloads that are all the same to the policies. */
  readonly workloads: readonly string[];
  /** Policies select it, and among the workloads that were found is none such. */
  readonly isUnknown: boolean;
  /** What its container listens on. */
  readonly port: number;
}

interface Workload {
  readonly name: string;
  readonly labels: Labels;
}

/** Names that applications of the product have in the same namespace. */
const taken = ['httpbin', 'sleep', 'stand-in'];

/** The client of the scenario; what is labelled like it would be taken for it. */
const clientLabel = 'sleep';

/**
 * @param policies all that are for workloads of the namespace, those of the root namespace among them
 * @param objects of the user, with workloads and Services as far as they are known
 */
export function placesFor(
  policies: readonly Policy[],
  objects: readonly Manifest[],
  namespace: string,
): Place[] {
  const known = workloadsOf(objects, namespace);
  const unknown = policies.flatMap(({ labels, name }): Workload[] =>
    labels === undefined || known.some((each) => selects(labels, each.labels))
      ? []
      : [{ name: labels.app ?? labels['app.kubernetes.io/name'] ?? name, labels }],
  );
  const all = [...known, ...unknown];
  if (all.length === 0 && policies.length > 0) all.push({ name: 'app', labels: { app: 'app' } });
  const keys = new Set(['app', ...policies.flatMap(({ labels = {} }) => Object.keys(labels))]);
  const groups = new Map<string, { policies: Policy[]; workloads: Workload[] }>();
  for (const workload of all) {
    const own = policies.filter(({ labels = {} }) => selects(labels, workload.labels));
    if (own.length === 0 || workload.labels.app === clientLabel) continue;
    const key = own.map((policy) => policies.indexOf(policy)).join();
    const group = groups.get(key) ?? { policies: own, workloads: [] };
    if (!group.workloads.some(({ name }) => name === workload.name)) group.workloads.push(workload);
    groups.set(key, group);
  }
  const names = [...taken];
  return [...groups.values()].map((group) => {
    const [first] = group.workloads;
    const labels = Object.entries(first?.labels ?? {}).filter(([key]) => keys.has(key));
    return {
      name: uniqueName(dnsName(first?.name ?? 'app'), names),
      labels: Object.fromEntries(labels),
      policies: group.policies,
      workloads: group.workloads.map(({ name }) => name),
      isUnknown: known.length > 0 && first !== undefined && !known.includes(first),
      port: portFor(group.policies),
    };
  });
}

/** Deployments and their like, by the names of the Services that lead to them. */
function workloadsOf(objects: readonly Manifest[], namespace: string): Workload[] {
  const own = objects.filter(({ metadata }) => (metadata.namespace ?? 'default') === namespace);
  const services = own.filter(({ kind, apiVersion }) => kind === 'Service' && apiVersion === 'v1');
  const workloads = own.flatMap((object): Workload[] => {
    if (!['Deployment', 'StatefulSet', 'DaemonSet'].includes(object.kind)) return [];
    const { template } = (object.spec ?? {}) as { template?: { metadata?: { labels?: Labels } } };
    const labels = template?.metadata?.labels;
    if (labels === undefined) return [];
    const service = services.find(({ spec }) => {
      const { selector = {} } = (spec ?? {}) as { selector?: Labels };
      return Object.keys(selector).length > 0 && selects(selector, labels);
    });
    return [{ name: (service ?? object).metadata.name, labels }];
  });
  return workloads.sort((one, other) => one.name.localeCompare(other.name, 'en'));
}

function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** The first port that policies name and every user may listen on, so that they have something to match. */
function portFor(policies: readonly Policy[]): number {
  const rules = policies.filter(isAccess).flatMap((policy) => policy.rules);
  const named = rules.flatMap(({ to = [] }) => to.flatMap(({ operation }) => operation.ports ?? []));
  return named.map(Number).find((port) => port >= 1024 && port < 65_536) ?? 8080;
}

/** What may be the name of a Service: RFC 1035, short enough for what Kubernetes appends. */
export function dnsName(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 40)
    .replace(/-+$/, '');
  return name === '' ? 'app' : name;
}
