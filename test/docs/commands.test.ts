/** Command lines, flags, variables and files in the documentation exist. That commands work is in commands.long.ts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allOptions, configOption, variableOf } from '../../src/settings/options.ts';
import { all, fences, known, lines, shellOf } from './command-fences.ts';
import { commandsIn, mistakeIn, productArguments } from './command-lines.ts';
import { root, where } from './markdown.ts';

const jenkins = fences
  .filter(({ info }) => info === 'groovy')
  .flatMap((fence) =>
    [...fence.text.matchAll(/\bsh '([^']+)'/g)].flatMap((match) =>
      commandsIn(match[1] ?? '').map((command) => ({ at: where(fence), command })),
    ),
  );

test('command lines in code blocks use commands, scripts and flags that there are', () => {
  const checked = [...lines, ...jenkins];
  expect(checked.filter(({ command }) => productArguments(command, known)).length).toBeGreaterThan(20);
  const mistakes = checked.flatMap(({ at, command }) => {
    const mistake = mistakeIn(command, known);
    return mistake === undefined ? [] : [`${at}: ${command.join(' ')}: ${mistake}`];
  });
  expect(mistakes).toEqual([]);
});

test('each page with commands says what `jwt-e2e` stands for, in the package as in a clone', () => {
  const what =
    'On this page `jwt-e2e` stands for `npx jwt-e2e` where the [package](api.md#install) is installed, and for `node src/cli/bin.mjs` in a clone.';
  const named = lines
    .filter(({ fence, command }) => fence.info.startsWith('sh') && command[0] === 'jwt-e2e')
    .map(({ fence }) => fence.file);
  const missing = all.filter(
    ({ file, text }) => named.includes(file) && !text.replaceAll(/\s+/g, ' ').includes(what),
  );
  expect(missing.map(({ file }) => file)).toEqual([]);
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
