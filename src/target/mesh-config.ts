/** Mesh settings (istio.mesh.v1alpha1.MeshConfig): what a ConfigMap says, and whether istiod shows that it has taken it. */

import { isDeepStrictEqual } from 'node:util';
import { groupBy } from '../base/group.ts';
import { isTakenAtStart } from '../base/istiod-input.ts';
import { isMap } from '../base/kube-object.ts';
import type { MeshConfig } from '../policy/read-mesh-config.ts';
import type { ObjectKey } from './target.ts';

/** Whether an object may hold mesh settings: istiod reads a ConfigMap of its own namespace only. */
export function mayHoldMeshConfig(key: ObjectKey, rootNamespace: string): boolean {
  return key.kind === 'ConfigMap' && key.namespace === rootNamespace;
}

interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
  /** It is an element of the list at the path. */
  readonly element: boolean;
}

/** Every single setting with its path, such as `pathNormalization.normalization`. */
export function leavesOf(config: MeshConfig, path: readonly string[] = []): Leaf[] {
  return Object.entries(config).flatMap(([name, value]): Leaf[] => {
    const at = [...path, camelCase(name)];
    if (Array.isArray(value)) return value.map((each) => ({ path: at, value: each, element: true }));
    if (isMap(value)) return leavesOf(value, at);
    return [{ path: at, value, element: false }];
  });
}

/**
 * What an istiod does not show yet, or still shows: nothing once it has taken `declared`. A ConfigMap is taken as a whole,
 * so what makes no difference in what istiod shows needs none.
 *
 * @param shown what its debug interface answers for /debug/mesh
 * @param before what was declared before
 */
export function notTaken(shown: MeshConfig, declared: MeshConfig, before: MeshConfig): string[] {
  const wanted = leavesOf(declared);
  // What has another value now is looked for with that one.
  const byPath = groupBy(wanted, ({ path }) => path.join('\0'));
  const gone = leavesOf(before).filter((leaf) => {
    const there = byPath.get(leaf.path.join('\0')) ?? [];
    return !there.some((each) => !leaf.element || isDeepStrictEqual(each, leaf));
  });
  return [
    ...wanted.filter((leaf) => !shows(shown, leaf)).map((leaf) => `it does not have ${textOf(leaf)}`),
    ...gone
      .filter((leaf) => shows(shown, leaf, moreThan(leaf, wanted)) && !isZero(leaf) && !isDefault(leaf))
      .map((leaf) => `it still has ${textOf(leaf)}`),
  ];
}

/** Paths of changed settings that hold only for proxies, or an istiod, that start after the change. */
export function changedForLater(declared: MeshConfig, before: MeshConfig): string[] {
  const [now, then] = [declared, before].map((config) =>
    leavesOf(config).filter(({ path: [first = ''] }) => isTakenAtStart(first)),
  ) as [Leaf[], Leaf[]];
  const isIn = (leaves: readonly Leaf[], leaf: Leaf) => leaves.some((each) => isDeepStrictEqual(each, leaf));
  const changed = [
    ...now.filter((leaf) => !isIn(then, leaf)),
    ...then.filter((leaf) => !isIn(now, leaf) && !isDefault(leaf)),
  ];
  const paths = changed.map(({ path }) => path.join('.'));
  return [...new Set(paths)];
}

/**
 * Whether istiod itself has to start anew for these settings. It checks the certificates of proxies by the trust domain that it has
 * started with (createPeerCertVerifier in pilot/pkg/bootstrap/server.go), and the identities that it has noted for endpoints are of
 * that one too; what is in `defaultConfig` it hands to proxies that start.
 *
 * @param changed paths as {@link changedForLater} says them
 */
export function needsIstiod(changed: readonly string[]): boolean {
  return changed.some((path) => !path.startsWith('defaultConfig.'));
}

