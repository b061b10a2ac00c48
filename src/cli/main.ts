/** The command line: commands, flags, help. What they do is in commands/, loaded when one is called. */
import { Command, CommanderError, Option } from 'commander';
import { asHarnessError, exitCodes, formatPlace, type HarnessError } from '../base/errors.ts';
import { lineBreak, oneLine } from '../base/harmless.ts';
import { pathsOf, productVersion, versionsFile } from '../engine/product.ts';
import { spelled } from '../report/console/own-command.ts';
import { type CommandSpec, commandOptions, configOption, type OptionSpec } from '../settings/options.ts';
import { checkFlags, mergeSettings, type Values } from '../settings/settings.ts';
import { flag, istioOf, list, shardOf, text } from '../settings/typed.ts';
import { processIo, showTokens, typedCommand } from './support/io.ts';

const exitCodeText = `
Exit codes: 0 all passed, 1 a check failed, 2 wrong usage, 3 a scenario file is invalid,
4 no verdict (environment or set-up), 129, 130 or 143 interrupted.
Every flag has a variable (--node-image: JWT_E2E_NODE_IMAGE) and a key in jwt-e2e.yaml (node-image).`;

/**
 * The commands with their options; nothing runs until `program` is given arguments.
 *
 * @param ended receives the exit code of the command that has run
 */
export function commandLine(ended: (exitCode: number) => void): {
  readonly program: Command;
  readonly commands: readonly CommandSpec[];
} {
  const commands: CommandSpec[] = [];
  const program = new Command('jwt-e2e')
    .description('Proves on a real mesh that Istio enforces JSON Web Token authentication as documented.')
    .version(productVersion)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => processIo.stdout.write(spelled(text, typedCommand)),
      writeErr: (text) => processIo.stderr.write(spelled(text, typedCommand)),
    })
    .showSuggestionAfterError()
    .configureHelp({ sortOptions: false });
  const add = (
    name: string,
    description: string,
    options: readonly OptionSpec[],
    example: string,
    /** @param given flags alone, without variables and the settings file */
    work: (files: string[], values: Values, given: Values) => Promise<number>,
    operand?: string,
  ) => {
    const all = [...options, configOption];
    commands.push({ name, description, options: all, operand });
    const command = program.command(name).description(description).helpGroup(groupOf(name));
    if (operand !== undefined) command.argument('[files...]', operand);
    for (const option of all) command.addOption(optionOf(option));
    command.addHelpText('after', `\nExample:\n  ${example}\n${name === 'run' ? exitCodeText : ''}`);
    command.action(async (...received: unknown[]) => {
      const files = operand === undefined ? [] : (received[0] as string[]);
      const given = flagsOf(command, all);
      checkFlags(all, given);
      const values = { ...mergeSettings(given, process.env), ...given };
      showTokens(options.some(({ name }) => name === 'show-tokens') && flag(values, 'show-tokens'));
      ended(await work(files, values, given));
    });
  };
  add(
    'run',
    'run scenarios on a mesh',
    commandOptions.run,
    'jwt-e2e run --target kind --istio 1.31.1 --junit reports/junit.xml',
    async (files, values) =>
      (await import('./commands/run/run-command.ts')).runCommand(files, values, processIo),
    'scenario files or folders, or - for one from standard input (default: the documented ones)',
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
    [...commandOptions.down, { name: 'all', description: 'every mesh of this user on this machine' }],
    'jwt-e2e down --name jwt-e2e',
    async (_, values) => (await import('./commands/down/down.ts')).downCommand(values, processIo),
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
          istio: await expectedIstio(values),
          grep: text(values, 'grep'),
          tags: list(values, 'tag'),
          skipTags: list(values, 'skip-tag'),
          shard: shardOf(values),
          json: flag(values, 'json'),
        },
        processIo,
      ),
    'scenario files or folders, or - for one from standard input',
  );
  add(
    'lint',
    'check scenario files',
    [{ name: 'strict', description: 'also compare what they expect with what their policies say' }],
    'jwt-e2e lint my-scenarios/',
    async (files, values) => {
      const paths = pathsOf(files, 'all');
      const options = { cwd: processIo.cwd };
      return flag(values, 'strict')
        ? await (await import('./models/lint-strict.ts')).strictLintCommand(paths, options, processIo)
        : (await import('./commands/lint.ts')).lintCommand(paths, options, processIo);
    },
    'scenario files or folders, or - for one from standard input (default: all of the product)',
  );
  add(
    'schema',
    'print a JSON schema, for editors and programs',
    [
      { name: 'write', description: 'write it to schema/; all of them when none is named' },
      { name: 'check', description: 'fail when schema/ is not up to date' },
    ],
    'jwt-e2e schema > scenario.schema.json',
    async (names, values) =>
      (await import('./commands/schema-command.ts')).schemaCommand(
        names,
        { write: flag(values, 'write'), check: flag(values, 'check') },
        processIo,
      ),
    'scenario (default), results, conformance or baseline',
  );
  add(
    'fetch',
    'get the programs of the target local ahead of time',
    commandOptions.fetch,
    'jwt-e2e fetch --istio 1.31.1',
    async (_, values) => (await import('./commands/fetch-command.ts')).fetchCommand(values, processIo),
  );
  add(
    'doctor',
    'say what is here, what can be had and what is missing',
    commandOptions.doctor,
    'jwt-e2e doctor',
    async (_, values) => (await import('./commands/doctor.ts')).doctorCommand(values, processIo),
  );
  add(
    'report',
    'make reports from results of earlier runs: parts of one run, or several versions side by side',
    commandOptions.report,
    'jwt-e2e report shard-1/results.json shard-2/results.json --html report.html',
    async (files, values, given) =>
      (await import('./commands/report-command.ts')).reportCommand(files, values, processIo, given),
    'JSON reports of runs, or folders with them',
  );
  add(
    'diff',
    'say what changed from one run to another; ends with 1 when something is worse',
    commandOptions.diff,
    'jwt-e2e diff reports/istio-1.30.5.yaml reports/conformance.yaml',
    async (files, values) => (await import('./commands/diff.ts')).diffCommand(files, values, processIo),
    'the older and the newer report: JSON, or conformance reports in YAML',
  );
  add(
    'init',
    'write a first scenario from policies that are in a cluster or in files',
    commandOptions.init,
    'jwt-e2e init --context my-cluster --namespace shop',
    async (_, values) => (await import('./commands/init.ts')).initCommand(values, processIo),
  );
  add(
    'explain',
    'say what policies answer to a request, and why, without a mesh',
    commandOptions.explain,
    'jwt-e2e explain --from policies/ --to httpbin.foo \'curl -H "Authorization: Bearer $TOKEN" http://httpbin.foo:8000/ip\'',
    async (words, values) =>
      (await import('./commands/explain-command.ts')).explainCommand(words, values, processIo),
    'the request, as a curl line; or scenario files, about whose checks it says what the policies say',
  );
  add(
    'mutate',
    'make mistakes in the policies of scenarios, and say which of them no check would notice, without a mesh',
    commandOptions.mutate,
    'jwt-e2e mutate --min-score 90 my-scenarios/',
    async (files, values) => (await import('./commands/mutate.ts')).mutateCommand(files, values, processIo),
    'scenario files or folders, or - for one from standard input (default: the documented ones)',
  );
  add(
    'completion',
    'print completion for a shell',
    [],
    'source <(jwt-e2e completion bash)',
    async (files) => (await import('./commands/completion.ts')).completionCommand(files, processIo),
    'bash, zsh or fish',
  );
  add(
    'matrix',
    'print the versions to test as JSON, for CI',
    commandOptions.matrix,
    'jwt-e2e matrix --istio 1.31.1,1.30.5',
    async (_, values) => (await import('./commands/matrix-command.ts')).matrixCommand(values, processIo),
  );
  add(
    'versions',
    'print the versions that this tool knows, or what is newer',
    commandOptions.versions,
    'jwt-e2e versions --check',
    async (_, values) => (await import('./commands/versions-command.ts')).versionsCommand(values, processIo),
  );
  return { program, commands };
}

