/**
 * Small mistakes in policies, one at a time: what mutation testing of access control policies changes (a rule, a condition or
 * a value left out, a value or an effect changed, see E. Martin and T. Xie, "A fault model and mutation testing of access
 * control policies", WWW 2007), made for Istio.
 */
import { isWide, nameOf, targetRefsOf } from '../policy/selection.ts';
import type { KubeObject, MeshPod } from '../target/target.ts';
import { type Change, without } from './change.ts';
import { accessChanges } from './operators-access.ts';
import { tokenChanges } from './operators-token.ts';

/** A policy with a mistake in it. */
export interface Mutant {
  /** `Kind namespace/name` of the policy as it was. */
  readonly policy: string;
  /** What was changed, as the end of a sentence about the policy: ``rule 2 without its `to` ``. */
  readonly change: string;
  /** Undefined: there is no policy. */
  readonly object: KubeObject | undefined;
}

/** What else there is, to which a policy could be attached by mistake. */
export interface Surroundings {
  readonly rootNamespace: string;
  readonly pods: readonly MeshPod[];
}

/** @returns all mistakes of one policy, each once; none for kinds other than the two that decide about requests */
export function mutantsOf(object: KubeObject, surroundings: Surroundings): Mutant[] {
  const own = object.kind === 'AuthorizationPolicy' ? accessChanges : tokenChanges;
  const policy = nameOf(object);
  const changes = [...own(object), ...placeChanges(object, surroundings)];
  const seen = new Set([JSON.stringify(object)]);
  const unique = changes.filter(({ object: changed }) => {
    const text = JSON.stringify(changed);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
  return [
    { policy, change: 'left out', object: undefined },
    ...unique.map(({ change, object: changed }) => ({ policy, change, object: changed })),
  ];
}

/** Other workloads, another namespace. */
function placeChanges(object: KubeObject, { pods, rootNamespace }: Surroundings): Change[] {
  const { namespace = 'default' } = object.metadata;
  const spec = (object.spec ?? {}) as Record<string, unknown>;
  const moved = (to: string): KubeObject => ({ ...object, metadata: { ...object.metadata, namespace: to } });
  const others = [...new Set(pods.map((pod) => pod.namespace))].filter(
    (each) => each !== namespace && each !== rootNamespace,
  );
  const elsewhere = others[0] ?? (namespace === 'default' ? 'elsewhere' : 'default');
  return [
    ...(isWide(object) ? [] : selectionChanges(object, spec, pods)),
    { change: `in namespace ${elsewhere}`, object: moved(elsewhere) },
    ...(namespace === rootNamespace || targetRefsOf(spec).length > 0
      ? []
      : [{ change: `in the root namespace ${rootNamespace}`, object: moved(rootNamespace) }]),
  ];
}

function selectionChanges(
  object: KubeObject,
  spec: Record<string, unknown>,
  pods: readonly MeshPod[],
): Change[] {
  const as = (changed: Record<string, unknown>): KubeObject => ({ ...object, spec: changed });
  if (targetRefsOf(spec).length > 0) {
    const everywhere = without(without(spec, 'targetRef'), 'targetRefs');
    return [{ change: 'without its targetRefs', object: as(everywhere) }];
  }
  const { matchLabels = {} } = spec.selector as { matchLabels?: Record<string, string> };
  const labelled = (labels: Record<string, string>) => as({ ...spec, selector: { matchLabels: labels } });
  const names = Object.keys(matchLabels);
  return [
    { change: 'without its selector', object: as(without(spec, 'selector')) },
    ...(names.length < 2 ? [] : names).map((name) => ({
      change: `with a selector without the label ${name}`,
      object: labelled(without(matchLabels, name)),
    })),
    ...names.slice(0, 1).map((name) => {
      const value = otherValue(name, matchLabels[name] ?? '', object, pods);
      const other = { ...matchLabels, [name]: value };
      return { change: `with the selector ${name}: ${value}`, object: labelled(other) };
    }),
  ];
}

/** Of a label: that of another workload of the namespace, so that the policy holds for the wrong one. */
function otherValue(name: string, value: string, object: KubeObject, pods: readonly MeshPod[]): string {
  const others = pods
    .filter((pod) => pod.namespace === (object.metadata.namespace ?? 'default'))
    .flatMap(({ labels }) => labels[name] ?? [])
    .filter((each) => each !== value);
  return others[0] ?? `${value}-other`;
}
