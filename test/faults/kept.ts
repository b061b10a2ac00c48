/** Cells about a local mesh that is kept, which another process has. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Process } from '../e2e/local/processes.ts';
import type { Cell, Expected, Fault } from './cell.ts';
import {
  closed,
  cross,
  full,
  killed,
  meanwhile,
  needsRoot,
  noVerdict,
  noVerdictOrFailed,
  type Signal,
  signals,
  stopped,
  survives,
} from './faults.ts';
import { moments } from './moments.ts';
import type { Place } from './place.ts';
import type { Ending } from './running.ts';

const use = ['--name', 'kept', '--reuse', '--keep'];
const { before, applying, proving, answers } = moments;

/** The process that keeps a mesh. */
const host = ({ args }: Process) => args[1]?.endsWith('/host.mjs') === true;

async function up(place: Place): Promise<void> {
  const made = await place.command('up', ['--target', 'local', '--name', 'kept']).ended(240_000);
  if (made?.exit !== 0) throw new Error(`up: ${made?.exit}: ${made?.output}`);
}

/** Ends the mesh; whether one is there or not, that ends with 0. */
async function down(place: Place): Promise<string[]> {
  const ended = await place.command('down', ['--target', 'local', '--name', 'kept']).ended(60_000);
  return ended?.exit === 0 ? [] : [`"down" ended with ${ended?.exit ?? 'nothing'}: ${ended?.output ?? ''}`];
}

/** The next run on the mesh gets all verdicts, so nothing disturbs it. */
async function next(_: Ending, place: Place): Promise<readonly string[]> {
  const run = place.command('run', ['--target', 'local', ...use, join(place.work, 'require.yaml')]);
  const ended = await run.ended(240_000);
  const wrong =
    ended?.exit === 0 ? [] : [`the next run ended with ${ended?.exit ?? 'nothing'}: ${ended?.output ?? ''}`];
  return [...wrong, ...(await down(place))];
}

/** Its process goes on, so that it can be ended. */
async function goOn(_: Ending, place: Place): Promise<readonly string[]> {
  process.kill(place.process('the mesh', host).pid, 'SIGCONT');
  return down(place);
}

/** The same faults on a mesh that is kept. */
function kept(fault: Fault, after: Fault['after'] = next): Fault {
  return { ...fault, name: `${fault.name}, mesh kept`, args: use, before: up, after };
}

/** A file that the run finds in its state folder. */
function found(name: string, file: string, text: string): Fault {
  return {
    name,
    args: use,
    before: (place) => {
      mkdirSync(join(place.state, 'istio-jwt-e2e', file, '..'), { recursive: true });
      writeFileSync(join(place.state, 'istio-jwt-e2e', file), text);
    },
    bring: () => {},
    after: (_, place) => down(place),
  };
}

const gone = 4_194_000;
const mesh = (pid: number) =>
  JSON.stringify({ pid, socket: '/nowhere/host', istio: 'x', envoy: 'y', istiodEnv: {} });
const lock = (pid: number) => JSON.stringify({ pid, since: Date.now() - 1000 });

const leftOver: readonly Cell[] = cross(
  'local',
  [
    found('the lock of a process that is gone', 'starting-kept', lock(gone)),
    found('a lock that is no JSON', 'starting-kept', 'garbage'),
    found('the state of a mesh that is gone', 'local-kept/mesh.json', mesh(gone)),
    found('a state of a mesh that is no JSON', 'local-kept/mesh.json', '{"pid":'),
  ],
  [before],
  () => survives,
);

const twoRuns: Fault = {
  name: 'another run on the mesh',
  args: use,
  before: up,
  bring: async (running, place) => {
    const other = place.command('run', ['--target', 'local', ...use, join(place.work, 'require.yaml')]);
    const ended = await meanwhile(running, () => other.ended(120_000));
    if (ended?.exit !== 4 || !ended.output.includes('is in use by another run')) {
      throw new Error(`the other run ended with ${ended?.exit ?? 'nothing'}: ${ended?.output ?? ''}`);
    }
  },
  after: next,
};

const downMeanwhile: Fault = {
  name: '"down" of the mesh',
  args: use,
  before: up,
  bring: async (_, place) => {
    const wrong = await down(place);
    if (wrong.length > 0) throw new Error(wrong[0]);
  },
};

/** Ending a run that makes the mesh leaves none. */
const making: readonly Cell[] = cross(
  'local',
  signals.map((signal) => ({
    ...signal,
    name: `${signal.name}, mesh to be kept`,
    args: use,
    after: async (_: Ending, place: Place) => down(place),
  })),
  [{ name: 'etcd starts', said: /"phase":"Starting / }],
  (fault) => ({ ...(fault as Signal).expected, reports: 'valid when there' }) as Expected,
);

export const keptCells: readonly Cell[] = [
  ...cross(
    'local',
    signals.map((signal) => ({ ...kept(signal), expected: signal.expected })),
    [answers],
    (fault) => (fault as unknown as Signal).expected,
  ),
  ...cross('local', [kept(killed('the host process', host))], [applying, answers], () => noVerdict),
  ...cross('local', [kept(stopped('the host process', host, 3))], [proving, answers], () => survives),
  ...cross('local', [kept(stopped('the host process', host), goOn)], [answers], () => noVerdictOrFailed),
  ...cross('local', [twoRuns], [answers], () => survives),
  ...cross('local', [downMeanwhile], [answers], () => noVerdictOrFailed),
  ...making,
  ...leftOver,
  ...cross(
    'local',
    [full('the state folder'), closed('the state folder')].map((fault) => ({
      ...fault,
      name: `${fault.name}, mesh to be kept`,
      args: use,
    })),
    [before],
    () => ({ codes: [4], says: /E_FILE/, reports: 'valid when there' }) satisfies Expected,
    () => ({ skip: needsRoot }),
  ),
];
