/** Where what must be known after a run is kept. */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** XDG_STATE_HOME/istio-jwt-e2e; XDG requires an absolute path and ignores another one. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const xdg = env.XDG_STATE_HOME;
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(env.HOME ?? homedir(), '.local', 'state');
  return join(base, 'istio-jwt-e2e');
}
