/** The cells that end the container engine itself. Whatever else runs on it may end as well: `--engine` asks for them. */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cell, Expected, Fault } from './cell.ts';
import { cross } from './faults.ts';
import { kind, moments } from './moments.ts';
import { KindPlace, type Place, testCluster } from './place.ts';
import type { Ending } from './running.ts';

/** A shell's command that starts the engine again, and returns when it answers. */
const start = process.env.JWT_E2E_TEST_ENGINE_UP ?? '';
const why =
  testCluster === '' || start === ''
    ? 'JWT_E2E_TEST_CLUSTER and JWT_E2E_TEST_ENGINE_UP, the command that starts the engine, have to be set'
    : undefined;

const shell = (line: string) => execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8', stdio: 'pipe' });
const pidOf = (line: string): number => {
  const pid = Number(shell(line).trim().split('\n')[0]);
  if (!(pid > 1)) throw new Error(`no process is found by: ${line}`);
  return pid;
};

/** With the engine back, "down" removes what the run could not. */
async function back(_: Ending, place: Place): Promise<readonly string[]> {
  shell(start);
  let over = await place.command('down', place.args).ended(180_000);
  // What watches over the run has begun to remove what it could not, and has the cluster for so long.
  for (let tries = 0; tries < 30 && over?.output.includes('is in use by process'); tries++) {
    await sleep(2_000);
    over = await place.command('down', place.args).ended(180_000);
  }
  return over?.exit === 0 ? [] : [`"down" ended with ${over?.exit ?? 'nothing'}: ${over?.output ?? ''}`];
}

function killed(what: string, find: string): Fault {
  return {
    name: `kill -9 of ${what}`,
    bring: (_, place) => {
      process.kill(pidOf(find), 'SIGKILL');
      place.undo.push(() => shell(start));
    },
    after: back,
  };
}

const faults: readonly Fault[] = [
  killed('dockerd', 'pgrep -o -x dockerd'),
  killed("dockerd's containerd", 'pgrep -x containerd -P "$(pgrep -o -x dockerd)" || pgrep -o -x containerd'),
];

/** Containers go on without it, so that there may be verdicts; but those have to be right. */
const expected: Expected = { codes: [1, 4] };

export const engineCells: readonly Cell[] = cross(
  'kind',
  faults,
  [kind.creating, kind.installing, moments.answers],
  () => expected,
  () => ({ place: async () => new KindPlace(`${testCluster}-engine`), skip: why, engine: true }),
);
