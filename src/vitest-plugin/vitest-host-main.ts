/** The program of the process that holds the mesh of a Vitest run. It ends when its standard input does. */

import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { asHarnessError } from '../base/errors.ts';
import { type Event, type MeshFacts, problemOf } from '../base/events.ts';
import {
  configVariable,
  type FileLine,
  type FileRequest,
  type HostConfig,
  listening,
  type Order,
  withWholePlaces,
} from './vitest-protocol.ts';
import { Session } from './vitest-session.ts';

const config = JSON.parse(process.env[configVariable] ?? '{}') as HostConfig;
// Vitest may be gone: nobody reads what is written then, and the mesh has to be taken down all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
const say = (line: string | undefined) => line !== undefined && process.stderr.write(`${line}\n`);

let isKnown = false;
let session: Session | undefined;
const tellEvent = (event: Event) => {
  say(progressLine(event));
  if (event.type !== 'mesh-ready' || isKnown) return;
  isKnown = true;
  say(meshLine(event.mesh));
};
/** One for each test file that waits or runs. */
const cuts = new Set<() => void>();

const server = createServer((file) => {
  const cut = new AbortController();
  const tell = (line: FileLine) => file.writable && file.write(`${JSON.stringify(withWholePlaces(line))}\n`);
  const interrupt = () => {
    cut.abort('SIGINT');
    tell({ type: 'finished', problem: { code: 'E_INTERRUPTED', message: 'interrupted' } });
    file.end();
  };
  cuts.add(interrupt);
  file.on('error', () => {});
  file.once('close', () => {
    cuts.delete(interrupt);
    cut.abort('SIGINT');
  });
  void serve(file, tell, cut.signal);
});

async function serve(file: Socket, tell: (line: FileLine) => void, cut: AbortSignal): Promise<void> {
  for await (const line of createInterface({ input: file })) {
    try {
      session ??= new Session(config, tellEvent);
      await session.run(JSON.parse(line) as FileRequest, tell, cut);
    } catch (thrown) {
      tell({ type: 'finished', problem: problemOf(asHarnessError(thrown)) });
    }
    file.end();
  }
}

let isEnding = false;
async function end(): Promise<void> {
  if (isEnding) return;
  isEnding = true;
  server.close();
  for (const interrupt of cuts) interrupt();
  await session?.end();
  process.exit(0);
}
process.stdin.once('close', end);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end);
process.on('SIGHUP', () => {});
createInterface({ input: process.stdin }).on('line', (order) => {
  if ((order as Order) === 'cut') for (const interrupt of cuts) interrupt();
  else session?.forgetFailure();
});
server.once('error', (thrown) => {
  say(problemOf(asHarnessError(thrown)).message);
  process.exit(4);
});
server.listen(config.socket, () => process.stdout.write(listening));

/** What to say about an event while tests wait: how the mesh is set up, what it is, and warnings. One line, or nothing. */
function progressLine(event: Event): string | undefined {
  switch (event.type) {
    case 'phase-finished': {
      const note = event.note === undefined ? '' : `, ${event.note}`;
      return `[jwt-e2e] ${event.phase} (${(event.durationMs / 1000).toFixed(1)} s${note})`;
    }
    case 'outlook':
      return `[jwt-e2e] target ${event.target}: ${event.reason}`;
    case 'phase-failed':
      return `[jwt-e2e] ${event.phase}: ${event.problem.message}`;
    case 'warning':
      return `[jwt-e2e] warning: ${event.message}`;
    default:
      return undefined;
  }
}

/** What the mesh is. */
function meshLine({ istio, target, envoy, kubernetes, reason }: MeshFacts): string {
  const more = [
    envoy === undefined ? [] : `Envoy ${envoy}`,
    kubernetes === undefined ? [] : `Kubernetes ${kubernetes}`,
  ].flat();
  return `[jwt-e2e] Istio ${istio} on ${target}${more.length === 0 ? '' : ` (${more.join(', ')})`}: ${reason}`;
}
