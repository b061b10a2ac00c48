/** The environment of istiod: what a local mesh needs, and variables that somebody wants to try. */
import { HarnessError } from '../../../base/errors.ts';
import type { FetchMode } from '../../../base/events.ts';
import { fetchVariable, isFixedVariable } from '../../../base/istiod-input.ts';
import { goMemory } from '../processes/memory.ts';

/** Variables by name. */
export type IstiodEnv = Readonly<Record<string, string>>;

/** Of this mesh. */
export interface Needed {
  readonly namespace: string;
  readonly mode: FetchMode;
  readonly rootsFile: string;
  readonly folder: string;
  readonly proxyUrl: string;
}

/** Without these a local mesh does not work. */
function neededEnv({ namespace, mode, rootsFile, folder, proxyUrl }: Needed): IstiodEnv {
  return {
    POD_NAMESPACE: namespace,
    POD_NAME: 'istiod',
    CLUSTER_ID: 'Kubernetes',
    [fetchVariable]: mode === 'istiod' ? 'false' : mode,
    // Certificates come from this tool.
    ENABLE_CA_SERVER: 'false',
    PILOT_CERT_PROVIDER: 'none',
    // Stock builds of Envoy have not got these filters.
    PILOT_ENABLE_METADATA_EXCHANGE: 'false',
    PILOT_ENABLE_ALPN_FILTER: 'false',
    // For its template of gateways; nothing calls its webhook.
    INJECT_ENABLED: 'true',
    // Only proxies of this mesh are served: they show the certificate of their workload.
    XDS_AUTH: 'true',
    XDS_AUTH_PLAINTEXT: 'true',
    SSL_CERT_FILE: rootsFile,
    SSL_CERT_DIR: folder,
    HTTP_PROXY: proxyUrl,
    HTTPS_PROXY: proxyUrl,
  };
}

const preferredEnv: IstiodEnv = {
  // One change at a time is made here: nothing is won by waiting for more.
  PILOT_DEBOUNCE_AFTER: '10ms',
  // A watch that is to begin with all objects is told that these were all with the API server's next bookmark, 1 s later
  // (Kubernetes: staging/src/k8s.io/apiserver/pkg/storage/cacher/cacher.go). A list is there at once.
  KUBE_FEATURE_WatchListClient: 'false',
};

/** @param given comes over what a local mesh only prefers */
export function istiodEnv(needed: Needed, given: IstiodEnv): IstiodEnv {
  return { ...preferredEnv, ...goMemory, ...given, ...neededEnv(needed) };
}

/**
 * Variables that were asked for, each as `NAME=VALUE`.
 *
 * @throws HarnessError E_USAGE for one that the local mesh itself sets
 */
export function givenEnv(entries: readonly string[]): IstiodEnv {
  const pairs = entries.map((entry): [string, string] => {
    const at = entry.indexOf('=');
    return [entry.slice(0, at), entry.slice(at + 1)];
  });
  for (const [name] of pairs) {
    if (!isFixedVariable(name)) continue;
    throw new HarnessError(
      'E_USAGE',
      `--istiod-env cannot set ${name}: a local mesh works only with its own value`,
      {
        hint:
          name === fetchVariable
            ? 'Who fetches keys is said by the scenario: mesh: { fetch: envoy }.'
            : 'Leave it out, or use --target kind with --istio-overlay.',
      },
    );
  }
  return Object.fromEntries(pairs);
}

/** As a report says them; of a mesh that an earlier version keeps, nothing is known. */
export function envText(env: IstiodEnv = {}): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join(' ');
}
