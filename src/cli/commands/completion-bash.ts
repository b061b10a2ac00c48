/** Completion for bash, from version 3.2 on, which macOS has. */
import {
  type CompletableCommand,
  type CompletableOption,
  type Completion,
  globalOptions,
} from './completion-words.ts';

const head = `# Completion of jwt-e2e for bash. Load it with: source <(jwt-e2e completion bash)
_jwt_e2e() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command='' i
  # bash makes three words of --target=kind.
  if [[ $cur == = ]]; then
    cur=''
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} != -* ]]; then
      command=\${COMP_WORDS[i]}
      break
    fi
  done
  COMPREPLY=()
  case "$command $prev" in
`;

const tail = `_jwt_e2e_words() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}
_jwt_e2e_paths() {
  local line
  # Blanks in names are escaped, and folders get a slash. bash 3.2 has no compopt.
  compopt -o filenames 2>/dev/null
  while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen "$1" -- "$cur")
}
complete -F _jwt_e2e jwt-e2e
`;

export function bashCompletion(commands: readonly CompletableCommand[]): string {
  const values = [...valuesByAction(commands)].map(
    ([action, patterns]) => `    ${patterns.join(' | ')})\n      ${action}; return ;;`,
  );
  const names = commands.map(({ name }) => name).join(' ');
  const others = commands.map(({ name, options, operands }) => {
    const flags = wordsAction(options.flatMap(flagsOf).join(' '));
    const rest = operands === undefined ? ':' : actionOf(operands);
    return `    ${name}) if [[ $cur == -* ]]; then ${flags}; else ${rest}; fi ;;`;
  });
  return [
    head,
    `${values.join('\n')}\n  esac\n  case $command in\n`,
    `    '') ${wordsAction(`${names} ${globalOptions.flatMap(flagsOf).join(' ')}`)} ;;\n`,
    `${others.join('\n')}\n  esac\n}\n`,
    tail,
  ].join('');
}

/** After which words of a command and an option which values follow. */
function valuesByAction(commands: readonly CompletableCommand[]): Map<string, string[]> {
  const patterns = new Map<string, string[]>();
  for (const { name, options } of commands) {
    for (const option of options) {
      if (option.value === undefined) continue;
      const action = actionOf(option.value.completion);
      const own = flagsOf(option).map((flag) => `'${name} ${flag}'`);
      patterns.set(action, [...(patterns.get(action) ?? []), ...own]);
    }
  }
  return patterns;
}

function flagsOf({ name, short }: CompletableOption): string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
}

function actionOf(completion: Completion): string {
  if (completion.kind === 'words') return wordsAction(completion.words.join(' '));
  if (completion.kind === 'anything') return ':';
  return `_jwt_e2e_paths ${completion.kind === 'folders' ? '-d' : '-f'}`;
}

function wordsAction(words: string): string {
  return `_jwt_e2e_words '${words}'`;
}
