/** Completion for fish, with descriptions. */
import { type CompletableCommand, type Completion, globalOptions } from './completion-words.ts';

const head = `# Completion of jwt-e2e for fish. Load it with: jwt-e2e completion fish | source
# or save it as ~/.config/fish/completions/jwt-e2e.fish
# Whether the first word that is no option is this command; without one, whether there is no such word.
function __jwt_e2e_command
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word; and continue
        test (count $argv) -gt 0; and test $word = $argv[1]
        return
    end
    test (count $argv) -eq 0
end
complete -c jwt-e2e -f
`;

export function fishCompletion(commands: readonly CompletableCommand[]): string {
  const line = (condition: string, rest: string, description?: string) =>
    `complete -c jwt-e2e -n '__jwt_e2e_command${condition}' ${rest}${
      description === undefined ? '' : ` -d ${quoted(description)}`
    }`;
  const lines = [
    ...globalOptions.map(({ name, short, description }) => line('', `-s ${short} -l ${name}`, description)),
    ...commands.map(({ name, description }) => line('', `-a ${name}`, description)),
    ...commands.flatMap(({ name: command, options, operands }) => [
      ...options.map(({ name, short, description, value }) => {
        const flags = `${short === undefined ? '' : `-s ${short} `}-l ${name}`;
        const takes = value === undefined ? '' : ` ${actionOf(value.completion, '-x', '-r')}`;
        return line(` ${command}`, `${flags}${takes}`, description);
      }),
      ...(operands === undefined ? [] : [line(` ${command}`, actionOf(operands, '', ''))]),
    ]),
  ];
  return `${head}${lines.join('\n')}\n`;
}

/** @param closed what stands before a list of words, and before nothing at all @param open what stands before files */
function actionOf(completion: Completion, closed: string, open: string): string {
  const parts = {
    words: [closed, completion.kind === 'words' ? `-a ${quoted(completion.words.join(' '))}` : ''],
    anything: [closed],
    files: [open, '-F'],
    folders: [closed, "-a '(__fish_complete_directories)'"],
  }[completion.kind];
  return parts.filter((part) => part !== '').join(' ');
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
