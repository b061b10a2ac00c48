/** The page in the browser of whoever runs this: with `--open`, and by itself when a check failed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { exitCodes } from '../../base/errors.ts';

/**
 * Whether the page opens without having been asked for: a check failed, and somebody sits at this terminal.
 *
 * @param isTerminal of standard output; no CI system counts as one
 */
export function opensByItself(exitCode: number, isTerminal: boolean, env: NodeJS.ProcessEnv): boolean {
  // Over SSH the desktop, if there is one, is not where the reader is.
  const isRemote = [env.SSH_CONNECTION, env.SSH_TTY].some(Boolean);
  return exitCode === exitCodes.failed && isTerminal && !isRemote && hasDesktop(env);
}

/**
 * Opens a file in the browser, and does not wait for its end; never throws. Where there is no desktop, such as in a container
 * or over SSH, it says so instead.
 *
 * @param say takes the line for people
 * @param start starts the browser; its own in tests
 */
export async function openPage(
  file: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  start: (program: string, args: readonly string[]) => Promise<unknown> = startProgram,
): Promise<void> {
  const cannot = () => say(`There is no browser to open ${file} with here: copy it to where there is one.`);
  if (!hasDesktop(env)) {
    cannot();
    return;
  }
  try {
    // A whole path is no option, whatever the file is called.
    await start(openerOf(process.platform, env), [resolve(file)]);
  } catch {
    cannot();
  }
}

/** The program of the desktop that opens a file with what its user has chosen for it. */
export function openerOf(platform: NodeJS.Platform, env: NodeJS.ProcessEnv): string {
  if (platform === 'darwin') return 'open';
  if (platform === 'win32') return 'explorer.exe';
  // Linux on Windows has the browser of Windows.
  return env.WSL_DISTRO_NAME ? 'wslview' : 'xdg-open';
}

function hasDesktop(env: NodeJS.ProcessEnv): boolean {
  return (
    process.platform !== 'linux' || [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some(Boolean)
  );
}

/** No shell reads the name of the file. The program goes on when this one has ended. */
async function startProgram(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: 'ignore', detached: true });
  child.unref();
  await once(child, 'spawn');
}
