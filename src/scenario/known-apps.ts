/** The applications of kind/apps, as far as scenarios can depend on them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { productRoot } from '../base/files/product-files.ts';

/** The manifests of applications, `<name>.yaml` each. */
export const appsFolder = join(productRoot, 'kind', 'apps');

/** An object of Kubernetes by its name. */
export interface Named {
  readonly name: string;
  readonly namespace: string;
}

/** Pods by their labels, and the workload that makes them. */
export interface Workload extends Named {
  readonly labels: Readonly<Record<string, unknown>>;
}

/** What there is when some objects have been applied. */
export interface Contents {
  readonly workloads: readonly Workload[];
  readonly services: readonly Named[];
}

export interface KnownApp extends Contents {
  readonly app: string;
}

/** All applications. One that cannot be read has nothing in it: what is wrong with it, a run says. */
export function knownApps(): KnownApp[] {
  const files = readdirSync(appsFolder).filter((name) => name.endsWith('.yaml'));
  return files.toSorted().map((file) => {
    const documents = [...parseAllDocuments(readFileSync(join(appsFolder, file), 'utf8'))];
    const objects = documents.flatMap((document) =>
      document.errors.length > 0 ? [] : [document.toJS() as unknown],
    );
    return { app: file.slice(0, -'.yaml'.length), ...contentsOf(objects) };
  });
}

/** The workloads and Services among manifests. */
export function contentsOf(objects: readonly unknown[]): Contents {
  const workloads: Workload[] = [];
  const services: Named[] = [];
  for (const object of objects) {
    const kind = at(object, 'kind');
    const name = at(object, 'metadata', 'name');
    if (typeof name !== 'string') continue;
    const named = { name, namespace: namespaceOf(object) };
    const labels = at(object, 'spec', 'template', 'metadata', 'labels');
    if (kind === 'Service') services.push(named);
    else if (kind === 'Pod') workloads.push({ ...named, labels: mapOf(at(object, 'metadata', 'labels')) });
    else if (labels !== undefined) workloads.push({ ...named, labels: mapOf(labels) });
  }
  return { workloads, services };
}

export function namespaceOf(object: unknown): string {
  const namespace = at(object, 'metadata', 'namespace');
  return typeof namespace === 'string' ? namespace : 'default';
}

/** What is at the end of these keys, undefined when one of them is not there. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((inner, key) => {
    const map = mapOf(inner);
    return Object.hasOwn(map, key) ? map[key] : undefined;
  }, value);
}

/** A map, and one with nothing in it in place of anything else. */
export function mapOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
