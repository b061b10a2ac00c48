/** The program of the process that keeps a local mesh. */

import { asHarnessError } from '../../../base/errors.ts';
import { problemOf } from '../../../base/events.ts';
import { MeshHost } from './host.ts';
import { writeState } from './kept.ts';
import { configVariable, type HostConfig, lettingGo } from './mesh-protocol.ts';

const config = JSON.parse(process.env[configVariable] ?? '{}') as HostConfig;
const host = new MeshHost(config, () => process.exit(0));
const starting = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    starting.abort(signal);
    void host.end();
  });
}
// Whoever started it may be gone, and its terminal too.
process.on('SIGHUP', () => {});
// Killed before that, whoever started it cannot say any more that there shall be no mesh.
let said = '';
process.stdin.on('data', (chunk) => {
  said += chunk;
});
process.stdin.once('close', () => {
  if (said === lettingGo) return;
  starting.abort('SIGTERM');
  void host.end();
});
try {
  await host.start(starting.signal);
} catch (thrown) {
  writeState(config.stateFile, { pid: process.pid, error: problemOf(asHarnessError(thrown)) });
  process.exit(4);
}
