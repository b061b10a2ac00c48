/**
 * Conditions on addresses. Workloads have loopback addresses here, and those of the pod network in a cluster: a range
 * holds alike for both only when it has all of these addresses, or none.
 */
import { HarnessError } from '../../../base/errors.ts';
import { specOf } from '../../../base/kube-object.ts';
import { nameOfKey } from '../../../base/names.ts';
import { keyOf } from '../../../kube/objects.ts';
import { hasPrivate } from '../../../policy/match/ip-blocks.ts';
import type { KubeObject } from '../../target.ts';

const blocks = ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const;
const keys = ['source.ip', 'remote.ip', 'destination.ip'];

interface Spec {
  readonly rules?: readonly {
    readonly from?: readonly { readonly source?: Partial<Record<(typeof blocks)[number], string[]>> }[];
    readonly when?: readonly {
      readonly key?: string;
      readonly values?: string[];
      readonly notValues?: string[];
    }[];
  }[];
}

/** @throws HarnessError E_UNPROVEN for an AuthorizationPolicy with a range that answers otherwise than in a cluster */
export function refuseAddresses(object: KubeObject): void {
  if (object.kind !== 'AuthorizationPolicy' || !object.apiVersion.startsWith('security.istio.io/')) return;
  const range = rangesOf(specOf(object) as Spec).find((each) => hasPrivate(each) === undefined);
  if (range === undefined) return;
  throw new HarnessError(
    'E_UNPROVEN',
    `${nameOfKey(keyOf(object))} has a condition on the addresses ${range}, and workloads of the target local have others than those of a cluster`,
    {
      hint: 'Use --target kind. Ranges with no private address, such as 203.0.113.0/24, and with all addresses, such as 0.0.0.0/0, can be had here.',
    },
  );
}

function rangesOf({ rules = [] }: Spec): string[] {
  return rules.flatMap(({ from = [], when = [] }) => [
    ...from.flatMap(({ source = {} }) => blocks.flatMap((name) => source[name] ?? [])),
    ...when
      .filter(({ key = '' }) => keys.includes(key))
      .flatMap(({ values = [], notValues = [] }) => [...values, ...notValues]),
  ]);
}
