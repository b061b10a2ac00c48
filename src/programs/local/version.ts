/** Asks the programs of the target local which version they are. */

import { HarnessError } from '../../base/errors.ts';
import { runTool } from '../tools.ts';
import type { Deadlines } from './deadlines.ts';
import { onceForFile } from './integrity.ts';

type Program = 'etcd' | 'kube-apiserver' | 'pilot-discovery' | 'envoy' | 'istioctl';

/** None of these contacts a server. */
const questions: Readonly<Record<Program, { readonly args: readonly string[]; readonly answer: RegExp }>> = {
  etcd: { args: ['--version'], answer: /^etcd Version: (\S+)/m },
  'kube-apiserver': { args: ['--version'], answer: /^Kubernetes v(\S+)/m },
  'pilot-discovery': { args: ['version', '--short'], answer: /^(?:client version: )?(\d\S*)$/m },
  // Its path comes first, then the commit: path  version: 9e55…/1.40.0/Clean/RELEASE/BoringSSL
  envoy: { args: ['--version'], answer: /version: [0-9a-f]+\/([^/\s]+)\// },
  istioctl: { args: ['version', '--remote=false', '--short'], answer: /^(?:client version: )?(\d\S*)$/m },
};

/**
 * The version that the program says it is. This also shows that it runs on this machine, which a build for another
 * processor or another C library does not.
 *
 * @throws HarnessError E_PROGRAM when it does not run or says something else; E_INTERRUPTED
 */
export async function versionOf(
  program: Program,
  path: string,
  options: { readonly signal: AbortSignal; readonly deadlines: Deadlines },
): Promise<string> {
  return onceForFile(path, program, () => ask(program, path, options));
}

async function ask(
  program: Program,
  path: string,
  options: Parameters<typeof versionOf>[2],
): Promise<string> {
  const { args, answer } = questions[program];
  const output = await runTool(path, args, {
    signal: options.signal,
    timeoutMs: options.deadlines.versionMs,
    code: 'E_PROGRAM',
  });
  const version = answer.exec(output)?.[1];
  if (version !== undefined) return version;
  throw new HarnessError('E_PROGRAM', `${path} ${args.join(' ')} printed no version of ${program}`, {
    details: output.slice(0, 500),
  });
}
