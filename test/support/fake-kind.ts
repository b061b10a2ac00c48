/** A kind and a docker whose clusters and containers are files. They touch nothing of the machine's own engine. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const { version } = (
  parse(readFileSync('kind/versions.yaml', 'utf8')) as { programs: { kind: { version: string } } }
).programs.kind;

export interface FakeKind {
  readonly kind: string;
  readonly docker: string;
  clusters(): string[];
  addCluster(name: string): void;
  /** Key servers, as `CLUSTER.RUN`. */
  containers(): string[];
  addContainer(cluster: string, run: string): void;
  /** The process that creates a cluster; undefined before. */
  creating(): number | undefined;
}

/**
 * @param folder for the programs and their state
 * @param createSeconds how long the creation of a cluster goes on after its node is there
 */
export function fakeKind(folder: string, createSeconds = 60): FakeKind {
  const [clusters, containers] = [join(folder, 'clusters'), join(folder, 'containers')];
  for (const each of [clusters, containers]) mkdirSync(each, { recursive: true });
  const program = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${text}`);
    chmodSync(path, 0o755);
    return path;
  };
  const kind = program(
    'kind',
    `name=; all="$*"
while [ $# -gt 0 ]; do [ "$1" != --name ] || name=$2; shift; done
case "$all" in
  version*) echo 'kind v${version} go1.25 linux/amd64' ;;
  'get clusters'*) ls '${clusters}' ;;
  'create cluster'*) touch "${clusters}/$name"; echo $$ > '${folder}/creating'; exec sleep ${createSeconds} ;;
  'delete cluster'*) rm -f "${clusters}/$name" ;;
esac
`,
  );
  const docker = program(
    'docker',
    `all="$*"
# The value of a label, of the name of its own.
value() { echo "$1" | case "$2" in *cluster*) cut -d. -f1 ;; *) cut -d. -f2 ;; esac }
case "$all" in
  --version) echo 'Docker version 28.0.0' ;;
  info*) echo '28.0.0 2' ;;
  'ps -a --filter label=io.x-k8s.kind.cluster'*) ls '${clusters}' ;;
  'ps -a --filter'*) for each in $(ls '${containers}'); do value $each cluster; done ;;
  'ps -aq'*)
    wanted=\${all##*=}
    for each in $(ls '${containers}'); do [ "$(value $each "$all")" != "$wanted" ] || echo $each; done ;;
  'rm -f -v'*) shift 3; for each in "$@"; do rm -f "${containers}/$each"; done ;;
esac
`,
  );
  return {
    kind,
    docker,
    clusters: () => readdirSync(clusters),
    addCluster: (name) => writeFileSync(join(clusters, name), ''),
    containers: () => readdirSync(containers),
    addContainer: (cluster, run) => writeFileSync(join(containers, `${cluster}.${run}`), ''),
    creating: () => {
      const file = join(folder, 'creating');
      return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
    },
  };
}
