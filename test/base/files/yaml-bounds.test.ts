import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDocument, visit } from 'yaml';
import { excessOf, expandedExcess, sameKey, targetOf } from '../../../src/base/files/yaml-bounds.ts';

const far = ' '.repeat(500);

describe('YAML that is nested too deep', () => {
  test.each([
    ['brackets', `a: ${'['.repeat(101)}`, 103],
    ['braces', `${'{a: '.repeat(101)}`, 400],
    ['lists in one line', '- '.repeat(300), 200],
    ['keys that are maps', '? '.repeat(300), 200],
    ['maps line by line', Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''), undefined],
  ])('is found before it is parsed: %s', (_, source, offset) => {
    expect(excessOf(source)).toMatchObject({ message: 'this is nested more than 100 levels deep' });
    if (offset !== undefined) expect(excessOf(source)!.offset).toBe(offset);
  });

  test.each([
    ['a hundred brackets', `a: ${'['.repeat(100)}${']'.repeat(100)}`],
    ['many brackets, one after the other', 'a: [[], {}]\n'.repeat(500)],
    ['a block of text', `a: |\n${far}x\n  y\nb: c`],
    ['plain text of several lines', `a: x\n${far}x\nb: c`],
    ['quoted text of several lines', `a: "x\n${far}x"\nb: c`],
    ['lines within brackets', `a: [\n${far}x]\nb: c`],
    ['a comment', `${far}# c\nb: c`],
    ['an empty line', `${far}\nb: c`],
    ['blanks behind a text', `b: c${far}\n`],
  ])('is not what only stands far to the right: %s', (_, source) => {
    expect(excessOf(source)).toBeUndefined();
  });
});

test('YAML with more keys and entries than anybody can mean is found before it is parsed', () => {
  expect(excessOf('a: [1, 2]\n- b\n', 4)).toBeUndefined();
  expect(excessOf('a: [1, 2]\n- b\nc: d\n', 3)).toMatchObject({
    offset: 15,
    message: 'the file has more than 3 keys and list entries',
  });
});

describe('aliases', () => {
  const excess = (source: string, most: number) =>
    expandedExcess(parseDocument(source, { merge: true }), most);

  test('of aliases are counted as what they stand for', () => {
    const source = 'a: &a [1, 2, 3]\nb: &b [*a, *a]\nc: [*b, *b]\n';
    expect(excess(source, 40)).toBeUndefined();
    expect(excess(source, 18)).toMatchObject({ offset: source.lastIndexOf('*b') });
  });

  test('may be used as often as there is room for what they stand for', () => {
    expect(excess(`a: &a x\nb: [${'*a, '.repeat(1000)}]`, 5_000)).toBeUndefined();
  });

  test('stand for what the parser takes them for, also where an anchor is there again', () => {
    const item = fc.constantFrom('*a', '*b', '&a x', '&b [*a]', '&c { k: &a y, l: *a }', '[*b, &b z]');
    fc.assert(
      fc.property(fc.array(item, { maxLength: 12 }), (items) => {
        const document = parseDocument(items.map((each) => `- ${each}\n`).join(''));
        visit(document, {
          Alias(_, alias) {
            expect(targetOf(alias, document)).toBe(alias.resolve(document));
          },
        });
      }),
    );
  });

  test('that lead nowhere or to themselves do not matter here', () => {
    expect(excess('a: *b\n', 10)).toBeUndefined();
    expect(excess('a: &a [*a]\n', 10)).toBeUndefined();
  });
});

test('a key that is there twice is found, in time that does not grow with the square', () => {
  const same = (source: string) => sameKey(parseDocument(source, { uniqueKeys: false }));
  expect(same('a: 1\nb: {c: 1, d: 2}\n')).toBeUndefined();
  expect(same('a: 1\nb: {c: 1, c: 2}\n')).toBe(15);
  expect(same('1: 1\n"1": 2\n')).toBe(5);
});
