/** What Istio's webhook would make of a pod: one with a sidecar, a gateway, or what it is. */
import { HarnessError } from '../../../base/errors.ts';
import { type ProxyKind, templatesAnnotation, templatesOf } from '../../../policy/injected-proxy.ts';
import type { ContainerSpec, PodSpec } from './pod-spec.ts';

export const proxyName = 'istio-proxy';

/** What stands for the image of the proxy, which the webhook puts in (pkg/kube/inject, AutoImage). */
const autoImage = 'auto';

/** The containers that are not the proxy. A template may name the proxy, to change its settings. */
export function applicationsOf({ containers }: PodSpec, proxy: ProxyKind): ContainerSpec[] {
  return containers.filter(({ name }) => proxy === 'none' || name !== proxyName);
}

/** @throws HarnessError E_NOT_READY for a pod that injection does not make whole, or makes into what cannot be had here */
export function checkInjection(pod: PodSpec, proxy: ProxyKind): void {
  const templates = templatesOf(pod);
  const isKnown = templates.length === 1 && /^(sidecar|gateway)$/.test(templates[0] ?? '');
  if (proxy !== 'none' && !isKnown) {
    throw new HarnessError(
      'E_NOT_READY',
      `the target local cannot inject what the annotation ${templatesAnnotation} asks for: ${templates.join(', ')}`,
      { hint: 'It knows sidecar and gateway, one at a time; use --target kind for others.' },
    );
  }
  const container = applicationsOf(pod, proxy).find(({ image }) => image === autoImage);
  if (container === undefined) return;
  throw new HarnessError(
    'E_NOT_READY',
    `container ${container.name} has the image ${autoImage}, which Istio replaces in the container ${proxyName} of an injected pod only, and ${
      proxy === 'none' ? 'this pod is not injected' : `this is not ${proxyName}`
    }`,
    {
      hint: `For a gateway, name the container ${proxyName} and give the pod the label sidecar.istio.io/inject: "true" and the annotation ${templatesAnnotation}: gateway, in a Namespace that injection is not disabled for.`,
    },
  );
}
