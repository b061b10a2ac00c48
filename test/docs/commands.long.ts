/** Command lines in the documentation that need no mesh really work. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { typescript } from '../support/typescript.ts';
import { fences, known, lines, scripts } from './command-fences.ts';
import { productArguments } from './command-lines.ts';
import { savedAs } from './examples.ts';
import { partOf } from './generated.ts';
import { type Fence, root } from './markdown.ts';
import { writeResults } from './results.ts';
import type { Action, Ran } from './run-all.ts';

const byLine = (one: { fence: Fence }, other: { fence: Fence }) => one.fence.line - other.fence.line;

/** Commands of the product that need nothing but files. */
const alone = new Set(['list', 'lint', 'matrix', 'completion', 'diff', 'report', 'mutate']);

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
    const step = written.slice(written.indexOf('  - name: "with the policies'));
    const [table = ''] = /^ {4}expect:\n(?: {6}.*\n)*/m.exec(step) ?? [];
    const wanted = `\`\`\`text\n${table.replaceAll(/^ {4}/gm, '').trim()}\n\`\`\``;
    expect(partOf('docs/help.md', 'init', wanted)).toBe(wanted);
  });
});
