/** The command line as it is: its own description of itself, so that nothing is written down twice. */
import { commandLine } from '../../src/cli/main.ts';
import type { CommandSpec } from '../../src/settings/options.ts';

export interface CommandHelp extends Pick<CommandSpec, 'name' | 'description' | 'operand'> {
  /** Long flags with whether they take a value. */
  readonly flags: ReadonlyMap<string, boolean>;
  /** Short flags and what they stand for. */
  readonly short: ReadonlyMap<string, string>;
}

/** All commands, by name. */
export function commandHelp(): Map<string, CommandHelp> {
  const { commands } = commandLine(() => {});
  return new Map(
    commands.map(({ name, description, operand, options }) => {
      const flags = new Map(options.map((option) => [option.name, option.value !== undefined]));
      const short = options.flatMap((option) =>
        option.short === undefined ? [] : [[option.short, option.name] as const],
      );
      return [name, { name, description, operand, flags: flags.set('help', false), short: new Map(short) }];
    }),
  );
}
