/** Where commands write to, and what they know of their surroundings. */
import { HarmlessOutput, type Output as TextOutput } from '../../base/harmless.ts';
import { programName } from '../../engine/product.ts';
import { describeTerminal } from '../../report/console/terminal.ts';
import { redact } from '../../token/decode.ts';

/** Where a command writes to. */
export interface Output {
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
}

/** Where a command writes, and what it knows of its surroundings; tests give their own. */
export interface Io extends Output {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

let areTokensShown = false;

/** Whether signatures of tokens may be written, such as in a line of a scenario file; not before this is called. */
export function showTokens(areShown: boolean): void {
  areTokensShown = areShown;
}

/** The text as it may be written. Of a piece of it that cannot be told: what is secret may be so by what stands around it. */
export function asShown(text: string): string {
  return areTokensShown ? text : redact(text);
}

/** Standard output or standard error: whatever the program says goes through here. */
function harmless(stream: NodeJS.WriteStream): TextOutput {
  return new HarmlessOutput(stream, {
    change: asShown,
    github: () => describeTerminal(stream, process.env).github !== undefined,
  });
}

/** What stands before the name of a command, as this process was started. */
export const typedCommand = programName({ cwd: process.cwd(), env: process.env });

export const processIo: Io = {
  stdout: harmless(process.stdout),
  stderr: harmless(process.stderr),
  env: process.env,
  get cwd() {
    return process.cwd();
  },
};
