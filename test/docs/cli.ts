/** The command line as it is: asked for its own help, so that nothing is written down twice. */
import { vi } from 'vitest';
import { main } from '../../src/cli/main.ts';

export interface CommandHelp {
  readonly name: string;
  readonly description: string;
  /** Long flags with whether they take a value. */
  readonly flags: ReadonlyMap<string, boolean>;
  /** Short flags and what they stand for. */
  readonly short: ReadonlyMap<string, string>;
  readonly takesFiles: boolean;
}

async function helpOf(args: readonly string[]): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    const code = await main([...args, '--help']);
    if (code !== 0) throw new Error(`"${args.join(' ')} --help" ended with ${code}`);
  } finally {
    write.mockRestore();
  }
  return text;
}

/** All commands, by name. */
export async function commandHelp(): Promise<Map<string, CommandHelp>> {
  const overview = (await helpOf([])).split('\nCommands:\n')[1] ?? '';
  const names = [...overview.matchAll(/^ {2}(\w+)\b/gm)].map((match) => match[1] ?? '');
  const commands = new Map<string, CommandHelp>();
  // One after the other: they all write to the same stream.
  for (const name of names) if (name !== 'help') commands.set(name, parse(name, await helpOf([name])));
  return commands;
}

function parse(name: string, text: string): CommandHelp {
  const [, usage = '', description = ''] = /^Usage: jwt-e2e (.*)\n\n([\s\S]*?)\n\n/.exec(text) ?? [];
  const flags = new Map<string, boolean>();
  const short = new Map<string, string>();
  for (const [, letter, flag = '', value] of text.matchAll(/^ {2}(?:-(\w), )?--([\w-]+)( <[^>]+>)?/gm)) {
    flags.set(flag, value !== undefined);
    if (letter !== undefined) short.set(letter, flag);
  }
  return {
    name,
    description: description.replaceAll(/\s+/g, ' '),
    flags,
    short,
    takesFiles: usage.includes('[files...]'),
  };
}
