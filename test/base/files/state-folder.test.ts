import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stateFolder } from '../../../src/base/files/state-folder.ts';

test.each([
  [{ XDG_STATE_HOME: '/state', HOME: '/home/me' }, '/state/istio-jwt-e2e'],
  [{ HOME: '/home/me' }, '/home/me/.local/state/istio-jwt-e2e'],
  // XDG ignores a path that is not absolute, and an empty one is none.
  [{ XDG_STATE_HOME: 'state', HOME: '/home/me' }, '/home/me/.local/state/istio-jwt-e2e'],
  [{ XDG_STATE_HOME: '', HOME: '/home/me' }, '/home/me/.local/state/istio-jwt-e2e'],
  [{}, join(homedir(), '.local/state/istio-jwt-e2e')],
])('what must be known after a run with %j is in %s', (env, folder) => {
  expect(stateFolder(env)).toBe(folder);
});
