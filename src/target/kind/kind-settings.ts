/** What the target kind is to be; the command line makes it from flags, variables and files. */
export interface KindSettings {
  readonly name: string;
  readonly reason: string;
  readonly runId: string;
  /** Leave the cluster as it is when the run ends. */
  readonly keep: boolean;
  /** Use a cluster of this name that is there already. */
  readonly reuse: boolean;
  readonly programs: {
    readonly docker: string;
    readonly kind: string;
    /** Looked for only when Istio is to be installed. */
    readonly istioctl: () => Promise<string>;
  };
  /** The command that deletes clusters, as `jwt-e2e down`, without its flags. */
  readonly down: readonly string[];
  readonly hub: string;
  readonly tag: string;
  readonly nodeImage: string;
  readonly overlays: readonly string[];
  /** YAML file with the CustomResourceDefinitions of the Gateway API; undefined: none are installed. */
  readonly gatewayApiCrds: string | undefined;
  readonly images: Readonly<Record<string, string>>;
  /** The folder kind/ of the product. */
  readonly folder: string;
  /** Applications whose images are loaded and that are started while the cluster is set up. */
  readonly apps: readonly string[];
}
