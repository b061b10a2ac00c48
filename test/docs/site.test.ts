/** The pages of docs form a site that can be walked through, on GitHub and on GitHub Pages. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { partOf } from './generated.ts';
import { pages, parsePage, read, resolveLink, root, where } from './markdown.ts';
import { navigation, pagesInOrder, picturesIn } from './site.ts';

const order = pagesInOrder();
const all = pages();

test('the map has every page of docs, and the decisions have a list of their own', () => {
  const wanted = all.map(({ file }) => file).filter((file) => /^docs\/[^/]+\.md$/.test(file));
  expect(order.toSorted()).toEqual(
    [...wanted.filter((file) => file !== 'docs/README.md'), 'docs/adr/README.md'].sort(),
  );
});

test.each(order)('%s ends with the way to the pages beside it', (file) => {
  const wanted = navigation(file, order);
  expect(partOf(file, 'navigation', wanted)).toBe(wanted);
  expect(read(file).trimEnd()).toMatch(/<!-- \/generated -->$/);
});

test('every page begins with a title, and no two have the same', () => {
  const titles = order.map((file) => {
    const page = parsePage(file, read(file));
    expect(page.text, file).toMatch(/^# \S/);
    return page.headings[0]?.text;
  });
  expect(new Set(titles).size).toBe(order.length);
});

test('GitHub Pages shows the pages as they are: nothing in them is a tag of its template language', () => {
  const tags = all
    .filter(({ file }) => file.startsWith('docs/'))
    .flatMap(({ file, text }) =>
      [...text.matchAll(/\{\{|\{%/g)].map(
        ({ index }) => `${file}:${text.slice(0, index).split('\n').length}`,
      ),
    );
  expect(tags).toEqual([]);
});

test('GitHub Pages has no page for a folder: links lead to files', () => {
  const toFolders = all
    .filter(({ file }) => file.startsWith('docs/'))
    .flatMap(({ links }) => links)
    .filter((link) => {
      const file = join(root, resolveLink(link)?.file ?? 'package.json');
      return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
    });
  expect(toFolders.map((link) => `${where(link)}: ${link.text}`)).toEqual([]);
});

test('GitHub Pages takes every code block for one: behind its backquotes stands one word at most', () => {
  const wrong = all.flatMap(({ file, text }) =>
    [...text.matchAll(/^ *```\S*[ \t]+\S.*$/gm)].map(([line]) => `${file}: ${line}`),
  );
  expect(wrong).toEqual([]);
});

describe('pictures', () => {
  const shown = new Set(all.flatMap(picturesIn));
  const files = readdirSync(join(root, 'docs/images')).map((name) => `docs/images/${name}`);

  test('every one in docs/images is shown on some page', () => {
    expect(files.filter((file) => !shown.has(file))).toEqual([]);
  });

  test('every one has a text for those who cannot see it, and is small', () => {
    for (const { file, text } of all) expect(text, file).not.toMatch(/!\[\s*\]\(|<img(?![^>]*\balt="[^"]+")/);
    for (const file of files) expect(statSync(join(root, file)).size, file).toBeLessThan(250_000);
  });
});

test('the architecture names every folder of src, in its table and in its picture, and none that is not there', () => {
  const page = parsePage('docs/architecture.md', read('docs/architecture.md'));
  const picture = read('docs/images/architecture.svg');
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `src/${name}/`);
  const named = page.codes.map(({ text }) => text).filter((text) => /^src\/[\w-]+\/$/.test(text));
  expect([...new Set(named)].sort()).toEqual(folders.sort());
  const drawn = [...picture.matchAll(/>(src\/[\w/-]+\/)[<:]/g)].map(([, path = '']) => path);
  expect(folders.filter((folder) => !drawn.includes(folder))).toEqual([]);
  expect(drawn.filter((path) => !statSync(join(root, path)).isDirectory())).toEqual([]);
});