/** Istio's own (pkg/config/mesh/mesh.go, DefaultMeshConfig): they stay in force when they are no longer declared. */
const defaults: readonly Leaf[] = leavesOf({
  connectTimeout: '10s',
  defaultConfig: { discoveryAddress: 'istiod.istio-system.svc:15012' },
  defaultDestinationRuleExportTo: ['*'],
  defaultServiceExportTo: ['*'],
  defaultVirtualServiceExportTo: ['*'],
  dnsRefreshRate: '60s',
  enableAutoMtls: true,
  enablePrometheusMerge: true,
  enableTracing: true,
  ingressClass: 'istio',
  ingressControllerMode: 'STRICT',
  ingressService: 'istio-ingressgateway',
  localityLbSetting: { enabled: true },
  outboundTrafficPolicy: { mode: 'ALLOW_ANY' },
  proxyInboundListenPort: 15_006,
  proxyListenPort: 15_001,
  rootNamespace: 'istio-system',
  trustDomain: 'cluster.local',
});

/** Enumerators with number 0, which JSON of protocol buffers leaves out, by the name of the field. */
const zeros: ReadonlyMap<string, readonly string[]> = new Map([
  ['accessLogEncoding', ['TEXT']],
  ['h2UpgradePolicy', ['DO_NOT_UPGRADE']],
  ['ingressControllerMode', ['UNSPECIFIED']],
  ['minProtocolVersion', ['TLS_AUTO']],
  // Of outboundTrafficPolicy and inboundTrafficPolicy.
  ['mode', ['REGISTRY_ONLY', 'PASSTHROUGH']],
  ['normalization', ['DEFAULT']],
]);

/** Elements that are declared in place of this one and have all that it has: what shows them shows this one, too. */
function moreThan(leaf: Leaf, wanted: readonly Leaf[]): unknown[] {
  const there = wanted.filter(({ element, path }) => element && isDeepStrictEqual(path, leaf.path));
  return there.map(({ value }) => value).filter((value) => matches(value, leaf.value));
}

/** @param others elements that are not meant, if they are shown */
function shows(shown: MeshConfig, leaf: Leaf, others: readonly unknown[] = []): boolean {
  let there: unknown = shown;
  for (const name of leaf.path) there = isMap(there) ? there[name] : undefined;
  if (leaf.element) {
    const all = Array.isArray(there) ? there : [];
    return all.some((each) => matches(each, leaf.value) && !others.some((other) => matches(each, other)));
  }
  return there === undefined ? isZero(leaf) : matches(there, leaf.value);
}

/** Whether a value is the declared one, written as protocol buffers write it. */
function matches(there: unknown, declared: unknown): boolean {
  if (isMap(declared)) {
    return (
      isMap(there) && Object.entries(declared).every(([name, each]) => matches(there[camelCase(name)], each))
    );
  }
  if (Array.isArray(declared)) {
    return Array.isArray(there) && declared.every((each, index) => matches(there[index], each));
  }
  const [one, other] = [String(there), String(declared)];
  if (one === other) return true;
  const seconds = secondsOf(other);
  return seconds !== undefined && secondsOf(one) === seconds;
}

function isZero({ path, value }: Leaf): boolean {
  if ([undefined, null, false, 0, ''].includes(value as null) || secondsOf(String(value)) === 0) return true;
  return zeros.get(path.at(-1) ?? '')?.includes(String(value)) ?? false;
}

function isDefault(leaf: Leaf): boolean {
  return defaults.some((each) => isDeepStrictEqual(each.path, leaf.path) && matches(each.value, leaf.value));
}

/** A duration as Go writes it, such as 1m30s or 0.5s. */
function secondsOf(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0), 0);
}

/** Fields may be written as in .proto files. Keys of maps, such as names of variables, have no such form. */
function camelCase(name: string): string {
  if (!/^[a-z0-9]+(_[a-z0-9]+)+$/.test(name)) return name;
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function textOf({ path, value }: Leaf): string {
  return `${path.join('.')}: ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
