/**
 * Conditions on addresses. Workloads have loopback addresses here, and those of the pod network in a cluster: a range
 * holds alike for both only when it has all of these addresses, or none.
 */
import { BlockList, isIPv4 } from 'node:net';
import { HarnessError } from '../../errors.ts';
import { keyOf } from '../../kube/objects.ts';
import { nameOfKey } from '../../names.ts';
import type { KubeObject } from '../target.ts';

/** Where addresses of pods, nodes and local meshes come from: RFC 1918, RFC 6598, loopback and link-local. */
const inner: readonly (readonly [string, number])[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
];

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
  const range = rangesOf((object.spec ?? {}) as Spec).find(dividesInner);
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

const innerList = new BlockList();
for (const [start, bits] of inner) innerList.addSubnet(start, bits, 'ipv4');

/** Whether a range has some of the inner addresses and not others. What is no range is for the API server to refuse. */
function dividesInner(range: string): boolean {
  const [address = '', bits = '32'] = range.split('/');
  if (!isIPv4(address) || !(Number(bits) > 0 && Number(bits) <= 32)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), 'ipv4');
  return innerList.check(address) || inner.some(([start]) => list.check(start));
}
