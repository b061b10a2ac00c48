/**
 * The mesh settings of a local mesh: what it cannot do without, over what a ConfigMap says. What it cannot follow is
 * refused, so that nothing is tested without it.
 */
import { HarnessError } from '../../../base/errors.ts';
import { isMap } from '../../../base/kube-object.ts';
import { nameOfKey } from '../../../base/names.ts';
import { keyOf } from '../../../kube/objects.ts';
import { type MeshConfig, meshConfigName, meshConfigOf } from '../../../policy/read-mesh-config.ts';
import { leavesOf, mayHoldMeshConfig } from '../../mesh-config.ts';
import type { KubeObject, ObjectKey } from '../../target.ts';

/** The settings that every local mesh has. */
export function ownMeshConfig(discoveryAddress: string): MeshConfig {
  return {
    // Evidence needs access logs.
    accessLogFile: '/dev/stdout',
    // Only Istio's own build of Envoy has the filters for these.
    enablePrometheusMerge: false,
    defaultProviders: {},
    defaultConfig: { discoveryAddress },
  };
}

interface Fixed {
  /** The values that it has anyway. */
  readonly has: readonly unknown[];
  readonly why: string;
}

const atStart = 'istiod takes it when it starts';
const proxiesAtStart = 'proxies take it when they start';
const certificates = 'certificates come from this tool';
const redirected = 'nothing is redirected to proxies here';

/** What a local mesh cannot follow, by its path or the beginning of that. */
const fixed: Readonly<Record<string, Fixed>> = {
  ca: { has: [], why: certificates },
  caCertificates: { has: [], why: certificates },
  certificates: { has: [], why: certificates },
  configSources: { has: [], why: atStart },
  // The address is that of the mesh, whatever is said.
  'defaultConfig.discoveryAddress': { has: ['istiod.istio-system.svc:15012'], why: proxiesAtStart },
  // As the target kind is installed: names are looked up in the same way here.
  'defaultConfig.proxyMetadata.ISTIO_META_DNS_CAPTURE': { has: ['true'], why: proxiesAtStart },
  defaultConfig: { has: [], why: proxiesAtStart },
  'inboundTrafficPolicy.mode': { has: ['PASSTHROUGH'], why: redirected },
  'outboundTrafficPolicy.mode': {
    has: ['ALLOW_ANY'],
    why: 'what the mesh does not know passes the sidecar by here',
  },
  proxyHttpPort: { has: [0], why: redirected },
  proxyInboundListenPort: { has: [15_006], why: redirected },
  proxyListenPort: { has: [15_001], why: redirected },
  rootNamespace: { has: ['istio-system'], why: atStart },
  trustDomain: { has: ['cluster.local'], why: certificates },
};

/** Whether it is the ConfigMap that istiod takes its settings from: a local mesh has no revisions. */
export function isMeshConfig(key: ObjectKey): boolean {
  return mayHoldMeshConfig(key, 'istio-system') && key.name === meshConfigName(undefined);
}

/** @throws HarnessError E_UNPROVEN that names each setting which a local mesh cannot follow, with the reason */
export function refuseWhatIsFixed(object: KubeObject): void {
  const declared = meshConfigOf(object);
  const { meshNetworks: networks } = (object.data ?? {}) as { meshNetworks?: unknown };
  const refused = leavesOf(declared).flatMap(({ path, value }) => {
    const at = path.join('.');
    const key = Object.keys(fixed).find((each) => at === each || at.startsWith(`${each}.`));
    const { has = [value], why = '' } = key === undefined ? {} : (fixed[key] as Fixed);
    return has.includes(value) ? [] : [`${at} (${why})`];
  });
  if (networks !== undefined && !/^\s*(networks:\s*(\{\s*\})?\s*)?$/.test(String(networks)))
    refused.push('meshNetworks (a local mesh is one network)');
  if (refused.length === 0) return;
  throw new HarnessError(
    'E_UNPROVEN',
    `${nameOfKey(keyOf(object))} has mesh settings that a local mesh cannot follow: ${[...new Set(refused)].join(', ')}`,
    { hint: 'Leave them out for the target local, or use --target kind.' },
  );
}

/** What istiod is to have, and the paths of the settings that are not as the ConfigMap says. */
export function mergedMeshConfig(
  declared: MeshConfig,
  own: MeshConfig,
): { readonly config: MeshConfig; readonly kept: readonly string[] } {
  const kept = ['accessLogFile', 'enablePrometheusMerge', 'defaultProviders'].filter(
    (name) => declared[name] !== undefined && JSON.stringify(declared[name]) !== JSON.stringify(own[name]),
  );
  const [asked, needed] = [declared.defaultConfig, own.defaultConfig];
  const defaultConfig = isMap(asked) && isMap(needed) ? { ...asked, ...needed } : needed;
  return { config: { ...declared, ...own, defaultConfig }, kept };
}
