/** Asks a program for its version. */
import { execa } from 'execa';
import { throwIfAborted } from '../wait.ts';

/** The programs that the product starts. */
export type ProgramName = 'kind' | 'istioctl' | 'docker' | 'kubectl';

/** None of these contacts a server. */
const versionArguments: Readonly<Record<ProgramName, readonly string[]>> = {
  kind: ['version'],
  istioctl: ['version', '--remote=false'],
  docker: ['--version'],
  kubectl: ['version', '--client'],
};

/** What a program said about itself: its version, or why it said none. */
export type Probe = { readonly version: string } | { readonly problem: string };

/**
 * Starts `path` and reads the first version number in what it prints.
 *
 * @param timeoutMs the longest time for it; a program on a slow disk needs some seconds
 * @throws HarnessError E_INTERRUPTED
 */
export async function probe(
  name: ProgramName,
  path: string,
  signal: AbortSignal,
  timeoutMs = 20_000,
): Promise<Probe> {
  const result = await execa(path, [...versionArguments[name]], {
    reject: false,
    stdin: 'ignore',
    timeout: timeoutMs,
    cancelSignal: signal,
    maxBuffer: 1_000_000,
  });
  throwIfAborted(signal);
  if (result.failed) return { problem: result.shortMessage ?? 'it failed' };
  // Development builds of Istio have two numbers only: 1.32-alpha.86c9f01.
  const version = /\d+\.\d+(?:\.\d+)?(?:[-+][0-9A-Za-z.+-]+)?/.exec(result.stdout)?.[0];
  return version === undefined
    ? { problem: `it printed no version: ${result.stdout.slice(0, 200)}` }
    : { version };
}
