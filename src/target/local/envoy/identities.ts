/** The certificates of workloads: SPIFFE IDs of their service accounts, signed by the CA of the mesh. */

import { rootCertificates } from 'node:tls';
import { type Ca, issueCertificate } from '../../../jwks/certificates.ts';
import { trustDomainOf } from '../../../policy/read-mesh-config.ts';
import type { Mounts } from '../kubelet/mounts.ts';
import type { Workload } from '../kubelet/workload.ts';
import type { Secret } from './secrets.ts';

export class Identities {
  readonly #ca: Ca;
  readonly #onReady: () => void;
  readonly #certificates = new Map<string, Secret | undefined>();
  #trustDomain = trustDomainOf({});

  /** @param onReady called when a certificate that was asked for has been made */
  constructor(ca: Ca, onReady: () => void) {
    this.#ca = ca;
    this.#onReady = onReady;
  }

  /** From now on certificates are of this trust domain; all proxies get new ones. */
  setTrustDomain(trustDomain: string): void {
    this.#trustDomain = trustDomain;
    this.#onReady();
  }

  /** The certificate of a service account; undefined while it is being made. */
  of(namespace: string, serviceAccount: string): Secret | undefined {
    const id = `spiffe://${this.#trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
    if (!this.#certificates.has(id)) {
      this.#certificates.set(id, undefined);
      void issueCertificate(this.#ca, { uris: [id] }).then(({ certPem, keyPem }) => {
        this.#certificates.set(id, { chain: `${certPem}${this.#ca.certPem}`, key: keyPem });
        this.#onReady();
      });
    }
    return this.#certificates.get(id);
  }

  get roots(): Secret {
    return { roots: this.#ca.certPem };
  }
}

/** What CAs a proxy knows by itself: those of the operating system in a pod, those of Node.js here. */
const systemRoots: Secret = { roots: rootCertificates.join('\n') };

/**
 * The secret that a proxy asks for, by the names that Istio gives them (security/pkg/nodeagent/cache).
 *
 * @param node its ID: role~address~pod.namespace~domain
 */
export function secretFor(
  node: string,
  name: string,
  identities: Identities,
  kubelet: {
    readonly workloads: readonly Pick<Workload, 'identity'>[];
    readonly mounts: Mounts;
  },
  gateway: { readonly namespace: string; readonly pod: string },
): Secret | undefined {
  const [pod = '', namespace = ''] = (node.split('~')[2] ?? '').split(/\.(?=[^.]*$)/);
  const workload = kubelet.workloads.find(
    ({ identity }) => identity.name === pod && identity.namespace === namespace,
  );
  if (name === 'ROOTCA') return identities.roots;
  if (name === 'default') {
    if (namespace === gateway.namespace && pod === gateway.pod) return identities.of(namespace, pod);
    return identities.of(namespace, workload?.identity.spec.serviceAccount ?? 'default');
  }
  if (name === 'file-root:system') return systemRoots;
  if (workload === undefined) return undefined;
  const file = (path: string) => kubelet.mounts.file(namespace, workload.identity.spec.proxyMounts, path);
  if (name.startsWith('file-root:')) {
    const roots = file(name.slice('file-root:'.length));
    return roots === undefined ? undefined : { roots };
  }
  if (name.startsWith('file-cert:')) {
    const [chain, key] = name.slice('file-cert:'.length).split('~').map(file);
    return chain === undefined || key === undefined ? undefined : { chain, key };
  }
  return undefined;
}
