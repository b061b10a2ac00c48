/**
 * metadata.managedFields: who has set which fields, as sets of paths in Kubernetes' format FieldsV1
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
 */
import { isDeepStrictEqual } from 'node:util';
import { fieldManager } from '../../kube/objects.ts';
import type { KubeObject } from '../target.ts';

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

/** What others are left with once this tool has taken from them what it has set in `now`. */
export function othersBeside(before: KubeObject, now: KubeObject): Managed[] {
  const ours = oursIn(now) ?? {};
  return managedFields(before).flatMap((each): Managed[] => {
    if (each.fieldsV1 === undefined) return [each];
    const fieldsV1 = minus(each.fieldsV1, ours);
    return fieldsV1 === undefined ? [] : [{ ...each, fieldsV1 }];
  });
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
