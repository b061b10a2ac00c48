import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inert, visible } from '../../../src/base/harmless.ts';
import { problemLines } from '../../../src/report/console/console-lines.ts';
import { colorsOf } from '../../../src/report/console/terminal.ts';
import { GitHubLog } from '../../../src/report/markdown/github.ts';
import { many, planted } from '../console-runs.ts';
import { tell } from '../console-support.ts';
import * as runs from '../runs.ts';

const workspace = '/home/runner/work/shop/shop';
const github = { github: { workspace, cwd: `${workspace}/tests` } };

interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/**
 * What the runner takes a line for, written after ActionCommand.cs of actions/runner: `::name properties::data` after
 * white space, else `##[name properties]data` anywhere. It compares text by culture: characters without weight are as
 * good as not there.
 */
function commandOf(line: string): Command | undefined {
  const seen = line.replaceAll(/(?![\t\n\r])[\p{C}\p{DI}]/gu, '');
  const match =
    /^[\s\u0085]*::(?<name>[\w-]+)(?: (?<list>.*?))?::(?<data>.*)$/su.exec(seen) ??
    /##\[(?<name>[\w-]+)(?: (?<list>[^\]]*))?\](?<data>.*)$/su.exec(seen);
  if (match === null) return undefined;
  const { name = '', list = '', data = '' } = match.groups ?? {};
  const properties = list
    .split(',')
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), unescaped(pair.slice(at + 1))] as const;
    });
  return { name, properties: Object.fromEntries(properties), data: unescaped(data) };
}

function unescaped(text: string): string {
  const back: Record<string, string> = { '%0D': '\r', '%0A': '\n', '%3A': ':', '%2C': ',', '%25': '%' };
  return text.replaceAll(/%(?:0D|0A|3A|2C|25)/g, (code) => back[code] ?? code);
}

function commands(output: string): Command[] {
  return output
    .split('\n')
    .map(commandOf)
    .filter((command) => command !== undefined);
}

describe('on GitHub the console', () => {
  it.each([
    ['failures', runs.failures],
    ['setup-failed', runs.setupFailed],
    ['several', runs.several],
    ['planted', planted],
    ['many', many(12)],
  ])('folds what is not loud, and annotates what is: %s', async (name, events) => {
    await expect(await tell(events, github)).toMatchFileSnapshot(
      `../../golden/report/console-github-${name}.txt`,
    );
  });

  it('cannot be made to give commands by what a mesh or a tool says', async () => {
    const given = commands(await tell(planted, github));
    expect(new Set(given.map(({ name }) => name))).toEqual(
      new Set(['group', 'endgroup', 'error', 'warning']),
    );
    // Each wrong answer, the scenario that could not be carried out, and the warning with a place.
    expect(given.filter(({ name }) => name === 'error')).toHaveLength(7);
    expect(given.filter(({ name }) => name === 'warning')).toHaveLength(2);
    expect(given.filter(({ data }) => data === 'planted')).toEqual([]);
  });

  it('opens and closes groups in turn, and folds no failure', async () => {
    for (const events of Object.values(runs)) {
      let depth = 0;
      for (const line of (await tell(events, github)).split('\n')) {
        const name = commandOf(line)?.name;
        if (name === 'group') depth += 1;
        if (name === 'endgroup') depth -= 1;
        expect([0, 1]).toContain(depth);
        if (/^ [✗!] |^ {5}(expected|got|next)/.test(line)) expect(depth).toBe(0);
      }
      expect(depth).toBe(0);
    }
  });

  it('gives places in the repository, and none outside of it', async () => {
    const [first, second] = commands(await tell(many(2), github)).filter(({ name }) => name === 'error');
    expect(first?.properties).toEqual({
      file: 'tests/scenarios/documented/require-jwt.yaml',
      line: '48',
      col: '18',
      title: 'require-jwt/a token is required/no token//0',
    });
    expect(second?.properties).toEqual({ title: 'require-jwt/a token is required/no token//1' });
  });

  it.each([
    [9, 9, undefined],
    [10, 10, undefined],
    [11, 10, '2 more errors of this kind'],
    [25, 10, '16 more errors of this kind'],
  ])('shows %d errors as %d', async (count, shown, last) => {
    const errors = commands(await tell(many(count), github)).filter(({ name }) => name === 'error');
    expect(errors).toHaveLength(shown);
    if (last !== undefined) expect(errors.at(-1)?.properties.title).toBe(last);
    else
      expect(errors.at(-1)?.properties.title).toBe(`require-jwt/a token is required/no token//${count - 1}`);
  });

  it('says the same as elsewhere besides', async () => {
    const bare = (text: string) => text.split('\n').filter((line) => commandOf(line) === undefined);
    const elsewhere = bare(await tell(runs.failures));
    expect(bare(await tell(runs.failures, github))).toEqual(expect.arrayContaining(elsewhere));
  });
});

describe('GitHubLog', () => {
  it('gets every text through an annotation unharmed', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.stringMatching(/^[\w,:% =-]+$/), (title, message, file) => {
        let output = '';
        const log = new GitHubLog({ write: (text) => (output += text) }, { workspace: '/w', cwd: '/w' });
        log.annotate({ level: 'error', title, message, place: { file, line: 3, column: 4 } });
        expect(output.endsWith('\n')).toBe(true);
        const [command] = commands(output.slice(0, -1));
        expect(command).toMatchObject({
          name: 'error',
          properties: { file: inert(file), line: '3', col: '4' },
        });
        expect(command?.data).toBe(inert(visible(message)));
      }),
    );
  });

  it('prints no line that the runner would take for a command', () => {
    const bits = [
      '::',
      ':',
      '##[',
      '#',
      '[',
      'error',
      ' ',
      'a',
      ']',
      '\u200b',
      '\u00ad',
      '\t',
      '\u0085',
      '\u3000',
      '%0A',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...bits), { maxLength: 12 }), (parts) => {
        expect(commandOf(inert(parts.join('')))).toBeUndefined();
      }),
      { numRuns: 5000 },
    );
  });

  it('leaves no lone carriage return, at which the runner ends a line, too', () => {
    let output = '';
    const log = new GitHubLog({ write: (text) => (output += text) });
    log.print('a\r::error::planted', 'b\r\n::error::planted\n\n##[error]planted');
    log.annotate({ level: 'error', title: 't', message: 'a\r::error::planted' });
    expect(output).toBe(
      'a⟦U+000D⟧::error::planted\nb\n: :error::planted\n\n## [error]planted\n::error title=t::a⟦U+000D⟧::error::planted\n',
    );
  });

  it('ends a line of the details of a problem there', () => {
    const problem = { code: 'E_ISTIO', message: 'm', details: 'one\rtwo\r\nthree' } as const;
    expect(problemLines(problem, colorsOf(false)).slice(1)).toEqual(
      ['one', 'two', 'three'].map((line) => `     | ${line}`),
    );
  });

  it('leaves other lines alone', () => {
    for (const line of ['     got       200', 'curl http://[::1]:8000', 'a :: b', '# [1]']) {
      expect(inert(line)).toBe(line);
    }
  });
});
