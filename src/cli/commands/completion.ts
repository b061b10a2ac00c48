/** `jwt-e2e completion`: a script that lets a shell complete commands, options, their values and files. */
import { exitCodes, HarnessError } from '../../errors.ts';
import type { CommandSpec } from '../../settings/options.ts';
import type { Output } from '../io.ts';
import { bashCompletion } from './completion-bash.ts';
import { fishCompletion } from './completion-fish.ts';
import { completables } from './completion-words.ts';
import { zshCompletion } from './completion-zsh.ts';

const writers = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/**
 * Writes the script to standard output.
 *
 * @param shells the operands: exactly one of bash, zsh and fish
 * @param commands of the whole program
 * @throws HarnessError E_USAGE for anything else
 */
export function completionCommand(
  shells: readonly string[],
  commands: readonly CommandSpec[],
  io: Output,
): number {
  const [shell = '', ...more] = shells;
  if (!Object.hasOwn(writers, shell) || more.length > 0) {
    const given = shells.length === 0 ? 'no shell was named' : `"${shells.join(' ')}" is not one of them`;
    throw new HarnessError('E_USAGE', `completion is for bash, zsh or fish: ${given}`, {
      hint: 'Write for example "source <(jwt-e2e completion bash)", in ~/.bashrc for every shell to come.',
    });
  }
  io.stdout.write(writers[shell as keyof typeof writers](completables(commands)));
  return exitCodes.passed;
}
