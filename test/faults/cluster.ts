/** The cells of the target cluster: an existing one, of which only an API server is known. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { KubeClient } from '../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../src/kube/kube-config.ts';
import { deleteObject, listObjects } from '../../src/kube/objects.ts';
import { makeUsers } from '../e2e/cluster/users.ts';
import type { Cell, Expected, Fault } from './cell.ts';
import { cross, halted, noVerdictOrFailed, type Signal, signals, survives, unread } from './faults.ts';
import { moments } from './moments.ts';
import { ClusterPlace, kubeconfig, type Place, testCluster } from './place.ts';
import type { Ending } from './running.ts';

const { applying, proving, answers, undone } = moments;
const why =
  testCluster === ''
    ? 'JWT_E2E_TEST_CLUSTER names no cluster; make one with "jwt-e2e up --name NAME"'
    : undefined;
const node = `${testCluster}-control-plane`;
const admin = ['--target', 'cluster', '--kubeconfig', kubeconfig];

async function withAdmin<T>(work: (client: KubeClient) => Promise<T>): Promise<T> {
  const client = new KubeClient(loadKubeConfig({ file: kubeconfig }));
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** The next run finds what is left and gets all verdicts. */
async function next(_: Ending, place: Place): Promise<readonly string[]> {
  for (const undo of place.undo.splice(0).reverse()) await undo();
  const run = place.command('run', [...admin, '--reuse', '--keep', join(place.work, 'require.yaml')]);
  const over = await run.ended(300_000);
  return over?.exit === 0
    ? []
    : [`the next run ended with ${over?.exit ?? 'nothing'}: ${over?.output ?? ''}`];
}

/** "down" removes what a killed run has left. */
async function down(_: Ending, place: Place): Promise<readonly string[]> {
  const over = await place.command('down', admin).ended(180_000);
  return over?.exit === 0 ? [] : [`"down" ended with ${over?.exit ?? 'nothing'}: ${over?.output ?? ''}`];
}

