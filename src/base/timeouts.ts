/** Every wait of the product, in milliseconds, each with what it is the longest time for. */
export const timeouts = {
  /** One request to an API server. */
  kubeRequest: 30_000,
  /** An API server that has done nothing, or an admission webhook that it cannot call, answering again. */
  kubeAgain: 10_000,
  /** One command in a container, from opening the connection to its exit status. */
  exec: 60_000,
  /** One request to the mesh; half of the time for answers, when that is shorter. */
  request: 15_000,
  /** Creating a kind cluster. */
  createCluster: 300_000,
  deleteCluster: 120_000,
  /** A node container being made when its creation is interrupted. */
  lateNode: 10_000,
  /** Loading all images into a kind cluster. */
  loadImages: 300_000,
  /** `istioctl install`. */
  installIstio: 300_000,
  /** Workloads that were just applied becoming ready. */
  workloads: 180_000,
  /** Services having the pods as endpoints that are ready, and pods of what was deleted leaving. */
  endpoints: 30_000,
  /** An istiod that was restarted serving every proxy again. */
  istiodRestart: 120_000,
  /** Mesh settings that were changed being those of istiod. */
  meshSettings: 60_000,
  /** The same on a local mesh, where nothing is far away. */
  localMeshSettings: 10_000,
  /** A part of a local mesh, such as its API server, answering. */
  localStart: 60_000,
  /** All parts of a local mesh that is kept, one after the other, each within its own time. */
  localMesh: 600_000,
  /** The process that keeps a local mesh saying that it is there, which it does every second or two. */
  keeper: 60_000,
  /** A key server container answering. */
  keyServer: 60_000,
  /** A program or an authorization server giving a token. */
  token: 30_000,
  /** A change of policy being in the configuration of every proxy concerned. */
  hold: 60_000,
  /** The expected answers coming, once the proxies have the configuration. */
  answers: 20_000,
  /** A line of a container being in its log. */
  podLog: 10_000,
  /** The same, where nothing shows whether it is: how long to wait for it. */
  podLogUsual: 1_000,
  /** A key server of ours answering, when it is asked whether it works. */
  keyServerCheck: 5_000,
  /** Undoing what a scenario changed. */
  undo: 60_000,
  /** Namespaces that were deleted being gone. */
  deleteNamespaces: 120_000,
  /** Opening a connection, to see whether an address of the ingress gateway can be reached. */
  reach: 3_000,
  /** Collecting the evidence of one failed check. */
  evidence: 20_000,
  /** Everything that is cleaned up after an interruption. */
  cleanUp: 180_000,
} as const;
