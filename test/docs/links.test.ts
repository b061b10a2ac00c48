/** Links between the pages of the documentation lead somewhere. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { anchors, type Page, pages, parsePage, resolveLink, root, where } from './markdown.ts';

/** Links that lead nowhere, each with the reason. */
function broken(all: readonly Page[], exists: (file: string) => boolean): string[] {
  return all.flatMap(({ links }) =>
    links.flatMap((link) => {
      const target = resolveLink(link);
      if (target === undefined) return [];
      if (target.file.startsWith('../')) return [`${where(link)}: ${link.text} leads out of the project`];
      if (!exists(target.file)) return [`${where(link)}: there is no ${target.file}`];
      if (target.anchor === undefined) return [];
      const page = all.find(({ file }) => file === target.file);
      if (page !== undefined && anchors(page).has(target.anchor)) return [];
      return [`${where(link)}: ${target.file} has no heading #${target.anchor}`];
    }),
  );
}

test('every relative link and every anchor in the pages exists', () => {
  const all = pages();
  expect(all.map(({ file }) => file)).toContain('README.md');
  expect(all.flatMap(({ links }) => links).length).toBeGreaterThan(50);
  expect(broken(all, (file) => existsSync(join(root, file)))).toEqual([]);
});

test('every page of docs, and every one beside README, can be reached from README', () => {
  const all = pages();
  const reached = new Set(['README.md']);
  for (const file of reached) {
    for (const link of all.find((page) => page.file === file)?.links ?? []) {
      const target = resolveLink(link)?.file;
      if (target?.endsWith('.md')) reached.add(target);
    }
  }
  const wanted = all.map(({ file }) => file).filter((file) => /^(docs\/|[^/]+$)/.test(file));
  expect(wanted.filter((file) => !reached.has(file))).toEqual([]);
});

describe('the checker', () => {
  const page = (text: string) => parsePage('docs/page.md', text);
  const check = (text: string) =>
    broken([page(text)], (file) => ['docs/page.md', 'README.md'].includes(file));

  test.each([
    ['a file that is not there', '[x](other.md)', 'docs/page.md:1: there is no docs/other.md'],
    ['a heading that is not there', '# A\n[x](#b)', 'docs/page.md:2: docs/page.md has no heading #b'],
    ['a picture', '![x](images/x.svg)', 'docs/page.md:1: there is no docs/images/x.svg'],
    ['a link in HTML', '<img src="x.png">', 'docs/page.md:1: there is no docs/x.png'],
    ['a way out', '[x](../../secret.md)', 'docs/page.md:1: ../../secret.md leads out of the project'],
  ])('finds %s', (_, text, message) => {
    expect(check(text)).toEqual([message]);
  });

  test('accepts what is right, and does not look into code', () => {
    const text =
      '# A `--flag`, and more!\n[x](#a---flag-and-more) [y](../README.md) [z](https://a.example/b)\n';
    expect(check(`${text}\`[x](nothing.md)\`\n\n\`\`\`sh\n# [x](nothing.md)\n\`\`\`\n`)).toEqual([]);
  });

  test('knows that a second heading of the same text has another anchor', () => {
    expect([...anchors(page('# Same\n# Same\n<a id="own"></a>'))]).toEqual(['same', 'same-1', 'own']);
  });
});
