/** Faults that every target has, and the pieces that others are made of. */
import { execFileSync } from 'node:child_process';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isPart, type Process } from '../e2e/local/processes.ts';
import type { Cell, Expected, Fault, Moment, TargetName } from './cell.ts';
import type { Place } from './place.ts';
import type { Running } from './running.ts';

const clock = fileURLToPath(new URL('clock.mjs', import.meta.url));

/** A run that has nothing to do with the fault: all verdicts, as without it. */
export const survives: Expected = { codes: [1], whole: true };
/** A mesh that is not there any more. A check that has failed before counts more than that. */
export const noVerdict: Expected = { codes: [4] };
export const noVerdictOrFailed: Expected = { codes: [1, 4] };

export interface Signal extends Fault {
  readonly expected: Expected;
}

const interrupted = /Interrupted: this is not the result of a whole run/;

export const signals: readonly Signal[] = [
  { name: 'SIGINT', bring: (run) => run.kill('SIGINT'), expected: { codes: [130], says: interrupted } },
  { name: 'SIGTERM', bring: (run) => run.kill('SIGTERM'), expected: { codes: [143], says: interrupted } },
  { name: 'SIGHUP', bring: (run) => run.kill('SIGHUP'), expected: { codes: [129], says: interrupted } },
  { name: 'kill -9', bring: (run) => run.kill('SIGKILL'), expected: { codes: ['SIGKILL'], cutOff: true } },
  {
    name: 'SIGINT twice',
    bring: async (run) => {
      run.kill('SIGINT');
      await run.says(/SIGINT: cleaning up/);
      run.kill('SIGINT');
    },
    // Whatever had been cleaned up by then: it may have ended in good order before the second one.
    expected: { codes: [130], cutOff: true },
  },
];

/** All is written then, and what is left to do may be over before the signal, or be cut off by it. */
export function ofEnd({ name, expected }: Signal): Expected | undefined {
  // There is no time for two.
  if (name === 'SIGINT twice') return undefined;
  const ends = /^SIG[A-Z]+$/.test(name) ? [name as NodeJS.Signals] : [];
  return { ...expected, says: undefined, codes: [...expected.codes, 1, ...ends] };
}

/**
 * Brings something to a halt for some seconds, or for good.
 *
 * @param halt does it, and returns what lets it go on
 * @param isUndone it goes on when the cell is over, because it is not of the run
 */
export function halted(
  what: string,
  seconds: number | undefined,
  halt: (place: Place) => () => unknown,
  isUndone: boolean,
): Fault {
  return {
    name: `${what} ${seconds === undefined ? 'for good' : `for ${seconds} s`}`,
    bring: async (_, place) => {
      const goOn = halt(place);
      if (seconds !== undefined) {
        await sleep(seconds * 1000);
        goOn();
      } else if (isUndone) place.undo.push(goOn);
    },
  };
}

/** The run is held, so that it is not over before something else has been tried beside it. */
export async function meanwhile<T>(running: Running, work: () => Promise<T>): Promise<T> {
  running.kill('SIGSTOP');
  try {
    return await work();
  } finally {
    running.kill('SIGCONT');
  }
}

/** Stops a process for some seconds, or for good. */
export function stopped(name: string, isIt: (process: Process) => boolean, seconds?: number): Fault {
  const stop = (place: Place) => {
    const { pid } = place.process(name, isIt);
    process.kill(pid, 'SIGSTOP');
    return () => process.kill(pid, 'SIGCONT');
  };
  return halted(`SIGSTOP of ${name}`, seconds, stop, false);
}

export function killed(name: string, isIt: (process: Process) => boolean): Fault {
  return {
    name: `kill -9 of ${name}`,
    bring: (_, place) => void process.kill(place.process(name, isIt).pid, 'SIGKILL'),
  };
}

/** Parts of a local mesh, with names that messages use. */
export const parts = Object.entries(isPart).map(([name, isIt]) => ({ name, isIt }));
export const guardian = ({ args }: Process) => args.includes('guardian');

export const needsRoot = process.geteuid?.() === 0 ? undefined : 'only root can mount a file system';

/** The folders of a run, each of which may be full or closed. */
const folders = {
  reports: (place: Place) => place.out,
  artifacts: (place: Place) => place.folder.sub('work/out/artifacts'),
  TMPDIR: (place: Place) => place.temporary,
  'the state folder': (place: Place) => place.state,
  'the debug log': (place: Place) => place.folder.sub('work/reports'),
} as const;

type FolderName = keyof typeof folders;

/** A disk that has room for nothing when the run begins. */
export function full(name: FolderName): Fault {
  return {
    name: `disk of ${name} full`,
    before: (place) => {
      const folder = folders[name](place);
      place.mount(folder, '4k');
      writeFileSync(join(folder, 'filler'), 'x'.repeat(4096));
      // What is left is looked for without it.
      place.undo.push(() => rmSync(join(folder, 'filler'), { force: true }));
    },
    bring: () => {},
  };
}

/** A disk that is filled in the middle of the run. */
export function filled(name: FolderName, size: string): Fault {
  return {
    name: `disk of ${name} filled`,
    before: (place) => place.mount(folders[name](place), size),
    bring: async (_, place) => {
      const folder = folders[name](place);
      const { bavail, bsize } = statfsSync(folder);
      const filler = join(folder, 'filler');
      // It ends when the disk is full, and that is what it is for.
      try {
        execFileSync('fallocate', ['-l', String(bavail * bsize), filler], { stdio: 'ignore' });
      } catch {}
    },
    after: async (_, place) => {
      rmSync(join(folders[name](place), 'filler'), { force: true });
      return [];
    },
  };
}

export function closed(name: FolderName): Fault {
  return {
    name: `${name} cannot be written`,
    before: (place) => place.readOnly(folders[name](place)),
    bring: () => {},
  };
}

/** What the run writes goes nowhere. */
export const unread: Fault = { name: 'its output is not read any more', bring: (run) => run.close() };

/** The clock of the tool is set; that of the mesh stays, as when they run on several machines. */
export function clockStep(name: string, ms: number): Fault {
  return {
    name: `clock set ${name}`,
    env: () => ({ NODE_OPTIONS: `--import ${clock}`, JWT_E2E_FAULTS_CLOCK_STEP: String(ms) }),
    bring: (run) => run.kill('SIGUSR2'),
  };
}

/** All faults at all moments, each with what is expected. */
export function cross(
  target: TargetName,
  faults: readonly Fault[],
  when: readonly Moment[],
  expected: (fault: Fault, moment: Moment) => Expected | undefined,
  more: (fault: Fault, moment: Moment) => Partial<Cell> = () => ({}),
): Cell[] {
  return when.flatMap((moment) =>
    faults.flatMap((fault) => {
      const wanted = expected(fault, moment);
      if (wanted === undefined) return [];
      return [{ target, fault, moment, expected: wanted, ...more(fault, moment) }];
    }),
  );
}
