/** Installs Istio into the cluster with istioctl. */
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { HarnessError } from '../../base/errors.ts';
import { timeouts } from '../../base/timeouts.ts';
import { until } from '../../base/wait.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { getObject } from '../../kube/objects.ts';
import { runTool } from '../../programs/tools.ts';
import type { Guardian } from '../local/processes/guardian.ts';
import type { KindCluster } from './kind-cluster.ts';

export interface IstioInstall {
  readonly istioctl: string;
  readonly hub: string;
  readonly tag: string;
  /** The product's own IstioOperator file. */
  readonly settingsFile: string;
  /** IstioOperator files of the user, applied after it. */
  readonly overlays: readonly string[];
  /** PEM certificates that istiod trusts when it fetches jwksUri. */
  readonly extraRootCa: string;
  readonly guardian: Guardian | undefined;
}

/** @throws HarnessError E_ISTIO with what istioctl wrote. */
export async function installIstio(
  cluster: KindCluster,
  install: IstioInstall,
  signal: AbortSignal,
): Promise<void> {
  const own = cluster.write(
    'istio-run.yaml',
    stringify({
      apiVersion: 'install.istio.io/v1alpha1',
      kind: 'IstioOperator',
      spec: {
        hub: install.hub,
        tag: install.tag,
        values: { pilot: { jwksResolverExtraRootCA: install.extraRootCa } },
      },
    }),
  );
  for (const file of install.overlays) requireFile(file);
  const files = [install.settingsFile, own, ...install.overlays].flatMap((file) => ['-f', file]);
  await runTool(
    install.istioctl,
    ['install', '--skip-confirmation', '--kubeconfig', cluster.kubeconfig, ...files],
    {
      signal,
      timeoutMs: timeouts.installIstio,
      guardian: install.guardian,
      code: 'E_ISTIO',
      hint: `Check that ${install.hub}/pilot:${install.tag} and ${install.hub}/proxyv2:${install.tag} can be pulled, or are in the local engine (--hub, --tag).`,
    },
  );
}

/**
 * Waits until pods that start from now on get their proxy: istiod is ready, and has put its certificate authority into the webhook
 * for injection (pkg/webhooks/webhookpatch.go).
 *
 * @param isInstalled whether there is no need to look any more, as where an overlay gives the webhook another name
 */
export async function waitForInjection(
  client: KubeClient,
  namespace: string,
  isInstalled: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  const read = (key: Parameters<typeof getObject>[1]) =>
    getObject(client, key, signal).catch(() => undefined);
  await until(
    'istiod injecting proxies',
    async () => {
      if (isInstalled()) return true;
      const istiod = await read({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'istiod' });
      const { availableReplicas = 0 } = (istiod?.status ?? {}) as { availableReplicas?: number };
      if (availableReplicas === 0) return 'istiod is not ready';
      const injector = await read({
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        name: 'istio-sidecar-injector',
      });
      const { webhooks = [] } = (injector ?? {}) as { webhooks?: { clientConfig?: { caBundle?: string } }[] };
      const isSigned = webhooks.length > 0 && webhooks.every(({ clientConfig }) => clientConfig?.caBundle);
      return isSigned || 'its webhook has no certificate authority yet';
    },
    { timeoutMs: timeouts.installIstio, intervalMs: 100, signal, code: 'E_NOT_READY' },
  );
}

function requireFile(file: string): void {
  try {
    readFileSync(file);
  } catch {
    throw new HarnessError('E_SETTINGS', `the Istio overlay ${file} cannot be read`, {
      hint: 'Give the path of an IstioOperator file with --istio-overlay.',
    });
  }
}
