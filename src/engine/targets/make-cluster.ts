/** Makes the target cluster out of settings: which kubeconfig and context, and what the user says of the mesh. */
import { HarnessError } from '../../base/errors.ts';
import type { FetchMode } from '../../base/events.ts';
import type { OwnKeyServer } from '../../jwks/own-key-server.ts';
import { KubeClient } from '../../kube/kube-client.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, imagesOf, keeping, text } from '../../settings/typed.ts';
import { type ClusterSettings, defaultGateway } from '../../target/cluster/cluster-settings.ts';
import { ClusterTarget } from '../../target/cluster/cluster-target.ts';
import type { Clients } from '../../target/kubernetes/client-for.ts';
import { kindFolder } from '../product.ts';
import type { TargetRequest } from './target-request.ts';

/** @throws HarnessError E_USAGE, or E_SETTINGS for a kubeconfig that cannot be used */
export async function makeCluster(
  request: Pick<TargetRequest, 'values' | 'versions' | 'runId' | 'progress'> & {
    readonly ownKeyServer?: OwnKeyServer | undefined;
  },
  reason: string,
): Promise<ClusterTarget> {
  const { values, versions, runId, progress, ownKeyServer } = request;
  const [file, context] = [text(values, 'kubeconfig'), text(values, 'context')];
  return new ClusterTarget(
    await connect(values),
    {
      reason,
      runId,
      ...keeping(values),
      yes: flag(values, 'yes'),
      live: flag(values, 'live'),
      kubectlFlags: [
        ...(file === undefined ? [] : ['--kubeconfig', file]),
        ...(context === undefined ? [] : ['--context', context]),
      ],
      ingress: ingressOf(values),
      gateway: gatewayOf(values),
      asm: text(values, 'asm'),
      istio: text(values, 'istio'),
      fetch: text(values, 'fetch-mode') as FetchMode | undefined,
      ownKeyServer,
      images: imagesOf(values, versions),
      folder: kindFolder,
    },
    progress,
  );
}

/** @throws HarnessError E_USAGE when no cluster is named; E_SETTINGS */
export async function connect(values: Values): Promise<Clients> {
  const [file, context] = [text(values, 'kubeconfig'), text(values, 'context')];
  const [meshFile, meshContext] = [text(values, 'mesh-kubeconfig'), text(values, 'mesh-context')];
  if (file === undefined && context === undefined) {
    // Whichever context happens to be the current one is no choice.
    throw new HarnessError('E_USAGE', '--target cluster needs to be told which cluster', {
      hint: 'Name it with --context NAME, with --kubeconfig FILE, or with both.',
    });
  }
  const { loadKubeConfig } = await import('../../kube/kube-config.ts');
  const data = new KubeClient(loadKubeConfig({ file, context }));
  if (meshFile === undefined && meshContext === undefined) return { data, mesh: data };
  const config = loadKubeConfig({ file: meshFile ?? file, context: meshContext });
  return { data, mesh: new KubeClient(config) };
}

/** The Service of the ingress gateway; Istio's own when nothing is said. */
export function gatewayOf(values: Values): ClusterSettings['gateway'] {
  const [namespace, name] = text(values, 'gateway')?.split('/') ?? [];
  if (namespace === undefined || name === undefined) return defaultGateway;
  return { namespace, name };
}

/** @throws HarnessError E_USAGE for what is no address */
function ingressOf(values: Values): string | undefined {
  const given = text(values, 'ingress');
  if (given === undefined) return undefined;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url !== undefined && ['http:', 'https:'].includes(url.protocol) && url.pathname === '/') {
    return url.origin;
  }
  throw new HarnessError(
    'E_USAGE',
    `--ingress must be such as http://192.0.2.1 or http://host:8080, not "${given}"`,
  );
}
