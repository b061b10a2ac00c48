import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HarnessError } from '../../../../../src/base/errors.ts';
import { readConfiguration } from '../../../../../src/target/local/apps/nginx/nginx-config.ts';
import {
  type Directive,
  parseConfiguration,
} from '../../../../../src/target/local/apps/nginx/nginx-syntax.ts';

type Plain = readonly [string, readonly string[], (readonly Plain[])?];

function plain(directives: readonly Directive[]): Plain[] {
  return directives.map(({ name, args, block }) => (block ? [name, args, plain(block)] : [name, args]));
}

describe('words', () => {
  test.each<[string, Plain[]]>([
    ['', []],
    ['# only a comment', []],
    ['a;', [['a', []]]],
    [
      'a b  c\t\n d;e;',
      [
        ['a', ['b', 'c', 'd']],
        ['e', []],
      ],
    ],
    [
      'a{b{c;}}d;',
      [
        ['a', [], [['b', [], [['c', []]]]]],
        ['d', []],
      ],
    ],
    ['location /x{return 200;}', [['location', ['/x'], [['return', ['200']]]]]],
    ['a "b;{}#" \'c"d\';', [['a', ['b;{}#', 'c"d']]]],
    ['a "" \'\';', [['a', ['', '']]]],
    [String.raw`a "\"\t\n\\ \d" b\ c \;;`, [['a', ['"\t\n\\ \\d', 'b\\ c', '\\;']]]],
    ['a b#c x}d x"y;', [['a', ['b#c', 'x}d', 'x"y']]]],
    ['a # b;\n c; # d', [['a', ['c']]]],
    ['a ${b}{c;}', [['a', ['${b}'], [['c', []]]]]],
    ['a x${b}y;', [['a', ['x${b}y']]]],
    ['a \f\u00a0;', [['a', ['\f\u00a0']]]],
    ['ä "日本";', [['ä', ['日本']]]],
  ])('%j', (source, expected) => {
    expect(plain(parseConfiguration(source, 'a.conf'))).toEqual(expected);
  });

  test.each([
    ['a', 'unexpected end of file, expecting ";" or "{" (file a.conf, line 1)'],
    ['a;\n\nb {\n', 'unexpected end of file, expecting "}" (file a.conf, line 4)'],
    ['a;\n}', 'unexpected "}" (file a.conf, line 2)'],
    ['a {\n b }', 'unexpected "}", expecting ";" or "{" (file a.conf, line 2)'],
    [';', 'unexpected ";" (file a.conf, line 1)'],
    ['{', 'unexpected "{" (file a.conf, line 1)'],
    ['a "b', 'a quote or a backslash is left open (file a.conf, line 1)'],
    ['a "b\nc"\nd "e"f;', 'unexpected "f" after a quote (file a.conf, line 3)'],
    ['a b\\', 'left open (file a.conf, line 1)'],
  ])('%j is refused', (source, message) => {
    expect(() => parseConfiguration(source, 'a.conf')).toThrow(message);
  });

  test('lines are counted through comments, quotes and blocks', () => {
    const [, block] = parseConfiguration('# one\na "x\ny"; # three\nb {\n\n  c d\n e;\n}', 'a.conf');
    expect([block?.line, block?.block?.[0]?.line]).toEqual([4, 6]);
  });

  test('deep and long files', () => {
    const depth = 50_000;
    expect(parseConfiguration('a{'.repeat(depth) + '}'.repeat(depth), 'a.conf')).toHaveLength(1);
    const long = 'x'.repeat(1024 * 1024);
    expect(parseConfiguration(`a "${long}" ${long}; #${'#'.repeat(100_000)}`, 'a.conf')[0]?.args).toEqual([
      long,
      long,
    ]);
    expect(() => parseConfiguration(`a "${long}`, 'a.conf')).toThrow(HarnessError);
  });
});

/** Writes directives so that they read the same. */
function write(directives: readonly Plain[]): string {
  const word = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return directives
    .map(
      ([name, args, block]) => `${[name, ...args].map(word).join(' ')}${block ? `{${write(block)}}` : ';'}`,
    )
    .join('\n# }\n');
}

const tree = fc.letrec<{ directives: Plain[] }>((tie) => ({
  directives: fc.array(
    fc.oneof(
      fc.tuple(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 })),
      fc.tuple(fc.string(), fc.array(fc.string(), { maxLength: 3 }), tie('directives')),
    ),
    { maxLength: 4, depthIdentifier: 'tree' },
  ),
})).directives;

/** Pieces of configurations, in any order. */
const soup = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...'server|location|listen|root|alias|return|add_header|default_type|index|80|200|/x|=|^~|always'.split(
          '|',
        ),
      ),
      fc.constantFrom(
        ' ',
        ' ',
        '\n',
        ';',
        ';',
        '{',
        '}',
        '"',
        "'",
        '\\',
        '#',
        '$',
        '${',
        '~',
        '*:80',
        '[::]:443',
        '.',
      ),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(''));

describe('any file', () => {
  test('what is written is read again', () => {
    fc.assert(
      fc.property(tree, (directives) => {
        expect(plain(parseConfiguration(write(directives), 'a.conf'))).toEqual(directives);
      }),
    );
  });

  test('is read or refused with a HarnessError of one line', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' }), tree.map(write)), (source) => {
        try {
          readConfiguration(new Map([['a.conf', source]]));
        } catch (error) {
          expect(error).toBeInstanceOf(HarnessError);
          expect(error).toMatchObject({ code: 'E_NOT_READY', hint: expect.any(String) });
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
