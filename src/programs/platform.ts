/** Which build of a program this machine can run. */
import { HarnessError } from '../base/errors.ts';

/** The platforms that kind/versions.yaml has downloads for, in the words of Go's GOOS and GOARCH. */
export const platforms = ['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'] as const;

/** Those that the target local runs on. */
export const localPlatforms = ['linux-amd64', 'linux-arm64'] as const;

export type Platform = (typeof platforms)[number];

const systems: Readonly<Record<string, string>> = { linux: 'linux', darwin: 'darwin' };
const machines: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * The platform of this process.
 *
 * @param system as in `process.platform`
 * @param machine as in `process.arch`
 * @throws HarnessError E_PROGRAM when there is nothing to download for it
 */
export function currentPlatform(system: string = process.platform, machine: string = process.arch): Platform {
  const wanted = `${systems[system]}-${machines[machine]}`;
  const found = platforms.find((platform) => platform === wanted);
  if (found !== undefined) return found;
  throw new HarnessError('E_PROGRAM', `no programs are known for ${system} on ${machine}`, {
    hint:
      system === 'win32'
        ? 'Windows is not supported; run in the Windows Subsystem for Linux (WSL 2)'
        : `supported are ${platforms.join(', ')}`,
  });
}

/**
 * The platform of this process, when the target local runs on it.
 *
 * @param system as in `process.platform`
 * @param machine as in `process.arch`
 * @throws HarnessError E_PROGRAM that says what to use instead
 */
export function localPlatform(
  system: string = process.platform,
  machine: string = process.arch,
): (typeof localPlatforms)[number] {
  const wanted = `${systems[system]}-${machines[machine]}`;
  const found = localPlatforms.find((platform) => platform === wanted);
  if (found !== undefined) return found;
  const linux =
    system === 'win32' ? 'the Windows Subsystem for Linux (WSL 2)' : 'a Linux virtual machine or container';
  throw new HarnessError('E_PROGRAM', `the target local does not run on ${system} on ${machine}`, {
    hint:
      system === 'linux'
        ? `it needs ${localPlatforms.join(' or ')}; use --target kind or --target cluster`
        : `use --target kind with Docker Desktop, or --target cluster, or run in ${linux}`,
  });
}
