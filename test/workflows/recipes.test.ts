/** The recipes for other CI systems: as far as can be told without those systems, they work. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { commandHelp } from '../docs/cli.ts';
import { commandsIn, type Known, mistakeIn, productArguments } from '../docs/command-lines.ts';

interface GitLabJob {
  readonly stage: string;
  readonly when?: string;
  readonly parallel?: { readonly matrix: readonly Readonly<Record<string, readonly string[]>>[] };
  readonly script: readonly string[];
  readonly artifacts: { readonly when: string; readonly paths: readonly string[]; readonly reports?: object };
}

const gitlab = parse(readFileSync('docs/recipes/gitlab-ci.yml', 'utf8')) as {
  readonly stages: readonly string[];
  readonly jwt: GitLabJob;
  readonly 'jwt-page': GitLabJob;
};
const jenkins = readFileSync('docs/recipes/Jenkinsfile', 'utf8');
/** The texts of `sh`, in one line or in several; Groovy reads `\\` in them as `\`. */
const jenkinsScripts = [...jenkins.matchAll(/\bsh\b[^'\n]*(?:'''([\s\S]*?)'''|'([^'\n]+)')/g)].map(
  ([, long, short]) => long ?? short ?? '',
);
const recipes = [
  ['gitlab-ci.yml', [gitlab.jwt.script.join('\n'), gitlab['jwt-page'].script.join('\n')]],
  ['Jenkinsfile', jenkinsScripts],
] as const;

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as Known;
let known: Known;
beforeAll(async () => {
  known = { commands: await commandHelp(), scripts };
});

const shellcheck = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'shellcheck'))
  .find((program) => existsSync(program));

describe.each(recipes)('%s', (_, shells) => {
  test('uses commands and flags that there are, and has all parts', () => {
    const commands = shells.flatMap((shell) => commandsIn(shell));
    expect(commands.map((command) => mistakeIn(command, known)).filter(Boolean)).toEqual([]);
    const names = commands.map((command) => productArguments(command, known)?.[0]);
    expect(new Set(names.filter(Boolean))).toEqual(new Set(['fetch', 'run', 'report']));
    const run = commands.find((command) => productArguments(command, known)?.[0] === 'run');
    for (const flag of ['--junit', '--json', '--artifacts', '--baseline', '--shard'])
      expect(run).toContain(flag);
  });

  test.skipIf(shellcheck === undefined && process.env.CI === undefined)(
    'has clean shell text (skipped without shellcheck)',
    () => {
      for (const shell of shells) {
        execFileSync(shellcheck ?? 'shellcheck', ['--shell=bash', '-'], {
          input: `#!/bin/bash\n${shell}\n`,
          encoding: 'utf8',
        });
      }
    },
  );
});

describe('on GitLab', () => {
  const { jwt, 'jwt-page': page, stages } = gitlab;

  test('each part of a version has a folder of its own, which the page takes its results from', () => {
    const [{ ISTIO = [], PART = [] } = {}] = jwt.parallel?.matrix ?? [];
    const folders = ISTIO.flatMap((istio) =>
      PART.map((part) =>
        execFileSync('bash', ['-euc', `${jwt.script[0]}; echo "$OUT"`], {
          encoding: 'utf8',
          env: { PATH: process.env.PATH, ISTIO: istio, PART: part },
          stdio: ['ignore', 'pipe', 'inherit'],
        }).trim(),
      ),
    );
    expect(new Set(folders).size).toBe(ISTIO.length * PART.length);
    for (const folder of folders) expect(folder).toMatch(/^reports\/[\w.-]+$/);
    expect(PART).toEqual(PART.map((_, index) => `${index + 1}/${PART.length}`));
    expect(stages.indexOf(page.stage)).toBeGreaterThan(stages.indexOf(jwt.stage));
  });

  test('reports are kept, and the page is made, whatever happened', () => {
    expect([jwt.artifacts.when, page.artifacts.when, page.when]).toEqual(['always', 'always', 'always']);
    expect(jwt.artifacts.reports).toEqual({ junit: 'reports/*/junit.xml' });
  });
});

describe('on Jenkins', () => {
  test('brackets are closed', () => {
    const code = jenkins.replaceAll(/\/\/.*$/gm, '').replaceAll(/'''[\s\S]*?'''|'[^'\n]*'|"[^"\n]*"/g, '""');
    const open: string[] = [];
    for (const [sign] of code.matchAll(/[{}()[\]]/g)) {
      if ('{(['.includes(sign)) open.push(sign);
      else expect(`${open.pop()}${sign}`).toMatch(/^(\{\}|\(\)|\[\])$/);
    }
    expect(open).toEqual([]);
  });

  test('what is stashed is what is put together', () => {
    const values = [...jenkins.matchAll(/^\s*values (.*)$/gm)].map(([, list]) => list);
    const loops = [...jenkins.matchAll(/for \(\w+ in \[(.*)\]\)/g)].map(([, list]) => list);
    expect(loops).toEqual(values);
    const [stash, unstash] = [/stash name: "(.*?)"/, /unstash "(.*?)"/].map(
      (pattern) => pattern.exec(jenkins)?.[1],
    );
    expect(unstash?.toUpperCase()).toBe(stash?.toUpperCase());
    // As many shards as parts.
    expect(jenkins).toContain(`--shard "$PART/${values[1]?.split(',').length}"`);
  });
});
