/** Settings of one proxy, which its pod brings (istio.mesh.v1alpha1.ProxyConfig). */
import { parse } from 'yaml';
import { HarnessError } from '../../../base/errors.ts';
import { isMap } from '../../../base/kube-object.ts';

const annotation = 'proxy.istio.io/config';

/**
 * What pilot-agent tells istiod of them; istiod itself makes of it what concerns listeners, such as the number of trusted
 * proxies. Undefined: the pod says nothing.
 *
 * @throws HarnessError E_NOT_READY for what is no map in YAML, with which a cluster would not inject either
 */
export function proxyConfigOf(
  annotations: Readonly<Record<string, string>>,
): Readonly<Record<string, unknown>> | undefined {
  const text = annotations[annotation];
  if (text === undefined) return undefined;
  let found: unknown;
  try {
    found = parse(text);
  } catch {
    found = undefined;
  }
  if (isMap(found)) return found;
  throw new HarnessError('E_NOT_READY', `the annotation ${annotation} of the pod is no map in YAML`, {
    hint: "Write it as Istio's ProxyConfig, such as { gatewayTopology: { numTrustedProxies: 1 } }.",
  });
}
