/** What a Deployment asks for, as far as the target local gives it: labels, containers, mounts. */

import { createHash } from 'node:crypto';
import { isMap } from '../../../base/kube-object.ts';
import type { KubeObject } from '../../target.ts';

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly ports: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly mounts: readonly MountSpec[];
}

/** A volume at a path; only ConfigMaps and Secrets have content here. */
export interface MountSpec {
  readonly path: string;
  readonly source?: {
    readonly kind: 'ConfigMap' | 'Secret';
    readonly name: string;
    readonly optional: boolean;
  };
}

export interface PodSpec {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly containers: readonly ContainerSpec[];
  /** What annotations mount into the sidecar (sidecar.istio.io/userVolume and userVolumeMount). */
  readonly proxyMounts: readonly MountSpec[];
  /** Changes whenever pods must be replaced. */
  readonly hash: string;
}

interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string; readonly optional?: boolean };
  readonly secret?: { readonly secretName: string; readonly optional?: boolean };
}
interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
}
interface Template {
  readonly metadata?: {
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly volumes?: readonly Volume[];
    readonly containers: readonly {
      readonly name: string;
      readonly image?: string;
      readonly ports?: ContainerSpec['ports'];
      readonly volumeMounts?: readonly VolumeMount[];
    }[];
  };
}

/** The pods of a Deployment. */
export function podSpecOf(deployment: KubeObject): PodSpec {
  const { template } = deployment.spec as { template: Template };
  const { labels = {}, annotations = {} } = template.metadata ?? {};
  const volumes = template.spec.volumes ?? [];
  const userVolumes = listOf<Volume>(annotations['sidecar.istio.io/userVolume']);
  const userMounts = listOf<VolumeMount>(annotations['sidecar.istio.io/userVolumeMount']).filter(isMount);
  return {
    labels,
    annotations,
    serviceAccount: template.spec.serviceAccountName ?? 'default',
    containers: template.spec.containers.map(({ name, image = '', ports = [], volumeMounts = [] }) => ({
      name,
      image,
      ports,
      mounts: volumeMounts.map((mount) => mountOf(mount, volumes)),
    })),
    proxyMounts: userMounts.map((mount) => mountOf(mount, userVolumes)),
    hash: createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 10),
  };
}

function isMount(mount: Partial<VolumeMount>): mount is VolumeMount {
  return typeof mount.mountPath === 'string' && mount.name !== undefined;
}

function mountOf(mount: VolumeMount, volumes: readonly Partial<Volume>[]): MountSpec {
  const volume = volumes.find(({ name }) => name === mount.name);
  const path = mount.mountPath.replace(/\/+$/, '');
  if (volume?.configMap !== undefined) {
    const { name, optional = false } = volume.configMap;
    return { path, source: { kind: 'ConfigMap', name, optional } };
  }
  if (volume?.secret !== undefined) {
    const { secretName, optional = false } = volume.secret;
    return { path, source: { kind: 'Secret', name: secretName, optional } };
  }
  return { path };
}

/** The value of an annotation of the injector: a JSON list, or a JSON map by name. What is neither says nothing. */
function listOf<T extends { name: string }>(text: string | undefined): Partial<T>[] {
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value.filter(isMap) as Partial<T>[];
    if (!isMap(value)) return [];
    return Object.entries(value).flatMap(([name, rest]) =>
      isMap(rest) ? [{ ...rest, name } as Partial<T>] : [],
    );
  } catch {
    return [];
  }
}

/** The content of a ConfigMap or Secret by file name. */
export function filesOf(object: KubeObject): Map<string, string> {
  const decode = (value: string) => Buffer.from(value, 'base64').toString('utf8');
  const { data = {}, binaryData = {} } = object as {
    data?: Record<string, string>;
    binaryData?: Record<string, string>;
  };
  const isSecret = object.kind === 'Secret';
  return new Map([
    ...Object.entries(data).map(([name, value]): [string, string] => [
      name,
      isSecret ? decode(value) : value,
    ]),
    ...Object.entries(binaryData).map(([name, value]): [string, string] => [name, decode(value)]),
  ]);
}
