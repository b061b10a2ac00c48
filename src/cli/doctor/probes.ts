/** Everything that `jwt-e2e doctor` looks at. A new probe is a new entry. */
import { cluster } from './cluster-probes.ts';
import { engine } from './engine-probe.ts';
import type { Probe } from './finding.ts';
import { downloadable, kubectl, ports } from './kind-probes.ts';
import { addresses, meshPrograms } from './local-probes.ts';
import { diskForLocal, inotify, memoryForLocal, node } from './machine.ts';
import { proxies } from './proxy-variables.ts';

export const probes: readonly Probe[] = [
  { name: 'Node.js', look: node },
  { name: 'proxy variables', look: proxies },
  { name: 'kubectl', look: kubectl },
  { name: 'Docker engine', target: 'kind', limitMs: 25_000, look: engine },
  { name: 'kind', target: 'kind', look: (around) => downloadable('kind', around) },
  { name: 'istioctl', target: 'kind', look: (around) => downloadable('istioctl', around) },
  { name: 'ports', target: 'kind', look: ports },
  { name: 'inotify', target: 'kind', look: inotify },
  { name: 'programs', target: 'local', limitMs: 40_000, look: meshPrograms },
  { name: 'loopback addresses', target: 'local', look: addresses },
  { name: 'memory', target: 'local', look: memoryForLocal },
  { name: 'disk', target: 'local', look: diskForLocal },
  { name: 'cluster', target: 'cluster', limitMs: 20_000, look: cluster },
];
