/** What can be completed, the same for all shells: made from the commands and options that there are. */
import type { CommandSpec, OptionSpec } from '../../settings/options.ts';

/** What may stand at a place: one of some words, a file, a folder, or what nobody can guess. */
export type Completion =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'files' | 'folders' | 'anything' };

export interface CompletableOption {
  readonly name: string;
  readonly short: string | undefined;
  readonly description: string;
  readonly many: boolean;
  /** What stands for the value in help texts, and how to complete it; undefined for a switch. */
  readonly value: { readonly label: string; readonly completion: Completion } | undefined;
}

export interface CompletableCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletableOption[];
  /** What may follow besides options; undefined for nothing. */
  readonly operands: Completion | undefined;
}

/** Every command takes it. */
const help: CompletableOption = {
  name: 'help',
  short: 'h',
  description: 'display help for command',
  many: false,
  value: undefined,
};

/** The program's own options, before any command. */
export const globalOptions: readonly CompletableOption[] = [
  { ...help, name: 'version', short: 'V', description: 'output the version number' },
  help,
];

/** The commands in their order, and last `help`, whose operand is a command. */
export function completables(commands: readonly CommandSpec[]): CompletableCommand[] {
  const all = commands.map(({ name, description, options, operand }) => ({
    name,
    description,
    options: [...options.map(completable), help],
    operands: operand === undefined ? undefined : operandsOf(operand),
  }));
  const words = all.map(({ name }) => name);
  const operands: Completion = { kind: 'words', words };
  return [...all, { name: 'help', description: 'display help for command', options: [], operands }];
}

function completable({ name, short, description, many = false, value, choices }: OptionSpec) {
  const completion = value === undefined ? undefined : valuesOf(value, choices);
  return {
    name,
    short,
    description,
    many,
    value: value === undefined || completion === undefined ? undefined : { label: value, completion },
  };
}

function valuesOf(label: string, choices: readonly string[] | undefined): Completion {
  if (choices !== undefined) return { kind: 'words', words: choices };
  if (label === 'FOLDER') return { kind: 'folders' };
  return { kind: label === 'FILE' || label === 'PROGRAM' ? 'files' : 'anything' };
}

/** Operands are files, unless the words for them are a choice: `bash, zsh or fish`. */
function operandsOf(operand: string): Completion {
  const choice = /^(?:\w+, )*\w+ or \w+$/.exec(operand);
  return choice === null ? { kind: 'files' } : { kind: 'words', words: operand.split(/, | or /) };
}
