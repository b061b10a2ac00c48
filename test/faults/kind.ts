/** The cells of the target kind: on a cluster that is there already, and on one that the run makes. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keyServersOf } from '../e2e/faults/objects.ts';
import type { Cell, Expected, Fault } from './cell.ts';
import {
  cross,
  full,
  guardian,
  halted,
  killed,
  meanwhile,
  needsRoot,
  noVerdictOrFailed,
  ofEnd,
  type Signal,
  signals,
  survives,
  unread,
} from './faults.ts';
import { kind, moments } from './moments.ts';
import { KindPlace, type Place, testCluster } from './place.ts';
import type { Ending } from './running.ts';

const { before, applying, proving, answers, ended } = moments;
const why =
  testCluster === ''
    ? 'JWT_E2E_TEST_CLUSTER names no cluster; make one with "jwt-e2e up --name NAME"'
    : undefined;

/** A call of the engine's own client, as whoever breaks something would make. */
function docker(...args: readonly string[]): string {
  return execFileSync(process.env.JWT_E2E_DOCKER ?? 'docker', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const nodeOf = (place: Place) => (place as KindPlace).node;

/** The next run on the cluster gets all verdicts, and clears up what a killed one has left. */
async function next(_: Ending, place: Place): Promise<readonly string[]> {
  for (const undo of place.undo.splice(0).reverse()) await undo();
  const run = place.command('run', [...place.args, join(place.work, 'require.yaml')]);
  const over = await run.ended(300_000);
  return over?.exit === 0
    ? []
    : [`the next run ended with ${over?.exit ?? 'nothing'}: ${over?.output ?? ''}`];
}

const expectedOf = (fault: Fault): Expected => (fault as Signal).expected;
const chosen = (...names: readonly string[]) => signals.filter(({ name }) => names.includes(name));

const reused = (cells: readonly Cell[]): Cell[] =>
  cells.map((cell) => ({ skip: why, place: async () => new KindPlace(), ...cell }));

const ofSignals = cross(
  'kind',
  signals.map((signal) => ((signal as Signal).expected.cutOff ? { ...signal, after: next } : signal)),
  [applying, answers, ended],
  (fault, moment) => (moment === ended ? ofEnd(fault as Signal) : expectedOf(fault)),
  (fault, moment) => ({ quick: fault.name === 'SIGTERM' && moment === answers }),
);

/** Something is done to the container of the key server. */
function keyServer(name: string, todo: (container: string) => unknown): Fault {
  return {
    name: `key server ${name}`,
    bring: async (_, place) => {
      const [container] = await keyServersOf((place as KindPlace).name);
      if (container === undefined) throw new Error('there is no container of a key server');
      await todo(container);
    },
  };
}

const keyServers: readonly Fault[] = [
  keyServer('killed', (container) => docker('kill', container)),
  keyServer('removed', (container) => docker('rm', '-f', container)),
  keyServer('cut off', (container) => docker('network', 'disconnect', '-f', 'kind', container)),
  keyServer('stopped for good', (container) => docker('pause', container)),
];

const pausedKeyServer = keyServer('stopped for 3 s', async (container) => {
  docker('pause', container);
  await sleep(3000);
  docker('unpause', container);
});

/** Processes of the node, by the name that its kernel knows them by. */
const parts = {
  etcd: 'etcd',
  'the API server': 'kube-apiserver',
  istiod: 'pilot-discovery',
  'all Envoys': 'envoy',
  kubelet: 'kubelet',
  containerd: 'containerd',
};

function stoppedOnNode(name: string, command: string, seconds?: number): Fault {
  const stop = (place: Place) => {
    const signal = (which: string) => docker('exec', nodeOf(place), 'pkill', `-${which}`, '-x', command);
    signal('STOP');
    return () => signal('CONT');
  };
  return { ...halted(`SIGSTOP of ${name}`, seconds, stop, true), after: next };
}

function killedOnNode(name: string, command: string): Fault {
  return {
    name: `kill -9 of ${name}`,
    bring: (_, place) => docker('exec', nodeOf(place), 'pkill', '-KILL', '-x', command),
    after: next,
  };
}

function paused(seconds?: number): Fault {
  const pause = (place: Place) => {
    docker('pause', nodeOf(place));
    return () => docker('unpause', nodeOf(place));
  };
  return { ...halted('docker pause of the node', seconds, pause, true), after: next };
}

const ofParts: readonly Cell[] = [
  ...Object.entries(parts).flatMap(([name, command]) => [
    ...cross('kind', [stoppedOnNode(name, command, 3)], [proving], () => survives),
    // What restarts it takes its time; no verdict is then the right one.
    ...cross('kind', [killedOnNode(name, command)], [answers], () => noVerdictOrFailed),
  ]),
  ...cross(
    'kind',
    [stoppedOnNode('the API server', 'kube-apiserver'), stoppedOnNode('all Envoys', 'envoy')],
    [answers],
    () => noVerdictOrFailed,
  ),
  ...cross('kind', [paused(3)], [proving, answers], () => noVerdictOrFailed),
  ...cross('kind', [paused()], [answers], () => noVerdictOrFailed),
];

function lock(name: string, text: string): Fault {
  return {
    name,
    before: ({ state }) => {
      mkdirSync(join(state, 'istio-jwt-e2e', testCluster), { recursive: true });
      writeFileSync(join(state, 'istio-jwt-e2e', testCluster, 'lock'), text);
    },
    bring: () => {},
  };
}

const gone = 4_194_000;
const lockOf = (pid: number) => JSON.stringify({ pid, since: Date.now() - 1000 });

const twoRuns: Fault = {
  name: 'another run on the cluster',
  bring: async (running, place) => {
    const other = await meanwhile(running, () =>
      place.command('run', [...place.args, join(place.work, 'require.yaml')]).ended(60_000),
    );
    if (other?.exit !== 4 || !other.output.includes('is in use by process')) {
      throw new Error(`the other run ended with ${other?.exit ?? 'nothing'}: ${other?.output ?? ''}`);
    }
  },
};

const ofTheTool: readonly Cell[] = [
  ...cross('kind', [killed('the guardian', guardian)], [answers], () => survives),
  ...cross('kind', [unread, twoRuns], [answers], () => survives),
  ...cross(
    'kind',
    [lock('the lock of a process that is gone', lockOf(gone)), lock('a lock that is no JSON', 'garbage')],
    [before],
    () => survives,
  ),
  ...cross(
    'kind',
    [full('reports')],
    [before],
    () => ({
      codes: [1, 2, 4],
      reports: 'valid when there',
    }),
    () => ({ skip: why ?? needsRoot }),
  ),
  ...cross(
    'kind',
    [full('TMPDIR')],
    [before],
    () => noVerdictOrFailed,
    () => ({ skip: why ?? needsRoot }),
  ),
  ...cross(
    'kind',
    [full('the state folder')],
    [before],
    () => ({ codes: [4], says: /E_FILE/ }),
    () => ({
      skip: why ?? needsRoot,
    }),
  ),
];

/** A cluster that the run makes goes with it, in whatever way it ends. */
const made: readonly Cell[] = [
  ...cross('kind', signals, [kind.creating], expectedOf),
  ...cross('kind', chosen('SIGINT', 'kill -9'), [kind.loading], expectedOf),
  ...cross('kind', chosen('SIGTERM', 'kill -9'), [kind.installing], expectedOf),
].map((cell) => ({
  ...cell,
  place: async () => new KindPlace(`${testCluster}-made`),
  skip: why,
}));

export const kindCells: readonly Cell[] = [
  ...reused(ofSignals),
  ...reused([
    ...cross('kind', keyServers, [proving, answers], (): Expected => ({ codes: [1, 4] })),
    ...cross('kind', [pausedKeyServer], [answers], () => survives),
  ]),
  ...reused(ofTheTool),
  ...reused(ofParts),
  ...made,
];
