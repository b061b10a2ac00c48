/**
 * What the three processes of a Vitest run say to each other. Tests run in workers of Vitest; the mesh is held by a process
 * of its own, which ends when Vitest does, however that ends; Vitest's main process brings the two together. All of it is
 * JSON, a value in each line, over sockets that only this user can reach.
 */
import { resolve } from 'node:path';
import type { Place } from '../base/errors.ts';
import type { CheckResult, Problem } from '../base/events.ts';
import type { Values } from '../settings/settings.ts';

/** What the process that holds the mesh is told when it starts, in the variable {@link configVariable}. */
export interface HostConfig {
  readonly values: Values;
  /** Scenario files and folders that may be asked for, absolute. */
  readonly paths: readonly string[];
  /** Whether somebody waits for the verdict of what they have just saved. */
  readonly isWatching: boolean;
  /** Where it listens. */
  readonly socket: string;
}

export const configVariable = 'JWT_E2E_VITEST_HOST';

/** What it writes when it listens. */
export const listening = 'listening\n';

/** What it reads on standard input: end the scenarios that run, or forget that the mesh could not be set up. */
export type Order = 'cut' | 'again';

/** What a test file sends. */
export interface FileRequest {
  /** Absolute. */
  readonly file: string;
  /** Ids of the checks that are wanted; absent for all. */
  readonly checks?: readonly string[] | undefined;
}

/** What it gets. `finished` is the last line. */
export type FileLine =
  | {
      /** The mesh is up. */
      readonly type: 'ready';
      /** Checks that are not going to be made, by their ids, with the reason. */
      readonly leftOut: Readonly<Record<string, string>>;
    }
  | { readonly type: 'check'; readonly check: CheckResult }
  | { readonly type: 'finished'; readonly problem?: Problem | undefined };

/** The line with absolute files in its places: tests may run in another folder than the process that holds the mesh. */
export function withWholePlaces(line: FileLine): FileLine {
  if (line.type === 'check') return { ...line, check: { ...line.check, place: whole(line.check.place) } };
  if (line.type !== 'finished' || line.problem?.place === undefined) return line;
  return { ...line, problem: { ...line.problem, place: whole(line.problem.place) } };
}

function whole(place: Place): Place {
  return { ...place, file: resolve(place.file) };
}
