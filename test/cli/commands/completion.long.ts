/** Real shells are asked what they complete. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { completeCommand, completionCommand } from '../../../src/cli/commands/completion.ts';
import { commandLine } from '../../../src/cli/main.ts';
import { commandOptions } from '../../../src/settings/options.ts';
import { temporaryFolder } from '../../programs/downloads.ts';
import { recorder } from '../../scenario/support.ts';

const { commands } = commandLine(() => {
  throw new Error('completion must not run a command');
});
const program = fileURLToPath(new URL('../../../src/cli/bin.mjs', import.meta.url));

function scriptFor(shell: string): string {
  const { io, stdout } = recorder();
  expect(completionCommand([shell], io)).toBe(0);
  return stdout();
}

/** How each shell is asked for the completions of a line. */
const askers: Readonly<Record<string, (script: string, line: string) => [string, ...string[]]>> = {
  bash: (script, line) => [
    'bash',
    '--norc',
    '-c',
    // What readline does: words broken at blanks and at "=", and the function that is registered for the command.
    `source "$1"; read -ra COMP_WORDS <<< "\${2//=/ = }"; [[ $2 == *[\\ =] ]] && COMP_WORDS+=('')
     COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); $(complete -p jwt-e2e | sed 's/.*-F \\([^ ]*\\).*/\\1/')
     printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    script,
    line,
  ],
  zsh: (script, line) => ['zsh', '-f', fileURLToPath(new URL('complete.zsh', import.meta.url)), script, line],
  fish: (script, line) => [
    'fish',
    '--no-config',
    '-c',
    'source $argv[1]; complete -C $argv[2]',
    script,
    line,
  ],
};

const bigEnough = 60_000;

describe.for(Object.entries(askers))('%s', ([shell, asker]) => {
  const missing = spawnSync(shell, ['--version']).error !== undefined;
  const setUp = () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'here', 'my scenarios'), { recursive: true });
    writeFileSync(join(folder, 'here', 'one.yaml'), '');
    writeFileSync(join(folder, 'script'), scriptFor(shell));
    const command = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
    writeFileSync(join(folder, 'jwt-e2e'), command, { mode: 0o700 });
    return folder;
  };
  /** What is offered: without descriptions, escapes and the slash of folders, and of --a=b only b. */
  const ask = (line: string, folder = setUp()): string[] => {
    const [file, ...args] = asker(join(folder, 'script'), line);
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    const options = { cwd: join(folder, 'here'), encoding: 'utf8', timeout: bigEnough, env } as const;
    const output = execFileSync(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const words = output.split('\n').map((each) => each.split('\t')[0]!.replace(/^--\w+=/, ''));
    return [...new Set(words.map((word) => word.replace(/\r|\\|\/$/g, '')))].filter(Boolean).sort();
  };
  const may = missing ? test.skip : test;
  const name = (text: string) => (missing ? `${text} (${shell} is not installed)` : text);

  may(name('offers the commands'), { timeout: bigEnough }, () => {
    expect(ask('jwt-e2e ')).toEqual(
      expect.arrayContaining([...commands.map((command) => command.name), 'help']),
    );
    expect(ask('jwt-e2e d')).toEqual(['diff', 'doctor', 'down']);
    expect(ask('jwt-e2e help ini')).toEqual(['init']);
  });

  may(name('offers all options of a command, and no others'), { timeout: bigEnough }, () => {
    const wanted = commandOptions.init.map((option) => `--${option.name}`);
    expect(ask('jwt-e2e init --')).toEqual([...wanted, '--config', '--help'].sort());
    expect(ask('jwt-e2e run --junit-pl')).toEqual(['--junit-places']);
    expect(ask('jwt-e2e lint --junit-pl')).toEqual([]);
  });

  may(name('offers the values that an option can have'), { timeout: bigEnough }, () => {
    const targets = ['auto', 'cluster', 'kind', 'local'];
    expect(ask('jwt-e2e run --target ')).toEqual(targets);
    expect(ask('jwt-e2e run --grep x --target=')).toEqual(targets);
    expect(ask('jwt-e2e run --profile ex')).toEqual(['extended']);
    expect(ask('jwt-e2e completion ')).toEqual(['bash', 'fish', 'zsh']);
  });

  may(
    name('offers files and folders where they fit, and nothing where nobody knows'),
    () => {
      expect(ask('jwt-e2e run ')).toEqual(['my scenarios', 'one.yaml']);
      expect(ask('jwt-e2e run --junit ')).toEqual(['my scenarios', 'one.yaml']);
      expect(ask('jwt-e2e run --artifacts ')).toEqual(['my scenarios']);
      expect(ask('jwt-e2e run -g ')).toEqual([]);
      // zsh shows the options where nothing else fits.
      expect(ask('jwt-e2e doctor ').filter((word) => !word.startsWith('-'))).toEqual([]);
      // The same name is a file of one command and a switch of another.
      expect(ask('jwt-e2e diff --json ')).toEqual(['my scenarios', 'one.yaml']);
    },
    bigEnough,
  );
});

test.each([[[]], [['powershell']], [['bash', 'zsh']], [['constructor']]])('refuses %j', (shells) => {
  const { io, stdout } = recorder();
  expect(() => completionCommand(shells, io)).toThrow(
    expect.objectContaining({ code: 'E_USAGE', hint: expect.stringContaining('completion bash') }),
  );
  expect(stdout()).toBe('');
});

describe('what fits', () => {
  const fitting = (...words: string[]) => {
    const { io, stdout } = recorder();
    expect(completeCommand(words, commands, io)).toBe(0);
    return stdout().trimEnd().split('\n');
  };

  test.each<[string[], string[]]>([
    [
      ['run', '--target', ''],
      ['auto\t', 'kind\t', 'cluster\t', 'local\t', ':words'],
    ],
    [
      ['run', '--target=k'],
      ['kind\t', ':words'],
    ],
    [
      ['run', '--target', '=', 'k'],
      ['kind\t', ':words'],
    ],
    [
      ['run', '--target', '='],
      ['auto\t', 'kind\t', 'cluster\t', 'local\t', ':words'],
    ],
    [['run', '--junit', 'x'], [':files']],
    [['run', '--artifacts='], [':folders']],
    [['run', '--grep', ''], [':words']],
    [['run', '-g', ''], [':words']],
    [['run', '--grep', 'run', '--artifacts', ''], [':folders']],
    [
      ['-'],
      [
        '--version\toutput the version number',
        '-V\toutput the version number',
        '--help\tdisplay help for command',
        '-h\tdisplay help for command',
        ':words',
      ],
    ],
    [['--help', ''], expect.arrayContaining(['--version\toutput the version number'])],
    [['doctor', ''], [':words']],
    [['run', ''], [':files']],
    [['no-such-command', ''], [':words']],
    [[], expect.arrayContaining(['run\trun scenarios on a mesh', ':words'])],
    [
      ['help', 'ex'],
      [expect.stringMatching(/^explain\t/), ':words'],
    ],
  ])('after %j', (words, offered) => {
    expect(fitting(...words)).toEqual(offered);
  });
});