function docker(...args: readonly string[]): string {
  return execFileSync(process.env.JWT_E2E_DOCKER ?? 'docker', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const ofSignals = (after: Fault['after']) =>
  signals.map((signal) => (signal.expected.cutOff ? { ...signal, after } : signal));
const expectedOf = (fault: Fault): Expected => (fault as Signal).expected;

function api(seconds?: number): Fault {
  const signal = (which: string) => docker('exec', node, 'pkill', `-${which}`, '-x', 'kube-apiserver');
  const stop = () => {
    signal('STOP');
    return () => signal('CONT');
  };
  return { ...halted('SIGSTOP of the API server', seconds, stop, true), after: nextOnceReady };
}

/** The kubelet starts an API server anew that has not answered it for long; until then nobody else can do anything. */
async function nextOnceReady(ending: Ending, place: Place): Promise<readonly string[]> {
  for (const undo of place.undo.splice(0).reverse()) await undo();
  const kubectl = ['exec', node, 'kubectl', '--kubeconfig', '/etc/kubernetes/admin.conf'];
  const isReady = () => {
    try {
      docker(...kubectl, 'get', '--raw', '/readyz');
      docker(...kubectl, 'wait', '-A', '--for=condition=Available', 'deploy', '--all', '--timeout', '5s');
      return true;
    } catch {
      return false;
    }
  };
  // Once may be just before it ends.
  for (let times = 0, tries = 0; times < 5; tries++) {
    if (tries > 120) return ['the cluster has not come back'];
    times = isReady() ? times + 1 : 0;
    await sleep(1000);
  }
  // istiod watches each kind anew by then: client-go waits for up to 30 s between two tries (reflector.go).
  await sleep(35_000);
  return next(ending, place);
}

const pausedNode: Fault = {
  name: 'docker pause of the node for 4 s',
  bring: async () => {
    docker('pause', node);
    await sleep(4000);
    docker('unpause', node);
  },
  after: next,
};

const foreign: readonly Fault[] = [
  {
    name: 'somebody deletes its namespace',
    bring: () =>
      withAdmin((client) =>
        deleteObject(
          client,
          { apiVersion: 'v1', kind: 'Namespace', name: 'foo' },
          AbortSignal.timeout(20_000),
        ),
      ),
    after: next,
  },
  {
    name: 'somebody deletes its policies',
    bring: () =>
      withAdmin(async (client) => {
        const kind = { apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication' };
        for (const { metadata } of await listObjects(client, kind, AbortSignal.timeout(20_000))) {
          const { name, namespace = '' } = metadata;
          await deleteObject(client, { ...kind, name, namespace }, AbortSignal.timeout(20_000));
        }
      }),
    after: next,
  },
  {
    name: 'somebody deletes its pods',
    bring: () =>
      withAdmin(async (client) => {
        const kind = { apiVersion: 'v1', kind: 'Pod' };
        for (const { metadata } of await listObjects(
          client,
          { ...kind, namespace: 'foo' },
          AbortSignal.timeout(20_000),
        )) {
          await deleteObject(
            client,
            { ...kind, name: metadata.name, namespace: 'foo' },
            AbortSignal.timeout(20_000),
          );
        }
      }),
    after: next,
  },
];

/** The roles of its users are taken away. */
function withdrawn(part: 'data-plane' | 'mesh'): Fault {
  return {
    name: `the role of the ${part === 'mesh' ? 'mesh' : 'data plane'} is withdrawn`,
    bring: () =>
      withAdmin((client) =>
        deleteObject(
          client,
          {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRoleBinding',
            name: `jwt-e2e-users-${part}`,
          },
          AbortSignal.timeout(20_000),
        ),
      ),
    after: next,
  };
}

/** A cluster as two users see it who have the published roles. */
async function withUsers(): Promise<Place> {
  const client = new KubeClient(loadKubeConfig({ file: kubeconfig }));
  const users = await makeUsers(client);
  const place = new ClusterPlace(true, [
    '--kubeconfig',
    users.data,
    '--mesh-kubeconfig',
    users.mesh,
    '--yes',
  ]);
  place.undo.push(async () => {
    await users.remove();
    await client.close();
  });
  return place;
}

/** The network between here and the API server, which can be cut. */
class Wire {
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((near) => {
    const far = connect(this.#port, this.#host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    if (this.#isFrozen) this.freeze();
  });
  readonly #host: string;
  readonly #port: number;
  #isFrozen = false;

  constructor(server: string) {
    const { hostname, port } = new URL(server);
    this.#host = hostname;
    this.#port = Number(port);
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return (this.#server.address() as { port: number }).port;
  }

  /** Every connection ends, and no other is taken. */
  cut(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing gets through any more, and nobody is told. */
  freeze(isFrozen = true): void {
    this.#isFrozen = isFrozen;
    for (const socket of this.#sockets) {
      if (isFrozen) socket.unpipe();
      if (isFrozen) socket.pause();
    }
    if (!isFrozen) for (const socket of this.#sockets) socket.destroy();
  }
}

interface WiredPlace extends Place {
  wire: Wire;
  port: number;
}

async function wired(): Promise<Place> {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] };
  const wire = new Wire(config.clusters[0]?.cluster.server ?? '');
  const port = await wire.listen();
  for (const { cluster } of config.clusters) cluster.server = `https://127.0.0.1:${port}`;
  const place = new ClusterPlace(true, []) as ClusterPlace & WiredPlace;
  const file = join(place.folder.path, 'wired.kubeconfig');
  writeFileSync(file, stringify(config), { mode: 0o600 });
  (place.args as string[]).push('--kubeconfig', file);
  place.wire = wire;
  place.port = port;
  place.undo.push(() => wire.cut());
  return place;
}

function network(name: string, todo: (wire: Wire, port: number) => unknown): Fault {
  return {
    name: `the network ${name}`,
    bring: (_, place) => todo((place as WiredPlace).wire, (place as WiredPlace).port),
    after: next,
  };
}

const networks: readonly Fault[] = [
  network('is cut for good', (wire) => wire.cut()),
  network('is cut for 3 s', async (wire, port) => {
    wire.cut();
    await sleep(3000);
    await wire.listen(port);
  }),
  network('loses everything for good', (wire) => wire.freeze()),
  network('loses everything for 4 s, and its connections', async (wire) => {
    wire.freeze();
    await sleep(4000);
    wire.freeze(false);
  }),
];

const all: readonly Cell[] = [
  ...cross('cluster', ofSignals(next), [applying, answers, undone], expectedOf, (fault, moment) => ({
    quick: fault.name === 'SIGINT' && moment === answers,
  })),
  // With nothing to keep: the namespaces go as well.
  ...cross(
    'cluster',
    ofSignals(down).map((fault) => ({ ...fault, name: `${fault.name}, nothing kept` })),
    [answers],
    expectedOf,
    () => ({ place: async () => new ClusterPlace(false) }),
  ),
  ...cross('cluster', [api(3)], [proving, answers], () => survives),
  ...cross('cluster', [api()], [answers], () => noVerdictOrFailed),
  ...cross('cluster', [pausedNode], [answers], () => noVerdictOrFailed),
  ...cross('cluster', foreign, [proving, answers], () => noVerdictOrFailed),
  ...cross('cluster', [unread], [answers], () => survives),
  ...cross(
    'cluster',
    [withdrawn('data-plane'), withdrawn('mesh')],
    [answers],
    () => noVerdictOrFailed,
    () => ({
      place: withUsers,
    }),
  ),
  ...cross(
    'cluster',
    networks,
    [proving, answers],
    () => noVerdictOrFailed,
    () => ({ place: wired }),
  ),
];

export const clusterCells: readonly Cell[] = all.map((cell) => ({
  place: async () => new ClusterPlace(),
  ...cell,
  skip: why,
}));
