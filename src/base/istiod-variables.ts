/** Environment variables of istiod that nobody may set, and why. */

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
