/** Command lines, flags, variables and files in the documentation exist, and those that need no mesh really work. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { allOptions, configOption, variableOf } from '../../src/settings/options.ts';
import { typescript } from '../support/typescript.ts';
import { commandHelp } from './cli.ts';
import { commandsIn, type Known, mistakeIn, productArguments } from './command-lines.ts';
import { savedAs } from './examples.ts';
import { partOf } from './generated.ts';
import { type Fence, pages, read, root, where } from './markdown.ts';
import { writeResults } from './results.ts';
import type { Action, Ran } from './run-all.ts';

const { scripts } = JSON.parse(read('package.json')) as Known;
const all = pages();
const fences = all.flatMap((page) => page.fences);
const known: Known = { commands: commandHelp(), scripts };

/** Shell text in a code block: a block of its own, or the steps of a workflow or pipeline. */
function shellOf({ info, text }: Fence): string[] {
  if (/^sh( |$)/.test(info)) return [text];
  if (!/^yaml (github|gitlab)$/.test(info)) return [];
  const found: string[] = [];
  const visit = (node: unknown, key = ''): void => {
    if (typeof node === 'string' && /^(run|script|after_script)$/.test(key)) found.push(node);
    if (Array.isArray(node)) for (const each of node) visit(each, key);
    else if (typeof node === 'object' && node !== null) {
      for (const [name, value] of Object.entries(node)) visit(value, name);
    }
  };
  for (const document of parseAllDocuments(text)) visit(document.toJS());
  return found;
}

const lines = fences.flatMap((fence) =>
  shellOf(fence).flatMap((shell) =>
    commandsIn(shell).map((command) => ({ fence, at: where(fence), command })),
  ),
);
const jenkins = fences
  .filter(({ info }) => info === 'groovy')
  .flatMap((fence) =>
    [...fence.text.matchAll(/\bsh '([^']+)'/g)].flatMap((match) =>
      commandsIn(match[1] ?? '').map((command) => ({ at: where(fence), command })),
    ),
  );

const byLine = (one: { fence: Fence }, other: { fence: Fence }) => one.fence.line - other.fence.line;

/** Commands of the product that need nothing but files. */
const alone = new Set(['list', 'lint', 'matrix', 'completion', 'diff', 'report', 'mutate']);

test('command lines in code blocks use commands, scripts and flags that there are', () => {
  const checked = [...lines, ...jenkins];
  expect(checked.filter(({ command }) => productArguments(command, known)).length).toBeGreaterThan(20);
  const mistakes = checked.flatMap(({ at, command }) => {
    const mistake = mistakeIn(command, known);
    return mistake === undefined ? [] : [`${at}: ${command.join(' ')}: ${mistake}`];
  });
  expect(mistakes).toEqual([]);
});

test('command lines and flags in the text exist', () => {
  const flags = new Set([...known.commands.values()].flatMap((command) => [...command.flags.keys()]));
  // Of curl, docker, vitest and others.
  const foreign = new Set([
    '--path-as-is',
    '--label',
    '--as',
    '--token',
    '--user',
    '--serviceaccount',
    '--clusterrole',
    '--global',
    '--build-arg',
    '--entrypoint',
    '--env',
    '--read-only',
    '--tmpfs',
  ]);
  const mistakes = all.flatMap((page) =>
    page.codes.flatMap((code) => {
      const flag = /^--([\w-]+)(?: .*|=.*)?$/.exec(code.text)?.[1];
      if (flag !== undefined && !flags.has(flag) && !foreign.has(code.text.split(' ')[0] ?? '')) {
        return [`${where(code)}: there is no flag --${flag}`];
      }
      const mistake = commandsIn(code.text)
        .filter(([first]) => first === 'jwt-e2e' || first === 'npm')
        .filter((command) => command.length > 1)
        .map((command) => mistakeIn(command, known))
        .find((each) => each !== undefined);
      return mistake === undefined ? [] : [`${where(code)}: ${mistake}`];
    }),
  );
  expect(mistakes).toEqual([]);
});

test('every variable that is named exists', () => {
  const variables = new Set([...allOptions, configOption].map(({ name }) => variableOf(name)));
  const named = all.flatMap(({ file, text }) =>
    [...text.matchAll(/\bJWT_E2E_[A-Z0-9_]+\b/g)].map(([name]) => ({ file, name })),
  );
  expect(named.length).toBeGreaterThan(10);
  // Those of the tests of this project are no settings.
  const unknown = named.filter(({ name }) => !variables.has(name) && !name.startsWith('JWT_E2E_TEST_'));
  expect(unknown).toEqual([]);
});

test('every file of the project that is named exists', () => {
  const folders = /^(?:src|test|kind|scenarios|schema|docs|\.github)\/[\w./@-]*\w\/?$/;
  const missing = all
    .flatMap((page) => page.codes)
    .filter((code) => folders.test(code.text) && !existsSync(join(root, code.text)))
    .map((code) => `${where(code)}: there is no ${code.text}`);
  expect(missing).toEqual([]);
});

