/** Where commands write to, and what they know of their surroundings. */
import { HarmlessOutput, type Output as TextOutput } from '../harmless.ts';
import { describeTerminal } from '../report/terminal.ts';

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

/** Standard output or standard error: whatever the program says goes through here. */
function harmless(stream: NodeJS.WriteStream): TextOutput {
  return new HarmlessOutput(stream, {
    github: () => describeTerminal(stream, process.env).github !== undefined,
  });
}

export const processIo: Io = {
  stdout: harmless(process.stdout),
  stderr: harmless(process.stderr),
  env: process.env,
  cwd: process.cwd(),
};
