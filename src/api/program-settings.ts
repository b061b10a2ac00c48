/** The settings of a run as a program gives them: those of the command line, by the same names. */

/** One text, or several. */
type Texts = string | readonly string[];

/** Settings by the names of the flags of `jwt-e2e run`, without the dashes; `jwt-e2e run --help` says what each is for. */
export interface Settings {
  readonly target?: 'auto' | 'kind' | 'cluster' | 'local' | undefined;
  readonly name?: string | undefined;
  /** With the target local several, each in a mesh of its own. */
  readonly istio?: Texts | undefined;
  readonly 'istio-tag'?: string | undefined;
  readonly hub?: string | undefined;
  readonly 'node-image'?: string | undefined;
  readonly 'istio-overlay'?: Texts | undefined;
  readonly 'istiod-env'?: Texts | undefined;
  readonly 'gateway-api-crds'?: string | undefined;
  readonly image?: Texts | undefined;
  readonly docker?: string | undefined;
  readonly kind?: string | undefined;
  readonly istioctl?: string | undefined;
  /** A folder, or `VERSION=FOLDER` for each version of Istio. */
  readonly programs?: Texts | undefined;
  readonly envoy?: Texts | undefined;
  readonly downloads?: string | undefined;
  readonly 'no-download'?: boolean | undefined;
  readonly 'no-build'?: boolean | undefined;
  readonly context?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly 'mesh-context'?: string | undefined;
  readonly 'mesh-kubeconfig'?: string | undefined;
  readonly ingress?: string | undefined;
  readonly gateway?: string | undefined;
  readonly asm?: string | undefined;
  readonly 'fetch-mode'?: 'istiod' | 'envoy' | 'hybrid' | undefined;
  readonly 'external-jwks'?: string | undefined;
  /** File with the private key. */
  readonly 'external-jwks-key'?: string | undefined;
  readonly live?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly profile?: 'documented' | 'extended' | 'cve' | 'asm' | 'all' | undefined;
  readonly grep?: string | undefined;
  readonly tag?: Texts | undefined;
  readonly 'skip-tag'?: Texts | undefined;
  readonly shard?: string | undefined;
  readonly keep?: boolean | undefined;
  readonly reuse?: boolean | undefined;
  readonly 'fail-fast'?: boolean | undefined;
  readonly jobs?: number | undefined;
  readonly consecutive?: number | undefined;
  /** In seconds. */
  readonly 'answer-timeout'?: number | undefined;
  /** In seconds. */
  readonly 'hold-timeout'?: number | undefined;
  readonly repeat?: number | undefined;
  readonly baseline?: string | undefined;
  readonly mutate?: boolean | undefined;
  readonly confirm?: number | undefined;
  readonly 'allow-commands'?: boolean | undefined;
  readonly env?: Texts | undefined;
  readonly 'show-tokens'?: boolean | undefined;
  readonly artifacts?: string | undefined;
}