describe('commands that need no mesh work as they are written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-docs-'));
  const offline = lines.filter(({ command }) => {
    const args = productArguments(command, { commands: new Map(), scripts }) ?? [];
    // What has a variable in it belongs to a CI system.
    if (command.some((word) => word.includes('$'))) return false;
    if (alone.has(args[0] ?? '') || args.includes('--help')) return true;
    if (args[0] === 'schema') return !args.includes('--write');
    if (args[0] === 'init') return args.includes('--from');
    return args[0] === 'run' && args.includes('--dry-run') && args.includes('kind');
  });
  const argumentsOf = (command: readonly string[]) => productArguments(command, known) ?? [];
  /** Pages that are followed from their top to their end, each in a folder of its own: what they save belongs together. */
  const followed = new Set(
    fences.filter((each) => savedAs(each)?.startsWith('tests/')).map(({ file }) => file),
  );
  const cases = [
    ...new Map(
      offline.map((each) => {
        const line = `jwt-e2e ${argumentsOf(each.command).join(' ')}`;
        return [followed.has(each.fence.file) ? `${each.at}: ${line}` : line, each];
      }),
    ).entries(),
  ];
  const ran = new Map<string, Ran>();

  beforeAll(async () => {
    const actions: Action[] = [];
    const keys: string[] = [];
    for (const page of [undefined, ...followed]) {
      const isHere = ({ file }: Fence) => (page === undefined ? !followed.has(file) : file === page);
      const place = join(folder, page?.replaceAll('/', '-') ?? 'all');
      // Copies: some commands write.
      for (const name of ['scenarios', 'schema'])
        cpSync(join(root, name), join(place, name), { recursive: true });
      const here = cases.filter(([, { fence }]) => isHere(fence));
      writeResults(
        place,
        here.map(([, { command }]) => argumentsOf(command)),
      );
      const save = fences.filter(isHere).flatMap((fence) => {
        const file = savedAs(fence);
        return file === undefined ? [] : [{ fence, action: { file: join(place, file), text: fence.text } }];
      });
      const run = here.map(([key, { fence, command }]) => {
        return { fence, key, action: { folder: place, args: argumentsOf(command) } };
      });
      // Elsewhere pages build on files of others.
      const inOrder = page === undefined ? [...save, ...run] : [...save, ...run].sort(byLine);
      for (const each of inOrder) {
        actions.push(each.action);
        if ('key' in each) keys.push(each.key);
      }
    }
    // Settings of whoever runs the tests must not count.
    const ours = Object.keys(process.env).filter((name) => name.startsWith('JWT_E2E_'));
    const { stdout } = await execa(
      process.execPath,
      ['--import', typescript, join(root, 'test/docs/run-all.ts')],
      {
        cwd: folder,
        env: Object.fromEntries(ours.map((name) => [name, undefined])),
        input: JSON.stringify(actions),
      },
    );
    for (const [index, result] of (JSON.parse(stdout) as Ran[]).entries()) ran.set(keys[index] ?? '', result);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('there are some of every such command', () => {
    const names = cases.map(([, { command }]) => argumentsOf(command)[0]);
    expect(new Set(names)).toEqual(new Set([...alone, 'run', 'schema', 'init']));
  });

  test.each(cases)('%s', (key, { fence }) => {
    const code = Number(/ ends-with=(\d)/.exec(fence.info)?.[1] ?? 0);
    const { stdout, stderr, ...rest } = ran.get(key)!;
    expect(rest, stderr).toEqual({ code });
    if (code === 0) expect(stderr).toBe('');
    expect(stdout + stderr).toMatch(/\S/);
    // Below a command the page may show what it says.
    const blocks = fences.filter(({ file }) => file === fence.file);
    const next = blocks[blocks.indexOf(fence) + 1];
    if (next?.info !== 'text output') return;
    const said = (stdout + stderr).split('\n');
    expect(next.text.trimEnd().split('\n')).toEqual(
      said.filter((line) => next.text.includes(line) && line !== ''),
    );
  });

  test('the page shows the table that init has written', () => {
    const written = readFileSync(join(folder, 'all/my-scenarios/first.yaml'), 'utf8');
    const table = written.slice(written.lastIndexOf('    expect:')).replaceAll(/^ {4}/gm, '');
    const wanted = `\`\`\`text\n${table.trim()}\n\`\`\``;
    expect(partOf('docs/help.md', 'init', wanted)).toBe(wanted);
  });
});

describe('the checker', () => {
  const check = (line: string) => commandsIn(line).map((command) => mistakeIn(command, known));

  test.each([
    ['jwt-e2e forget', 'there is no command "forget"'],
    ['npm run e2e -- --target model', '--target cannot be "model"'],
    ['npm run e2e -- --pdf x.pdf', '"run" has no flag --pdf'],
    ['npm run nothing', 'there is no script "nothing"'],
    ['node src/cli/bin.mjs down my.yaml', '"down" takes no files, and here is "my.yaml"'],
    ['jwt-e2e run --keep --name', '--name needs a value'],
    ['jwt-e2e up --reuse', '"up" has no flag --reuse'],
    ['docker run --rm istio-jwt-e2e run --tmpfs /tmp', '"run" has no flag --tmpfs'],
  ])('refuses %s', (line, message) => {
    expect(check(line)).toEqual([message]);
  });

  test('accepts what is right, with variables, comments, continued lines and other programs', () => {
    const line =
      'npm ci && JWT_E2E_NAME=x npm run e2e -- \\\n  --keep -g "a text" my.yaml # a comment\nkubectl get pods --watch\n';
    expect(commandsIn(line)).toHaveLength(3);
    expect(check(line)).toEqual([undefined, undefined, undefined]);
    expect(check('jwt-e2e list --json | jq length > $FILE; jwt-e2e matrix')).not.toContain(
      expect.any(String),
    );
  });

  test('finds the commands of a pipeline', () => {
    const text = 'job:\n  script:\n    - npm run e2e -- --json x\n';
    expect(shellOf({ file: 'x', line: 1, info: 'yaml gitlab', text })).toEqual(['npm run e2e -- --json x']);
  });
});
