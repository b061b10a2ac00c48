/** Mesh settings (istio.mesh.v1alpha1.MeshConfig) as a ConfigMap says them, and what policies depend on in them. */
import { parseDocument } from 'yaml';
import { HarnessError } from '../base/errors.ts';
import { excessOf, expandedExcess } from '../base/files/yaml-bounds.ts';
import { isMap } from '../base/kube-object.ts';
import { nameOfKey } from '../base/names.ts';
import type { KubeObject } from '../target/target.ts';
import { defaultMesh, type Mesh, type PathNormalization } from './input.ts';

export type MeshConfig = Readonly<Record<string, unknown>>;

/** The name of the ConfigMap that an istiod of this revision reads (pilot/pkg/bootstrap/mesh.go, getMeshConfigMapName). */
export function meshConfigName(revision: string | undefined): string {
  return revision === undefined || ['', 'default'].includes(revision) ? 'istio' : `istio-${revision}`;
}

/** What the ConfigMap says; none means Istio's defaults. @throws HarnessError E_UNPROVEN when istiod could not read it */
export function meshConfigOf(object: KubeObject | undefined): MeshConfig {
  const text = (object?.data as { mesh?: unknown } | undefined)?.mesh;
  if (object === undefined || text === undefined) return {};
  const fail = (why: string, cause?: unknown) =>
    new HarnessError(
      'E_UNPROVEN',
      `${nameOfKey({ ...object.metadata, kind: object.kind })} has mesh settings that istiod cannot read: ${why}`,
      { hint: 'istiod keeps the settings that it had. Write YAML under "mesh".', cause },
    );
  try {
    const config = read(String(text));
    if (config === null) return {};
    if (isMap(config)) return config;
  } catch (thrown) {
    throw fail((thrown as Error).message.split('\n')[0] ?? '', thrown);
  }
  throw fail('they are no map');
}

/** The mesh's own. */
export function trustDomainOf({ trustDomain }: MeshConfig): string {
  return typeof trustDomain === 'string' ? trustDomain : String(defaultMesh.trustDomains[0]);
}

/** What istiod has taken of it: nothing when it could not read it. */
export function lastMeshConfigOf(object: KubeObject | undefined): MeshConfig {
  try {
    return meshConfigOf(object);
  } catch {
    return {};
  }
}

/** What was read last: of one mesh everybody asks for the same, thousands of times. */
let last: { readonly text: string; readonly config: unknown } | undefined;

/** @throws Error for what is no YAML, too large, or within itself by an alias */
function read(text: string): unknown {
  if (last?.text !== text) last = { text, config: parsed(text) };
  return last.config;
}

function parsed(text: string): unknown {
  const excess = excessOf(text);
  if (excess !== undefined) throw new Error(excess.message);
  const document = parseDocument(text, { logLevel: 'error' });
  const [broken] = document.errors;
  if (broken !== undefined) throw broken;
  const expanded = expandedExcess(document);
  if (expanded !== undefined) throw new Error(expanded.message);
  return document.toJS({ maxAliasCount: -1 });
}

/** The ConfigMap with these settings, as a mesh has it: what people ask for and nothing else. */
export function meshConfigMap(config: MeshConfig): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: meshConfigName(undefined), namespace: defaultMesh.rootNamespace },
    data: { mesh: JSON.stringify(config) },
  };
}

const modes: readonly unknown[] = [
  'NONE',
  'BASE',
  'MERGE_SLASHES',
  'DECODE_AND_MERGE_SLASHES',
] satisfies PathNormalization[];

/**
 * The mesh in which these objects are: of several ConfigMaps for istiod the last counts, and what none says is as in a stock mesh.
 * Settings that cannot be read are those of a stock mesh, too: istiod does not take them.
 */
export function meshWith(objects: readonly KubeObject[], rootNamespace: string): Mesh {
  const object = objects.findLast(
    ({ kind, metadata }) =>
      kind === 'ConfigMap' &&
      metadata.namespace === rootNamespace &&
      metadata.name === meshConfigName(undefined),
  );
  const config = lastMeshConfigOf(object);
  const { pathNormalization, trustDomainAliases } = config;
  const { normalization } = isMap(pathNormalization) ? pathNormalization : {};
  const aliases = Array.isArray(trustDomainAliases) ? trustDomainAliases.map(String) : [];
  return {
    ...defaultMesh,
    rootNamespace,
    trustDomains: [trustDomainOf(config), ...aliases],
    pathNormalization: modes.includes(normalization)
      ? (normalization as PathNormalization)
      : defaultMesh.pathNormalization,
  };
}
