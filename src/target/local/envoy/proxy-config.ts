/** Settings of one proxy, which its pod brings, over those of the mesh (istio.mesh.v1alpha1.ProxyConfig). */
import { parse } from 'yaml';
import { HarnessError } from '../../../base/errors.ts';
import { isMap } from '../../../base/kube-object.ts';

const annotation = 'proxy.istio.io/config';

type ProxyConfig = Readonly<Record<string, unknown>>;

/** Headers of which a pod that says nothing has the mesh's (correctProxyHeaders in pkg/config/mesh/mesh.go). */
const mergedHeaders = ['forwardedClientCert', 'requestId', 'attemptCount', 'server', 'envoyDebugHeaders'];

/**
 * What pilot-agent tells istiod of them; istiod itself makes of it what concerns listeners, such as the number of trusted
 * proxies. A field of the pod takes the place of that of the mesh as a whole. Undefined: the pod says nothing, and istiod takes
 * the settings of the mesh (ProxyConfigOrDefault in pkg/model/proxy.go).
 *
 * @param defaults the settings of the mesh, MeshConfig.defaultConfig
 * @throws HarnessError E_NOT_READY for what is no map in YAML, with which a cluster would not inject either
 */
export function proxyConfigOf(
  annotations: Readonly<Record<string, string>>,
  defaults: ProxyConfig = {},
): ProxyConfig | undefined {
  const text = annotations[annotation];
  if (text === undefined) return undefined;
  let found: unknown;
  try {
    found = parse(text);
  } catch {
    found = undefined;
  }
  if (isMap(found)) return { ...defaults, ...found, ...headersOf(found, defaults) };
  throw new HarnessError('E_NOT_READY', `the annotation ${annotation} of the pod is no map in YAML`, {
    hint: "Write it as Istio's ProxyConfig, such as { gatewayTopology: { numTrustedProxies: 1 } }.",
  });
}

function headersOf({ proxyHeaders: own }: ProxyConfig, { proxyHeaders: mesh }: ProxyConfig): ProxyConfig {
  if (!isMap(own) || !isMap(mesh)) return {};
  const kept = Object.entries(mesh).filter(([name]) => mergedHeaders.includes(name));
  return { proxyHeaders: { ...Object.fromEntries(kept), ...own } };
}
