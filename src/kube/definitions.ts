/** The CustomResourceDefinitions of Istio and of the Gateway API. */
import { readFileSync } from 'node:fs';
import { timeouts } from '../base/timeouts.ts';
import { until } from '../base/wait.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';

/**
 * Creates the CustomResourceDefinitions of YAML files and waits until they are served. They go to the API server as they
 * are written: reading a megabyte of YAML here would take longer than all the rest.
 */
export async function createDefinitions(
  client: KubeClient,
  files: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const documents = files
    .flatMap((file) => readFileSync(file, 'utf8').split(/^---[ \t]*$/m))
    .filter((text) => /^kind: CustomResourceDefinition$/m.test(text));
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const { body } = await client.request(path, { signal });
  const there = new Set((body as { items: Definition[] }).items.map(({ metadata }) => metadata.name));
  const isThere = (text: string) => there.has(/^ {2}name: (\S+)$/m.exec(text)?.[1] ?? '');
  await Promise.all(
    documents.map(async (body) => {
      if (isThere(body)) return;
      try {
        await client.request(path, { method: 'POST', contentType: 'application/yaml', body, signal });
      } catch (thrown) {
        if (!(thrown instanceof KubeError && thrown.status === 409)) throw thrown;
      }
    }),
  );
  await until('the CustomResourceDefinitions being served', () => allServed(client, path, signal), {
    timeoutMs: timeouts.localStart,
    intervalMs: 25,
    signal,
    code: 'E_CLUSTER',
  });
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly group: string; readonly versions: readonly { name: string; served: boolean }[] };
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

/** Established says that the API server has the kind; discovery may learn of it a moment later. */
async function allServed(client: KubeClient, path: string, signal: AbortSignal): Promise<true | string> {
  const { body } = await client.request(path, { signal });
  const { items } = body as { items: Definition[] };
  const established = items.filter(({ status }) =>
    status?.conditions?.some(({ type, status: holds }) => type === 'Established' && holds === 'True'),
  );
  if (established.length < items.length) return `${established.length} of ${items.length} are established`;
  const versions = new Set(
    items.flatMap(({ spec: { group, versions: all } }) =>
      all.filter(({ served }) => served).map(({ name }) => `${group}/${name}`),
    ),
  );
  const missing = await Promise.all(
    [...versions].map(async (each) => ((await serves(client, each, signal)) ? [] : each)),
  );
  return missing.flat().length === 0 ? true : `not yet served: ${missing.flat().join(', ')}`;
}

async function serves(client: KubeClient, version: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client.request(`/apis/${version}`, { signal });
    return true;
  } catch (thrown) {
    if (thrown instanceof KubeError && [404, 503].includes(thrown.status)) return false;
    throw thrown;
  }
}
