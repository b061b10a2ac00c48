/**
 * Hosts of ServiceEntries as pods with a sidecar find them: Istio's DNS proxying, which the target kind turns on.
 * https://istio.io/latest/docs/ops/configuration/traffic-management/dns-proxy/
 */
import { isIP } from 'node:net';
import { specOf } from '../../../base/kube-object.ts';
import type { KubeObject } from '../../target.ts';

interface Spec {
  readonly hosts?: readonly string[];
  readonly addresses?: readonly string[];
  readonly exportTo?: readonly string[];
  readonly resolution?: string;
}

/** What a sidecar makes of a name. */
export type EntryHost =
  /** No ServiceEntry has it. */
  | 'unknown'
  /** Its requests go through the sidecar; whether there is an address is for other DNS servers to say. */
  | 'routed'
  /** The sidecar also answers for it. */
  | 'resolved';

/**
 * @param namespace of the pod
 * @param exported where a ServiceEntry without exportTo is visible: defaultServiceExportTo of the mesh settings
 */
export function entryHost(
  name: string,
  namespace: string,
  entries: readonly KubeObject[],
  exported: readonly string[],
): EntryHost {
  const host = name.toLowerCase().replace(/\.$/, '');
  let found: EntryHost = 'unknown';
  for (const entry of entries) {
    if (!isVisible(entry, namespace, exported)) continue;
    const { hosts = [], addresses = [] } = specOf(entry) as Spec;
    if (addresses.some((address) => address.replace(/\/32$/, '') === host)) return 'resolved';
    for (const each of hosts.filter((one) => covers(one.toLowerCase(), host))) {
      if (hasAddress(entry, each)) return 'resolved';
      found = 'routed';
    }
  }
  return found;
}

function isVisible(entry: KubeObject, namespace: string, exported: readonly string[]): boolean {
  const { exportTo = [] } = specOf(entry) as Spec;
  return (exportTo.length === 0 ? exported : exportTo).some(
    (each) => each === '*' || each === namespace || (each === '.' && entry.metadata.namespace === namespace),
  );
}

function covers(host: string, name: string): boolean {
  return host === name || (host.startsWith('*.') && name.endsWith(host.slice(1)));
}

/**
 * Whether there is an address to answer with: one of its own, or one that istiod chooses
 * (pilot/pkg/networking/serviceentry/ip_autoallocation.go and pilot/pkg/controllers/ipallocate).
 */
function hasAddress(entry: KubeObject, host: string): boolean {
  const { addresses = [], resolution = 'NONE' } = specOf(entry) as Spec;
  if (addresses.length > 0) return addresses.some((each) => isIP(each.replace(/\/32$/, '')) > 0);
  const wanted = entry.metadata.labels?.['networking.istio.io/enable-autoallocate-ip'];
  if (resolution === 'NONE' || wanted?.toLowerCase() === 'false') return false;
  return !host.startsWith('*') || resolution === 'DYNAMIC_DNS';
}
