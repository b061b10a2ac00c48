/** Completion for zsh, with descriptions. */
import {
  type CompletableCommand,
  type CompletableOption,
  type Completion,
  globalOptions,
} from './completion-words.ts';

const head = `#compdef jwt-e2e
# Completion of jwt-e2e for zsh. Load it with: source <(jwt-e2e completion zsh)
# or save it as _jwt-e2e in a folder of fpath.
_jwt_e2e() {
  local curcontext=$curcontext state line
  typeset -A opt_args
`;

/** Saved as a file of fpath it is called; when it is sourced it announces itself. */
const tail = `if [[ $funcstack[1] == _jwt-e2e ]]; then
  _jwt_e2e "$@"
elif (( $+functions[compdef] )); then
  compdef _jwt_e2e jwt-e2e
else
  print -u2 'jwt-e2e: completion needs "autoload -Uz compinit && compinit" before it'
fi
`;

export function zshCompletion(commands: readonly CompletableCommand[]): string {
  const names = commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`);
  const cases = commands.map(({ name, options, operands }) => {
    const specs = [
      ...options.map(specOf),
      ...(operands === undefined ? [] : [quoted(`*:operand:${actionOf(operands)}`)]),
    ];
    return `    ${name})\n      _arguments -s ${specs.map((spec) => `\\\n        ${spec}`).join(' ')} ;;`;
  });
  return [
    head,
    `  local -a commands=(\n${names.join('\n')}\n  )\n`,
    `  _arguments -C ${globalOptions.map(specOf).join(' ')} '1:command:->command' '*::operand:->operands'\n`,
    '  case $state in\n',
    "    command) _describe -t commands 'command' commands; return ;;\n",
    '    operands) ;;\n    *) return ;;\n  esac\n',
    `  case $line[1] in\n${cases.join('\n')}\n  esac\n}\n`,
    tail,
  ].join('');
}

/** `'(-g --grep)'{-g,--grep=}'[only …]:TEXT:'`: neither form again once one was given. */
function specOf({ name, short, description, many, value }: CompletableOption): string {
  const long = `--${name}${value === undefined ? '' : '='}`;
  const text = `[${description.replaceAll(/[[\]\\:]/g, '\\$&')}]${
    value === undefined ? '' : `:${value.label}:${actionOf(value.completion)}`
  }`;
  if (short !== undefined) return `'(-${short} --${name})'{-${short},${long}}${quoted(text)}`;
  return quoted(`${many ? '*' : ''}${long}${text}`);
}

function actionOf(completion: Completion): string {
  if (completion.kind === 'words') return `(${completion.words.join(' ')})`;
  if (completion.kind === 'anything') return ' ';
  return completion.kind === 'folders' ? '_files -/' : '_files';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
