/** The moments of a run, by what it says of itself: its terminal, and the debug log, which has every event and process. */
import type { Moment } from './cell.ts';

const moment = (name: string, said: RegExp | undefined): Moment => ({ name, said });

/** What every run has, whatever its target. */
export const moments = {
  before: moment('from the beginning', undefined),
  looking: moment('before there is a mesh', /"type":"run-started"/),
  applying: moment('a scenario applies', /"type":"step-started"/),
  proving: moment('proxies get the policy', /"type":"step-applied"/),
  answers: moment('answers come', /"type":"step-held"/),
  judged: moment('a check is judged', /"type":"check-finished"/),
  undone: moment('between scenarios', /"type":"scenario-finished"/),
  ended: moment('reports are written', /"type":"run-finished"/),
} as const;

export const local = {
  etcd: moment('etcd starts', /process \d+: \S*etcd --data-dir/),
  api: moment('the API server starts', /process \d+: \S*kube-apiserver --etcd-servers/),
  istiod: moment('istiod starts', /process \d+: \S*pilot-discovery discovery/),
  stopping: moment('the mesh is stopped', /Stopping the local mesh/),
} as const;

export const kind = {
  creating: moment('the cluster is made', /"phase":"Creating kind cluster/),
  loading: moment('images are loaded', /"phase":"Loading /),
  installing: moment('Istio is installed', /"phase":"Installing Istio/),
} as const;
