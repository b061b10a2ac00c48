/** Which settings name a cluster. Apart from what makes a target of it, which takes longer to load. */

/** Any of them makes `--target auto` take the cluster. */
export const clusterSettings = ['context', 'kubeconfig', 'mesh-context', 'mesh-kubeconfig'] as const;
