/**
 * Completion in a shell: `jwt-e2e completion SHELL` prints a script of a few lines, which asks `jwt-e2e __complete` at each
 * key what fits. So all shells offer the same, and always what this version knows.
 */
import { exitCodes, HarnessError } from '../../base/errors.ts';
import type { CommandSpec, OptionSpec } from '../../settings/options.ts';
import type { Output } from '../support/io.ts';

type Candidate = readonly [word: string, description: string];

/** What fits at a place: some words, or files or folders, which the shell finds better. */
type Fitting = readonly Candidate[] | 'files' | 'folders';

/** Each calls what was typed as the command, with the words up to the cursor; the last line says of what kind they are. */
const scripts = {
  bash: `# Completion of jwt-e2e for bash. Load it with: source <(jwt-e2e completion bash)
_jwt_e2e() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line words='' kind=''
  [[ $cur == = ]] && cur=''
  while IFS= read -r line; do
    case $line in :*) kind=$line ;; *) words+="\${line%%$'\\t'*} " ;; esac
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  # Blanks in names are escaped, and folders get a slash. bash 3.2, which macOS has, knows no compopt.
  [[ $kind == :?* ]] && compopt -o filenames 2>/dev/null
  case $kind in :files) line=-f ;; :folders) line=-d ;; *) return ;; esac
  while IFS= read -r words; do COMPREPLY+=("$words"); done < <(compgen "$line" -- "$cur")
}
complete -F _jwt_e2e jwt-e2e
`,
  zsh: `#compdef jwt-e2e
# Completion of jwt-e2e for zsh. Load it with: source <(jwt-e2e completion zsh)
# or save it as _jwt-e2e in a folder of fpath.
_jwt_e2e() {
  local line kind=''
  local -a offered
  while IFS= read -r line; do
    case $line in
      :*) kind=$line ;;
      *) offered+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <("$words[1]" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)
  [[ $PREFIX == --*=* ]] && compset -P '*='
  case $kind in
    :files) _files ;;
    :folders) _files -/ ;;
    *) (( $#offered )) && _describe 'jwt-e2e' offered ;;
  esac
}
if [[ $funcstack[1] == _jwt-e2e ]]; then
  _jwt_e2e "$@"
elif (( $+functions[compdef] )); then
  compdef _jwt_e2e jwt-e2e
else
  print -u2 'jwt-e2e: completion needs "autoload -Uz compinit && compinit" before it'
fi
`,
  fish: `# Completion of jwt-e2e for fish. Load it with: jwt-e2e completion fish | source
# or save it as ~/.config/fish/completions/jwt-e2e.fish
function __jwt_e2e
    set -l typed (commandline -opc) (commandline -ct)
    set -l option (string match -r -- '^--[^=]*=' $typed[-1]); or set -l option ''
    set -l value (string replace -r -- '^--[^=]*=' '' $typed[-1])
    set -l lines ($typed[1] __complete $typed[2..-1] 2>/dev/null)
    switch "$lines[-1]"
        case :files
            printf '%s\\n' $option(__fish_complete_path $value)
        case :folders
            printf '%s\\n' $option(__fish_complete_directories $value)
        case '*'
            test (count $lines) -gt 1; and printf '%s\\n' $option$lines[1..-2]
    end
end
complete -c jwt-e2e -f -a '(__jwt_e2e)'
`,
} as const;

/**
 * Writes the script to standard output.
 *
 * @param shells the operands: exactly one of bash, zsh and fish
 * @throws HarnessError E_USAGE for anything else
 */
export function completionCommand(shells: readonly string[], io: Output): number {
  const [shell = '', ...more] = shells;
  if (!Object.hasOwn(scripts, shell) || more.length > 0) {
    const given = shells.length === 0 ? 'no shell was named' : `"${shells.join(' ')}" is not one of them`;
    throw new HarnessError('E_USAGE', `completion is for bash, zsh or fish: ${given}`, {
      hint: 'Write for example "source <(jwt-e2e completion bash)", in ~/.bashrc for every shell to come.',
    });
  }
  io.stdout.write(scripts[shell as keyof typeof scripts]);
  return exitCodes.passed;
}

/**
 * Writes what fits after these words, a line each with its description after a tab, and last `:words`, `:files` or
 * `:folders`.
 *
 * @param typed the words after the command; the last one is being written. Where it is a value after `--option=`, only the
 *   value is answered. bash makes three words of `--option=value`
 */
export function completeCommand(
  typed: readonly string[],
  commands: readonly CommandSpec[],
  io: Output,
): number {
  const words = typed.at(-1) === '=' ? [...typed, ''] : typed;
  const word = words.at(-1) ?? '';
  const given = /^(--[^=]+)=(.*)$/s.exec(word);
  const before = [...words.slice(0, -1), ...(given === null ? [] : [given[1] ?? ''])].filter(
    (each) => each !== '=',
  );
  const fitting = fittingAfter(before, given?.[2] ?? word, commands);
  const isWords = typeof fitting !== 'string';
  const lines = isWords ? fitting.map(([text, description]) => `${text}\t${description}`) : [];
  io.stdout.write(`${[...lines, isWords ? ':words' : `:${fitting}`].join('\n')}\n`);
  return exitCodes.passed;
}

const help: OptionSpec = { name: 'help', short: 'h', description: 'display help for command' };
const version: OptionSpec = { name: 'version', short: 'V', description: 'output the version number' };

function fittingAfter(before: readonly string[], word: string, commands: readonly CommandSpec[]): Fitting {
  const starting = (all: readonly Candidate[]) => all.filter(([text]) => text.startsWith(word));
  const names: Candidate[] = [
    ...commands.map(({ name, description }): Candidate => [name, description]),
    ['help', 'display help for command'],
  ];
  const name = before.find((each) => !each.startsWith('-'));
  const command = commands.find((each) => each.name === name);
  const options =
    name === undefined ? [version, help] : name === 'help' ? [] : [...(command?.options ?? []), help];
  const last = before.at(-1);
  const asked = options.find((each) => last === `--${each.name}` || last === `-${each.short}`);
  if (asked?.value !== undefined) return valuesOf(asked, starting);
  if (word.startsWith('-') || (name === undefined && before.length > 0))
    return starting(options.flatMap(flagsOf));
  if (name === undefined || name === 'help') return starting(names);
  const operand = command?.operand;
  if (operand === undefined) return [];
  // Operands are files, unless the words for them are a choice: `bash, zsh or fish`.
  const isChoice = /^(?:\w+, )*\w+ or \w+$/.test(operand);
  return isChoice ? starting(operand.split(/, | or /).map((each): Candidate => [each, ''])) : 'files';
}

function flagsOf({ name, short, description }: OptionSpec): Candidate[] {
  const long: Candidate = [`--${name}`, description];
  return short === undefined ? [long] : [long, [`-${short}`, description]];
}

function valuesOf(
  { value, choices }: OptionSpec,
  starting: (all: readonly Candidate[]) => readonly Candidate[],
): Fitting {
  if (choices !== undefined) return starting(choices.map((each): Candidate => [each, '']));
  if (value?.endsWith('FOLDER')) return 'folders';
  return value === 'FILE' || value === 'PROGRAM' ? 'files' : [];
}
