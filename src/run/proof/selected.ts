/** Which policies hold for which workloads, for people to look at: no verdict depends on it. */
import type { Selection } from '../../base/events.ts';
import { groupBy } from '../../base/group.ts';
import { actionOf } from '../../policy/rules.ts';
import { holdsFor, isWide, nameOf, policyKinds, whyIdle } from '../../policy/selection.ts';
import type { KubeObject, MeshPod, ProxyRef, Survey } from '../../target/target.ts';
import { decidersOf, type Sent } from './concerned.ts';

/** More of either and nothing can be seen in a picture. */
export const mostSelected = 30;

/** Labels that tell pods of one workload apart, or its versions in time. */
const ofOnePod = [
  'controller-revision-hash',
  'pod-template-generation',
  'pod-template-hash',
  'apps.kubernetes.io/pod-index',
  'statefulset.kubernetes.io/pod-name',
];

/** Labels of the name of a workload, in the order in which Istio looks for it (pkg/kube/labels/labels.go, CanonicalService). */
const names = ['service.istio.io/canonical-name', 'app.kubernetes.io/name', 'app'];

interface Workload {
  readonly name: string;
  readonly pods: readonly MeshPod[];
}

interface Selecting {
  readonly survey: Survey;
  /** Proxies that are the first to decide about a request; none when the proof did not come so far as to know. */
  readonly deciders: readonly ProxyRef[];
  /** The requests, for when it did not. */
  readonly sent: readonly Sent[];
  /** What the scenario has applied and not deleted. */
  readonly inPlace: readonly KubeObject[];
}

/**
 * Policies of the scenario and others that hold for the same workloads, with the workloads that they hold for and those that
 * decide about its requests.
 *
 * @returns undefined when there is no policy, or an answer of the API server is not understood: the proof says that
 */
export function selectionOf(selecting: Selecting): Selection | undefined {
  try {
    return select(selecting);
  } catch {
    return undefined;
  }
}

function select({ survey, deciders, sent, inPlace }: Selecting): Selection | undefined {
  const own = new Set(inPlace.map(nameOf));
  const first =
    deciders.length > 0
      ? deciders
      : sent.filter(({ isElsewhen }) => isElsewhen !== true).flatMap((each) => decidersOf(each, survey));
  const decides = new Set(first.map(({ namespace, pod }) => `${namespace}/${pod}`));
  const holds = (policy: KubeObject, { pods }: Workload) =>
    pods.some((pod) => holdsFor(policy, pod, survey.rootNamespace));
  const all = workloadsOf(survey.pods.filter(({ proxy }) => proxy !== undefined));
  const isDeciding = ({ pods }: Workload) =>
    pods.some(({ namespace, name }) => decides.has(`${namespace}/${name}`));
  const declared = survey.objects.filter(({ kind }) => policyKinds.includes(kind));
  const mine = declared.filter((policy) => own.has(nameOf(policy)));
  const workloads = all.filter(
    (workload) => isDeciding(workload) || mine.some((policy) => holds(policy, workload)),
  );
  const policies = declared.filter(
    (policy) => mine.includes(policy) || workloads.some((workload) => holds(policy, workload)),
  );
  if (policies.length === 0) return undefined;
  const shown = [...workloads.filter(isDeciding), ...workloads.filter((each) => !isDeciding(each))];
  const kept = shown.slice(0, mostSelected);
  const sorted = policies.toSorted(
    (one, other) => policyKinds.indexOf(one.kind) - policyKinds.indexOf(other.kind),
  );
  const omitted = shown.length - kept.length + Math.max(0, sorted.length - mostSelected);
  return {
    workloads: kept.map(({ name }) => name),
    policies: sorted.slice(0, mostSelected).map((policy) => ({
      policy: nameOf(policy),
      action: policy.kind === 'AuthorizationPolicy' ? actionOf(policy) : undefined,
      scope: scopeOf(policy, survey),
      workloads: kept.filter((workload) => holds(policy, workload)).map(({ name }) => name),
      idle: whyIdle(policy, survey),
    })),
    omitted: omitted === 0 ? undefined : omitted,
  };
}

function scopeOf(policy: KubeObject, { rootNamespace }: Survey): 'namespace' | 'mesh' | undefined {
  if (!isWide(policy)) return undefined;
  return (policy.metadata.namespace ?? 'default') === rootNamespace ? 'mesh' : 'namespace';
}

/** Pods with the same labels are one workload. Where several would be called the same, what differs is added. */
function workloadsOf(pods: readonly MeshPod[]): Workload[] {
  const groups = [...groupBy(pods, (pod) => JSON.stringify([pod.namespace, labelsOf(pod)])).values()];
  const byName = groupBy(groups, nameOfAll);
  return [...byName].flatMap(([name, alike]) =>
    alike.map((group) => ({
      name: alike.length === 1 ? name : `${name} (${ownLabels(group, alike)})`,
      pods: group,
    })),
  );
}

function labelsOf({ labels }: MeshPod): [string, string][] {
  return Object.entries(labels)
    .filter(([label]) => !ofOnePod.includes(label))
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
}

function nameOfAll([first]: readonly MeshPod[]): string {
  if (first === undefined) return '';
  const label = names.find((each) => first.labels[each] !== undefined);
  return `${first.namespace}/${label === undefined ? first.name : first.labels[label]}`;
}

/** Labels that not all of the same name have. */
function ownLabels(group: readonly MeshPod[], alike: readonly (readonly MeshPod[])[]): string {
  const [first] = group;
  if (first === undefined) return '';
  const own = labelsOf(first).filter(
    ([label, value]) => !alike.every(([other]) => other?.labels[label] === value),
  );
  return own.length === 0 ? first.name : own.map(([label, value]) => `${label}=${value}`).join(', ');
}
