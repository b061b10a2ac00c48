/** Installs Istio into the cluster with istioctl. */
import { readFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { HarnessError } from '../../base/errors.ts';
import { timeouts } from '../../base/timeouts.ts';
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

function requireFile(file: string): void {
  try {
    readFileSync(file);
  } catch {
    throw new HarnessError('E_SETTINGS', `the Istio overlay ${file} cannot be read`, {
      hint: 'Give the path of an IstioOperator file with --istio-overlay.',
    });
  }
}