/** Parses the arguments, runs the command and returns the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.passed;
  const { program, commands } = commandLine((code) => {
    exitCode = code;
  });
  try {
    // Words as they are typed are no arguments yet.
    if (args[0] === '__complete')
      return (await import('./commands/completion.ts')).completeCommand(args.slice(1), commands, processIo);
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      if (thrown.code === 'commander.unknownOption' && args.includes('curl'))
        processIo.stderr.write("  Put the curl line in quotes: 'curl -I http://httpbin.foo:8000/ip'\n");
      return thrown.exitCode === 0 ? exitCodes.passed : exitCodes.usage;
    }
    const error = asHarnessError(thrown);
    processIo.stderr.write(describe(error));
    return error.exitCode;
  }
}

/** The Istio of a run with these settings, as far as that is known without a mesh. */
async function expectedIstio(values: Values): Promise<string> {
  const { loadVersions } = await import('../programs/versions.ts');
  return istioOf(values, loadVersions(versionsFile));
}

function optionOf(spec: OptionSpec): Option {
  const flags = `${spec.short === undefined ? '' : `-${spec.short}, `}--${spec.name}${spec.value === undefined ? '' : ` <${spec.value}>`}`;
  const option = new Option(flags, spec.description);
  if (spec.group !== undefined) option.helpGroup(`${spec.group}:`);
  if (spec.many)
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** What commands are for, as help says it. */
const groups: Readonly<Record<string, readonly string[]>> = {
  'Test a mesh': ['run', 'up', 'down'],
  'Write scenarios': ['init', 'list', 'lint', 'explain', 'mutate', 'schema'],
  'Results of runs': ['report', 'diff'],
  'What it takes': ['doctor', 'fetch', 'versions', 'matrix', 'completion'],
};

function groupOf(command: string): string {
  const group = Object.keys(groups).find((each) => groups[each]?.includes(command));
  return `${group ?? 'Commands'}:`;
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
    // --open and --no-open are one option of Commander, with two values.
    const value = command.getOptionValue(key);
    if (!negated) given[name] = value;
    else if (value === false) given[name] = true;
  }
  return given;
}

function describe(error: HarnessError): string {
  const lines = [
    oneLine(
      `${error.place === undefined ? '' : `${formatPlace(error.place)}: `}${spelled(error.message, typedCommand)} (${error.code})`,
    ),
  ];
  if (error.hint !== undefined) lines.push(`  ${oneLine(spelled(error.hint, typedCommand))}`);
  if (error.details !== undefined)
    lines.push(
      ...error.details
        .split(lineBreak)
        .slice(-20)
        .map((line) => `  | ${line}`),
    );
  if (error.code === 'E_INTERNAL' && error.cause instanceof Error) lines.push(error.cause.stack ?? '');
  return `${lines.join('\n')}\n`;
}
