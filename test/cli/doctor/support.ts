/** What probes of the doctor are given in tests. */
import type { Machine, Surroundings } from '../../../src/cli/doctor/finding.ts';
import { GiB } from '../../../src/cli/doctor/machine.ts';
import type { Values } from '../../../src/settings/settings.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { folderOf, versions } from '../../programs/local/support.ts';
import { unaborted } from '../../support/signals.ts';

/** A machine that lacks nothing, but for what is changed. */
export function machineWith(changes: Partial<Machine> = {}): Machine {
  return {
    node: '22.12.0',
    memory: () => 16 * GiB,
    freeDisk: async () => 100 * GiB,
    limit: () => 1_000_000,
    ...changes,
  };
}

export function around(
  values: Values = {},
  env: NodeJS.ProcessEnv = {},
  machine: Machine = machineWith(),
): Surroundings {
  const own = { PATH: '/nowhere', XDG_CACHE_HOME: temporaryFolder(), ...env };
  return { values, versions, env: own, machine, report: () => {}, signal: unaborted() };
}

/** A docker that answers `info`, and has the images whose names the pattern of a shell matches. */
export function fakeDocker(images: string, mirrors = 'null'): string {
  const info = ['27.3.1', '2', '/var/lib/docker', 8 * GiB, mirrors].join('\\t');
  return `${folderOf({
    docker: [
      '#!/bin/sh',
      'case "$1" in',
      `info) printf '${info}\\n' ;;`,
      `image) case "$5" in ${images}) echo sha256:1 ;; *) exit 1 ;; esac ;;`,
      'esac\n',
    ].join('\n'),
  })}/docker`;
}
