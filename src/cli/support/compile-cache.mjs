/**
 * Keeps what V8 has made of the package's code for the next start, where Node.js can do that: from 22.8 on. What is kept is
 * run without another look, so it must be in a folder that nobody else can write to. A JavaScript file, because it is needed
 * before anything else is loaded.
 */
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** @type {((folder: string) => unknown) | undefined} */
const enable = Reflect.get(nodeModule, 'enableCompileCache');

/** Never throws: without it the start takes longer, and that is all. */
export function keepCompiled() {
  const folder = enable === undefined ? undefined : compileFolder(process.env);
  if (folder !== undefined) enable?.(folder);
}

/**
 * XDG_CACHE_HOME/istio-jwt-e2e/compiled, made when it is not there.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined} undefined when somebody else could put something into it, or it cannot be made
 */
export function compileFolder(env) {
  // Where there are no such owners it is not known who can write.
  const user = process.geteuid?.();
  if (user === undefined) return undefined;
  const xdg = env.XDG_CACHE_HOME;
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(env.HOME ?? homedir(), '.cache');
  try {
    const wanted = join(base, 'istio-jwt-e2e', 'compiled');
    mkdirSync(wanted, { recursive: true, mode: 0o700 });
    const folder = realpathSync(wanted);
    const { uid, mode } = lstatSync(folder);
    return uid === user && (mode & 0o077) === 0 && isSafe(dirname(folder), user) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether nobody else can put another folder in the place of one below this one. In a folder with the sticky bit, such as
 * /tmp, everybody can rename their own alone.
 *
 * @param {string} folder
 * @param {number} user
 * @returns {boolean}
 */
function isSafe(folder, user) {
  const { uid, mode } = lstatSync(folder);
  const isSticky = (mode & 0o1000) !== 0;
  if ((uid !== user && uid !== 0) || ((mode & 0o022) !== 0 && !isSticky)) return false;
  return folder === dirname(folder) || isSafe(dirname(folder), user);
}
