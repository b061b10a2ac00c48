/** `jwt-e2e fetch`: gets the programs of the target local ahead of time. */
import { exitCodes } from '../../base/errors.ts';
import { stamped } from '../../base/events.ts';
import { versionsFile } from '../../engine/product.ts';
import { meshProgramOptions, meshVersions } from '../../engine/targets/mesh-programs.ts';
import { reporting } from '../../engine/targets/reporting.ts';
import { findMeshPrograms, type MeshPrograms } from '../../programs/local/find-mesh-programs.ts';
import { loadVersions } from '../../programs/versions.ts';
import { ConsoleReporter } from '../../report/console/console.ts';
import { describeTerminal } from '../../report/console/terminal.ts';
import type { Values } from '../../settings/settings.ts';
import { alignedLines } from '../support/aligned-lines.ts';
import { type Io, typedCommand } from '../support/io.ts';
import { withSignals } from '../support/signals.ts';

/** What is done goes to standard error, what came out of it to standard output. @throws HarnessError */
export async function fetchCommand(values: Values, io: Io): Promise<number> {
  const versions = loadVersions(versionsFile);
  const console = new ConsoleReporter({
    stream: io.stderr,
    ...describeTerminal(process.stderr, io.env),
    readLine: () => undefined,
    reports: {},
    program: typedCommand,
  });
  const report = reporting(stamped((event) => console.handle(event)));
  return withSignals(async (signal) => {
    for (const mesh of meshVersions(values)) {
      const options = meshProgramOptions(values, mesh, { versions, report, signal });
      const found = await findMeshPrograms({ ...options, verify: true, env: io.env }).finally(() =>
        console.close(),
      );
      io.stdout.write(asText(found));
    }
    return exitCodes.passed;
  }, 'What was fetched completely stays in the cache.');
}

function asText(programs: MeshPrograms): string {
  const { istio, envoyVersion, kubernetes, origins } = programs;
  const rows = [
    ['etcd', origins.etcd, programs.etcd],
    ['kube-apiserver', origins['kube-apiserver'], programs.kubeApiserver],
    ['pilot-discovery', origins['pilot-discovery'], programs.pilotDiscovery],
    ['envoy', origins.envoy, programs.envoy],
    ['crds', origins.crds, programs.crds],
  ];
  const title = `Istio ${istio}, Envoy ${envoyVersion}, Kubernetes ${kubernetes}`;
  return `${[title, ...alignedLines(rows).map((line) => `  ${line}`)].join('\n')}\n`;
}
