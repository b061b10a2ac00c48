/** Fields of Istio's MeshConfig (istio.mesh.v1alpha1). */

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
