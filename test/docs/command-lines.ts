/** Takes command lines of the documentation apart and checks them against the commands that there are. */
import { allOptions } from '../../src/settings/options.ts';
import type { CommandHelp } from './cli.ts';

export interface Known {
  readonly commands: ReadonlyMap<string, CommandHelp>;
  /** Scripts of package.json. */
  readonly scripts: Readonly<Record<string, string>>;
}

/** The single commands of shell text: comments gone, lines joined, split at `&&`, `||`, `;` and `|`, those in `<(…)` too. */
export function commandsIn(shell: string): string[][] {
  const joined = shell.replaceAll(/\\\n\s*/g, ' ').replaceAll(/<\(([^)]*)\)/g, '; $1');
  return joined
    .split('\n')
    .flatMap((line) => words(line.replace(/^\s*\$ /, '')))
    .map((command) => command.slice(command.findIndex((word) => !/^\w+=/.test(word))))
    .map(([first, second, ...rest]) => [first, second, ...(isSilent(first, rest) ? rest.slice(1) : rest)])
    .map((command) => command.filter((word) => word !== undefined))
    .filter((command) => command.length > 0);
}

/** `npm run --silent`, which only keeps npm from saying what it runs. */
const isSilent = (program: string | undefined, [flag]: readonly string[]) =>
  program === 'npm' && flag === '--silent';

const separators = new Set(['&&', '||', ';', '|', '>', '>>', '&']);

function words(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(
    /(?:'[^']*'|"(?:\\.|[^"\\])*"|[^\s'";|&>#]|(?<=\S)#)+|&&|\|\||>>|[;|&>]|#.*/g,
  )) {
    if (token.startsWith('#')) break;
    if (separators.has(token)) commands.push([]);
    else commands.at(-1)?.push(token.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
  }
  // What follows ">" is a file and no command.
  return commands.filter((command) => command.length > 0);
}

/** The arguments of jwt-e2e that a command stands for; undefined when it is another program. */
export function productArguments(
  [first, second, third, ...rest]: readonly string[],
  known: Known,
): string[] | undefined {
  const given = (...args: (string | undefined)[]) => args.filter((arg) => arg !== undefined);
  if (first === 'jwt-e2e') return given(second, third, ...rest);
  if (first === 'node' && second?.endsWith('src/cli/bin.mjs')) return given(third, ...rest);
  // Behind the name of the image.
  if (first === 'docker' && second === 'run' && rest.includes('istio-jwt-e2e'))
    return rest.slice(rest.indexOf('istio-jwt-e2e') + 1);
  if (first !== 'npm' || second !== 'run') return undefined;
  const script = /^node src\/cli\/bin\.mjs ?([^&]*)$/.exec(known.scripts[third ?? ''] ?? '')?.[1];
  if (script === undefined) return undefined;
  return [...script.split(' ').filter(Boolean), ...(rest[0] === '--' ? rest.slice(1) : rest)];
}

/** What is wrong with a command line; undefined when nothing is, or when it is about another program. */
export function mistakeIn(command: readonly string[], known: Known): string | undefined {
  const [first, second, third] = command;
  if (first === 'npm') {
    const script = second === 'run' ? third : second === 'test' ? 'test' : undefined;
    if (script !== undefined && known.scripts[script] === undefined) return `there is no script "${script}"`;
    if (script === undefined && !['ci', 'install', 'link', 'pack', 'publish'].includes(second ?? ''))
      return `npm ${second} is not known here`;
  }
  const args = productArguments(command, known);
  return args === undefined ? undefined : mistakeInArguments(args, known);
}

function mistakeInArguments([name, ...rest]: readonly string[], { commands }: Known): string | undefined {
  if (name === undefined || ['--help', '--version', '-h', '-V'].includes(name)) return undefined;
  const command = commands.get(name);
  if (command === undefined) return `there is no command "${name}"`;
  for (let index = 0; index < rest.length; index++) {
    const [given = '', inline] = (rest[index] ?? '').split(/=(.*)/s);
    if (!given.startsWith('-')) {
      if (command.operand === undefined) return `"${name}" takes no files, and here is "${given}"`;
      continue;
    }
    const flag = given.startsWith('--') ? given.slice(2) : command.short.get(given.slice(1));
    const takesValue = flag === undefined ? undefined : command.flags.get(flag);
    if (flag === undefined || takesValue === undefined) return `"${name}" has no flag ${given}`;
    if (!takesValue) continue;
    const value = inline ?? rest[++index];
    if (value === undefined || value.startsWith('-')) return `${given} needs a value`;
    const { choices } = allOptions.find((option) => option.name === flag) ?? {};
    if (choices !== undefined && !choices.includes(value) && !/^[A-Z$]/.test(value)) {
      return `${given} cannot be "${value}"`;
    }
  }
  return undefined;
}
