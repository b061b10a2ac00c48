/** How settings name a cluster or a mesh. Apart from what makes a target of it, which takes longer to load. */

/** Any of them makes `--target auto` take the cluster. */
export const clusterSettings = ['context', 'kubeconfig', 'mesh-context', 'mesh-kubeconfig'] as const;

/** The kind cluster, or the local mesh that is kept, when none is named. */
export const defaultName = 'jwt-e2e';
