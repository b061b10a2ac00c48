/** What istiod is given: environment variables, and fields of Istio's MeshConfig (istio.mesh.v1alpha1). */

/** Who fetches keys; scenarios say it in their own words. */
export const fetchVariable = 'PILOT_JWT_ENABLE_REMOTE_JWKS';

/** Without their own values a local mesh does not work, and an installed one is not that mesh any more. */
const fixed: readonly string[] = [
  fetchVariable,
  'CLUSTER_ID',
  'ENABLE_CA_SERVER',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'INJECT_ENABLED',
  'NO_PROXY',
  'PILOT_CERT_PROVIDER',
  'PILOT_ENABLE_ALPN_FILTER',
  'PILOT_ENABLE_METADATA_EXCHANGE',
  'POD_NAME',
  'POD_NAMESPACE',
  'REVISION',
  'SHARED_MESH_CONFIG',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'XDS_AUTH',
  'XDS_AUTH_PLAINTEXT',
];

/** Whether it is one of them. Go reads those about proxies in small letters too. */
export function isFixedVariable(name: string): boolean {
  return fixed.includes(name.toUpperCase());
}

const takenAtStart: readonly string[] = [
  'ca',
  'certificates',
  'configSources',
  'defaultConfig',
  'proxyHttpPort',
  'proxyInboundListenPort',
  'proxyListenPort',
  'rootNamespace',
  'trustDomain',
];

/** Whether proxies, or istiod, take a field only when they start. @param field such as `trustDomain` */
export function isTakenAtStart(field: string): boolean {
  return takenAtStart.includes(field);
}
