/** What is known of a mesh that somebody else has installed. */
import { HarnessError } from '../../base/errors.ts';
import type { FetchMode } from '../../base/events.ts';
import type { Clients } from '../kubernetes/client-for.ts';
import { inspectIstiod } from '../kubernetes/settings/istiod-settings.ts';
import { serves } from '../kubernetes/undo/sweep.ts';

export interface IstioFacts {
  readonly version: string;
  readonly versionFrom: string;
  readonly fetch: FetchMode;
  readonly fetchFrom: string;
}

/** What the user says about the mesh. */
export interface Told {
  readonly istio?: string | undefined;
  readonly fetch?: FetchMode | undefined;
}

/**
 * The version of Istio, from istiod's image, else from a proxy, else as the user says; and who fetches keys, from
 * istiod's Deployment, else as the user says, else as Istio does when nothing is set.
 *
 * @param proxy Istio's version as the gateway reports it
 * @throws HarnessError E_ISTIO when there is no Istio, or its version cannot be found out
 */
export async function findIstio(
  clients: Clients,
  namespace: string,
  proxy: string | undefined,
  told: Told,
  signal: AbortSignal,
): Promise<IstioFacts> {
  await checkPolicies(clients, signal);
  const istiod = await inspectIstiod(clients, namespace, signal);
  const tag = istiod === undefined ? undefined : versionOfImage(istiod.image);
  const version = tag ?? proxy ?? told.istio;
  if (version === undefined) {
    throw new HarnessError('E_ISTIO', "Istio's version cannot be found out", {
      hint: `Neither istiod nor a gateway can be read in ${namespace}. Say it with --istio VERSION.`,
    });
  }
  return {
    version,
    versionFrom: tag !== undefined ? 'image of istiod' : proxy !== undefined ? 'gateway' : '--istio',
    ...fetchMode(istiod?.fetch, told.fetch),
  };
}

function fetchMode(
  istiod: FetchMode | undefined,
  told: FetchMode | undefined,
): Pick<IstioFacts, 'fetch' | 'fetchFrom'> {
  if (istiod !== undefined) return { fetch: istiod, fetchFrom: 'Deployment of istiod' };
  if (told !== undefined) return { fetch: told, fetchFrom: '--fetch-mode' };
  return { fetch: 'istiod', fetchFrom: "assumed: Istio's default, because istiod cannot be read" };
}

/** The tag of an image, when it starts with a version: `1.30.2` of `docker.io/istio/pilot:1.30.2-distroless@sha256:…`. */
export function versionOfImage(image: string): string | undefined {
  const tag = image.split('@')[0]?.match(/:([^:/]+)$/)?.[1];
  return tag !== undefined && /^v?\d+\.\d+/.test(tag) ? tag.replace(/^v/, '') : undefined;
}

/** @throws HarnessError E_ISTIO when there is no RequestAuthentication in the API */
export async function checkPolicies(clients: Clients, signal: AbortSignal): Promise<void> {
  for (const version of ['v1', 'v1beta1']) {
    if (await serves(clients.mesh, `security.istio.io/${version}`, 'RequestAuthentication', signal)) return;
  }
  throw new HarnessError(
    'E_ISTIO',
    `there is no Istio: context ${clients.mesh.name} has no RequestAuthentication`,
    {
      hint: "Install Istio first. With a managed mesh, name the mesh's own API server with --mesh-context or --mesh-kubeconfig.",
    },
  );
}
