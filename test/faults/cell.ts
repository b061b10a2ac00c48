/** A cell of the matrix: a fault, at a moment, on a target, and what has to come of it, said before it is tried. */
import type { Place } from './place.ts';
import type { Ending, Running } from './running.ts';

export type TargetName = 'local' | 'kind' | 'cluster';

/** When a fault is brought about. */
export interface Moment {
  readonly name: string;
  /** Said by the run on its terminal or in its debug log; undefined for before it is started. */
  readonly said: RegExp | undefined;
}

/** How a run may end. A run without faults ends with 1: one check of its scenarios has to fail. */
export interface Expected {
  /** Exit codes, or the names of signals that end the process. */
  readonly codes: readonly (number | NodeJS.Signals)[];
  /** On the terminal. */
  readonly says?: RegExp | undefined;
  /** Each report is there and valid, or valid when there is one, such as on a full disk. */
  readonly reports?: 'there' | 'valid when there' | undefined;
  /** It ends without having finished, so that its reports are those of a run that goes on. */
  readonly cutOff?: boolean | undefined;
  /** Every check has its verdict. */
  readonly whole?: boolean | undefined;
}

export interface Fault {
  readonly name: string;
  /** Flags of the run, variables, and how it is started. */
  readonly args?: readonly string[];
  readonly env?: (place: Place) => Readonly<Record<string, string>>;
  /** A shell's redirection of what the run writes. */
  readonly redirect?: string;
  /** Prepares the place, before the run is started. */
  readonly before?: (place: Place) => Promise<unknown> | unknown;
  readonly bring: (running: Running, place: Place) => Promise<unknown> | unknown;
  /** Looks at what has come of it, and takes back what would disturb the next cell. @returns what is wrong */
  readonly after?: ((ended: Ending, place: Place) => Promise<readonly string[]>) | undefined;
}

export interface Cell {
  readonly target: TargetName;
  readonly fault: Fault;
  readonly moment: Moment;
  readonly expected: Expected;
  /** Part of --quick. */
  readonly quick?: boolean;
  /** Breaks what others use, such as the engine; only tried when asked for. */
  readonly engine?: boolean;
  /** Why it cannot be tried here. */
  readonly skip?: string | undefined;
  /** The place that it needs; default: a place of the target. */
  readonly place?: (() => Promise<Place>) | undefined;
}

export function titleOf({ target, fault, moment }: Cell): string {
  return `${target}: ${fault.name}, ${moment.name}`;
}

/** What came of a cell. */
export interface Outcome {
  readonly cell: string;
  readonly target: TargetName;
  readonly fault: string;
  readonly moment: string;
  readonly state: 'ok' | 'wrong' | 'skipped';
  /** What is wrong, or why it was skipped. */
  readonly wrong: readonly string[];
  readonly exit?: number | string | undefined;
  readonly message?: string | undefined;
  readonly seconds?: number;
  /** All that it wrote; for cells that are wrong. */
  readonly output?: string;
}
