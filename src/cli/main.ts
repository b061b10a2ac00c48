/** The command line: commands, flags, help. What they do is in commands/, loaded when one is called. */
import { Command, CommanderError, Option } from 'commander';
import { asHarnessError, exitCodes, formatPlace, type HarnessError } from '../errors.ts';
import { commandOptions, type OptionSpec } from '../settings/options.ts';
import { mergeSettings, type Values } from '../settings/settings.ts';
import { flag, list, text } from '../settings/typed.ts';
import { processIo } from './io.ts';
import { pathsOf, productVersion } from './product.ts';

const exitCodeText = `
Exit codes: 0 all passed, 1 a check failed, 2 wrong usage, 3 a scenario file is invalid,
4 no verdict (environment or set-up), 130 or 143 interrupted.
Every flag has a variable (--node-image: JWT_E2E_NODE_IMAGE) and a key in jwt-e2e.yaml (node-image).`;

/** Parses the arguments, runs the command and returns the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.passed;
  const program = new Command('jwt-e2e')
    .description('Proves on a real mesh that Istio enforces JSON Web Token authentication as documented.')
    .version(productVersion)
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ sortOptions: false });
  const add = (
    name: string,
    description: string,
    options: readonly OptionSpec[],
    example: string,
    work: (files: string[], values: Values) => Promise<number>,
    operand?: string,
  ) => {
    const command = program.command(name).description(description);
    if (operand !== undefined) command.argument('[files...]', operand);
    for (const option of options) command.addOption(optionOf(option));
    command.addHelpText('after', `\nExample:\n  ${example}\n${name === 'run' ? exitCodeText : ''}`);
    command.action(async (...received: unknown[]) => {
      const files = operand === undefined ? [] : (received[0] as string[]);
      exitCode = await work(files, {
        ...mergeSettings(flagsOf(command, options), process.env),
        ...flagsOf(command, options),
      });
    });
  };
  add(
    'run',
    'run scenarios on a mesh',
    commandOptions.run,
    'jwt-e2e run --target kind --istio 1.31.1 --junit reports/junit.xml',
    async (files, values) => (await import('./commands/run.ts')).runCommand(files, values, processIo),
    'scenario files or folders (default: the documented ones)',
  );
  add(
    'up',
    'set up a mesh with the applications, and keep it',
    commandOptions.up,
    'jwt-e2e up && jwt-e2e run --reuse --keep',
    async (_, values) => (await import('./commands/up.ts')).upCommand(values, processIo),
  );
  add(
    'down',
    'take down a mesh that was kept, or what a run has left',
    commandOptions.down,
    'jwt-e2e down --name jwt-e2e',
    async (_, values) => (await import('./commands/down.ts')).downCommand(values, processIo),
  );
  add(
    'list',
    'list scenarios',
    [...commandOptions.list, { name: 'json', description: 'as JSON' }],
    'jwt-e2e list --profile all',
    async (files, values) =>
      (await import('./commands/list.ts')).listCommand(
        pathsOf(files, text(values, 'profile')),
        {
          cwd: processIo.cwd,
          grep: text(values, 'grep'),
          tags: list(values, 'tag'),
          skipTags: list(values, 'skip-tag'),
          json: flag(values, 'json'),
        },
        processIo,
      ),
    'scenario files or folders',
  );
  add(
    'lint',
    'check scenario files',
    [],
    'jwt-e2e lint my-scenarios/',
    async (files) =>
      (await import('./commands/lint.ts')).lintCommand(
        pathsOf(files, 'all'),
        { cwd: processIo.cwd },
        processIo,
      ),
    'scenario files or folders (default: all of the product)',
  );
  add(
    'schema',
    'print the JSON schema of scenario files, for editors',
    [
      { name: 'write', description: 'write it to schema/' },
      { name: 'check', description: 'fail when schema/ is not up to date' },
    ],
    'jwt-e2e schema > scenario.schema.json',
    async (_, values) =>
      (await import('./commands/schema.ts')).schemaCommand(
        { write: flag(values, 'write'), check: flag(values, 'check') },
        processIo,
      ),
  );
  add(
    'fetch',
    'get the programs of the target local ahead of time',
    commandOptions.fetch,
    'jwt-e2e fetch --istio 1.31.1',
    async (_, values) => (await import('./commands/fetch.ts')).fetchCommand(values, processIo),
  );
  add(
    'doctor',
    'say what is here, what can be had and what is missing',
    commandOptions.doctor,
    'jwt-e2e doctor',
    async (_, values) => (await import('./commands/doctor.ts')).doctorCommand(values, processIo),
  );
  add('matrix', 'print the versions to test as JSON, for CI', [], 'jwt-e2e matrix', async () =>
    (await import('./commands/matrix.ts')).matrixCommand(processIo),
  );
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      return thrown.exitCode === 0 ? exitCodes.passed : exitCodes.usage;
    }
    const error = asHarnessError(thrown);
    process.stderr.write(describe(error));
    return error.exitCode;
  }
}

function optionOf(spec: OptionSpec): Option {
  const flags = `${spec.short === undefined ? '' : `-${spec.short}, `}--${spec.name}${spec.value === undefined ? '' : ` <${spec.value}>`}`;
  const option = new Option(flags, spec.description);
  if (spec.many)
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** What was given on the command line, by option name. Commander turns `--no-download` into `download: false`. */
function flagsOf(command: Command, options: readonly OptionSpec[]): Values {
  const given: Record<string, string | boolean | string[]> = {};
  for (const { name } of options) {
    const negated = name.startsWith('no-');
    const key = (negated ? name.slice(3) : name).replace(/-(\w)/g, (_, letter: string) =>
      letter.toUpperCase(),
    );
    if (command.getOptionValueSource(key) !== 'cli') continue;
    given[name] = negated ? true : command.getOptionValue(key);
  }
  return given;
}

function describe(error: HarnessError): string {
  const lines = [
    `${error.place === undefined ? '' : `${formatPlace(error.place)}: `}${error.message} (${error.code})`,
  ];
  if (error.hint !== undefined) lines.push(`  ${error.hint}`);
  if (error.details !== undefined)
    lines.push(
      ...error.details
        .split('\n')
        .slice(-20)
        .map((line) => `  | ${line}`),
    );
  if (error.code === 'E_INTERNAL' && error.cause instanceof Error) lines.push(error.cause.stack ?? '');
  return `${lines.join('\n')}\n`;
}
