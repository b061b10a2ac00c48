/**
 * metadata.managedFields: who has set which fields, as sets of paths in Kubernetes' format FieldsV1
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
 */
import { isDeepStrictEqual } from 'node:util';
import { fieldManager } from '../../../kube/objects.ts';
import type { KubeObject } from '../../target.ts';

/** A path is in the set when its node is empty, or has an entry ".". */
export interface FieldSet {
  readonly [step: string]: FieldSet;
}

/** An entry of metadata.managedFields. */
export interface Managed {
  readonly manager?: string;
  readonly operation?: string;
  readonly apiVersion?: string;
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1?: FieldSet;
}

export function managedFields(object: KubeObject): readonly Managed[] {
  return (object.metadata.managedFields as Managed[] | undefined) ?? [];
}

/** Who has set fields, other than this tool and those who write the status. */
export function otherManagers(object: KubeObject): string[] {
  return [
    ...new Set(
      managedFields(object)
        .filter(isOther)
        .map(({ manager = '' }) => manager),
    ),
  ];
}

/** Who has applied the object besides this tool, and so means it to be there; others, such as controllers, only write in it. */
export function appliersOf(object: KubeObject): string[] {
  const isOfKubectl = (manager?: string) => manager === 'kubectl-client-side-apply';
  const appliers = managedFields(object).filter(
    (each) => isOther(each) && (each.operation === 'Apply' || isOfKubectl(each.manager)),
  );
  return [...new Set(appliers.map(({ manager = '' }) => manager))];
}

/** What this tool has set in an object; undefined when that is nothing. */
export function oursIn(object: KubeObject): FieldSet | undefined {
  const ours = managedFields(object).filter(({ manager }) => manager === fieldManager);
  return ours.length === 0 ? undefined : ours.map(({ fieldsV1 = {} }) => fieldsV1).reduce(union);
}

/**
 * Who would have set which fields if this tool had never been there.
 *
 * @param before as it was before this tool changed it
 * @param left as this tool has left it
 * @param now as it is
 */
export function managersWithout(before: KubeObject, left: KubeObject, now: KubeObject): Managed[] {
  const [was, then, is] = [before, left, now].map(byIdentity) as [Managers, Managers, Managers];
  const ids = new Set([...was.keys(), ...is.keys()]);
  const others = [...ids].flatMap((id): Managed[] => {
    const [first, last, current] = [was.get(id), then.get(id), is.get(id)];
    const since = current ?? last;
    if (since?.subresource ?? first?.subresource) return current === undefined ? [] : [current];
    // What somebody else had and this tool has taken.
    const lost = minus(first?.fieldsV1 ?? {}, last?.fieldsV1 ?? {});
    const isUnchanged = isDeepStrictEqual(last?.fieldsV1, current?.fieldsV1);
    // One who has applied since has said all that there is to say.
    if (!isUnchanged && current?.operation === 'Apply') return [current];
    if (current === undefined && last !== undefined) return [];
    const fields = union(current?.fieldsV1 ?? {}, lost ?? {});
    if (first !== undefined && isDeepStrictEqual(fields, first.fieldsV1 ?? {})) return [first];
    return current === undefined ? [] : [lost === undefined ? current : { ...current, fieldsV1: fields }];
  });
  return [...others, ...managedFields(before).filter(({ manager }) => manager === fieldManager)];
}

/** What others were left with when this tool had taken from them what it has in `now`, and they do not. */
export function othersBeside(before: KubeObject, now: KubeObject, ours = oursIn(now) ?? {}): Managed[] {
  const current = byIdentity(now);
  return [...byIdentity(before)].flatMap(([id, each]): Managed[] => {
    if (each.fieldsV1 === undefined) return [each];
    const taken = minus(ours, current.get(id)?.fieldsV1 ?? {}) ?? {};
    const fieldsV1 = minus(each.fieldsV1, taken);
    return fieldsV1 === undefined ? [] : [{ ...each, fieldsV1 }];
  });
}

/** What others have set since. */
export function claimedSince(left: KubeObject, now: KubeObject): FieldSet {
  const then = byIdentity(left);
  return [...byIdentity(now)]
    .map(([id, { fieldsV1 = {} }]) => minus(fieldsV1, then.get(id)?.fieldsV1 ?? {}) ?? {})
    .reduce(union, {});
}

/** What those who have applied since had before, and do not mean to have any more. */
export function droppedSince(before: KubeObject, left: KubeObject, now: KubeObject): FieldSet {
  const [then, is] = [byIdentity(left), byIdentity(now)];
  return [...byIdentity(before)]
    .map(([id, { operation, fieldsV1 = {} }]) => {
      const current = is.get(id)?.fieldsV1;
      const hasApplied = operation === 'Apply' && !isDeepStrictEqual(then.get(id)?.fieldsV1, current);
      return hasApplied && current !== undefined ? (minus(fieldsV1, current) ?? {}) : {};
    })
    .reduce(union, {});
}

type Managers = ReadonlyMap<string, Managed>;

function byIdentity(object: KubeObject): Managers {
  return new Map(
    managedFields(object)
      .filter(({ manager }) => manager !== fieldManager)
      .map((each) => [[each.manager, each.operation, each.apiVersion, each.subresource].join('\n'), each]),
  );
}

const isOther = ({ manager, subresource }: Managed) => manager !== fieldManager && subresource === undefined;
const isMember = (set: FieldSet) => Object.keys(set).length === 0 || '.' in set;

/** All paths of both. */
export function union(one: FieldSet, other: FieldSet): FieldSet {
  const result: Record<string, FieldSet> = {};
  for (const step of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [a, b] = [one[step], other[step]];
    if (a === undefined || b === undefined) result[step] = (a ?? b)!;
    else {
      const both = union(a, b);
      // An empty node says that it is in the set; beside others that takes a ".".
      const needsDot = (isMember(a) || isMember(b)) && Object.keys(both).length > 0;
      result[step] = needsDot ? { '.': {}, ...both } : both;
    }
  }
  return result;
}

/** The paths of one that are not in the other; undefined when there are none. */
export function minus(one: FieldSet, other: FieldSet): FieldSet | undefined {
  const result: Record<string, FieldSet> = {};
  for (const [step, a] of Object.entries(one)) {
    if (step === '.') continue;
    const b = other[step];
    if (b === undefined) {
      result[step] = a;
      continue;
    }
    const below = minus(a, b);
    const keeps = isMember(a) && !isMember(b);
    if (below !== undefined) result[step] = keeps ? { '.': {}, ...below } : below;
    else if (keeps) result[step] = {};
  }
  return Object.keys(result).length === 0 ? undefined : result;
}
