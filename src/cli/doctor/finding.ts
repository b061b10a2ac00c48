/** What `jwt-e2e doctor` finds out, and what it is given for that. */

import type { ProgramState } from '../../programs/local/survey-programs.ts';
import type { Report } from '../../programs/report.ts';
import type { Versions } from '../../programs/versions.ts';
import type { Values } from '../../settings/settings.ts';
import type { TargetName } from '../../settings/typed.ts';

/** A warning does not keep a target from being had; what is broken does. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'broken';
  readonly version?: string | undefined;
  /** Where it is, how much there is, or what is wrong. */
  readonly text: string;
  /** What to do, as a command or a sentence. */
  readonly remedy?: string | undefined;
}

/** How the machine is asked; tests have machines of their own. */
export interface Machine {
  /** As `process.versions.node`. */
  readonly node: string;
  /** Memory that can be had without swapping, in bytes. */
  memory(): number;
  /** Free bytes where a path is or would be; undefined when nothing can be said. */
  freeDisk(path: string): Promise<number | undefined>;
  /** The number in a file of /proc; undefined where there is no such file. */
  limit(file: string): number | undefined;
}

export interface Surroundings {
  readonly values: Values;
  readonly versions: Versions;
  readonly env: NodeJS.ProcessEnv;
  readonly machine: Machine;
  /** Receives what was passed over, and why. */
  readonly report: Report;
  readonly signal: AbortSignal;
}

export interface Probe {
  /** What is looked at; it stands in the finding when there is no answer in time. */
  readonly name: string;
  /** The target that cannot be had when something is broken; undefined: none of them can. */
  readonly target?: TargetName;
  /** Its findings come within {@link limitOf} milliseconds of its own or the usual ones. */
  readonly limitMs?: number;
  readonly look: (around: Surroundings) => Promise<readonly Finding[]>;
}

/** A program in the words of the doctor: what can be had when it is needed is no fault. */
export function programFinding(program: ProgramState<string>): Finding {
  const { name, state, version, where, remedy } = program;
  if (state === 'here') return { name, state: 'ok', version, text: where };
  if (state === 'missing') return { name, state: 'broken', version, text: where, remedy };
  return { name, state: 'ok', version, text: `not here yet; comes from ${where} when it is needed`, remedy };
}
