/** What the target cluster is told; the command line makes it from flags, variables and files. */
import type { FetchMode } from '../../base/events.ts';
import type { OwnKeyServer } from '../../jwks/own-key-server.ts';

export interface ClusterSettings {
  readonly reason: string;
  readonly runId: string;
  /** Leave namespaces and applications as they are when the run ends. */
  readonly keep: boolean;
  /** Use namespaces that an earlier run has kept. */
  readonly reuse: boolean;
  /** Also touch what is not this tool's own. */
  readonly yes: boolean;
  /** Only look: apply and delete nothing. */
  readonly live?: boolean | undefined;
  /** The connection to the cluster with the workloads, as kubectl takes it. */
  readonly kubectlFlags: readonly string[];
  readonly ingress?: string | undefined;
  /** The Service of the ingress gateway, whose selector says which pods it is. */
  readonly gateway: { readonly namespace: string; readonly name: string };
  readonly asm?: string | undefined;
  /** What the user says of the mesh, where it cannot be read. */
  readonly istio?: string | undefined;
  readonly fetch?: FetchMode | undefined;
  /** A key server of the user's own. */
  readonly ownKeyServer?: OwnKeyServer | undefined;
  readonly images: Readonly<Record<string, string>>;
  /** The folder kind/ of the product, with the applications. */
  readonly folder: string;
}

/** As Istio installs it. */
export const defaultGateway: ClusterSettings['gateway'] = {
  namespace: 'istio-system',
  name: 'istio-ingressgateway',
};
