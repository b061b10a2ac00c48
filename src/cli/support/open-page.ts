/** `--open`: the page in the browser of whoever runs this. */
import { resolve } from 'node:path';

/**
 * Opens a file in the browser, and does not wait for it; never throws. Where there is no desktop, such as in a container
 * or over SSH, it says so instead.
 *
 * @param say takes the line for people
 * @param start starts the browser; its own in tests
 */
export async function openPage(
  file: string,
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
  start: (file: string) => Promise<{ once(event: 'error', listener: () => void): unknown }> = async (path) =>
    (await import('open')).default(path),
): Promise<void> {
  const cannot = () => say(`There is no browser to open ${file} with here: copy it to where there is one.`);
  const hasDesktop =
    process.platform !== 'linux' || [env.DISPLAY, env.WAYLAND_DISPLAY, env.WSL_DISTRO_NAME].some(Boolean);
  if (!hasDesktop) {
    cannot();
    return;
  }
  try {
    (await start(resolve(file))).once('error', cannot);
  } catch {
    cannot();
  }
}
