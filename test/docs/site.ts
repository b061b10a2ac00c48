/** The pages of docs as a site: their order, which is that of the map in docs/README.md, and the way from one to the next. */
import { posix } from 'node:path';
import { type Page, parsePage, read, resolveLink } from './markdown.ts';

const map = 'docs/README.md';

/** The pages in the order of the map, without the map itself. */
export function pagesInOrder(): string[] {
  const { links } = parsePage(map, read(map));
  const files = links.flatMap((link) => resolveLink(link)?.file ?? []);
  return [...new Set(files)].filter((file) => file.startsWith('docs/') && file.endsWith('.md'));
}

/** The line at the end of a page: to the page before, to the map, to the page after. */
export function navigation(file: string, order: readonly string[]): string {
  const index = order.indexOf(file);
  const to = (other: string, text: string) => `[${text}](${posix.relative(posix.dirname(file), other)})`;
  const before = order[index - 1];
  const after = order[index + 1];
  return [
    ...(before === undefined ? [] : [to(before, `← ${titleOf(before)}`)]),
    to(map, 'All pages'),
    ...(after === undefined ? [] : [to(after, `${titleOf(after)} →`)]),
  ].join(' · ');
}

function titleOf(file: string): string {
  const title = parsePage(file, read(file)).headings[0]?.text;
  if (title === undefined) throw new Error(`${file} has no heading`);
  return title;
}

/** Files that a page shows as pictures, relative to the root of the project. */
export function picturesIn({ file, text }: Page): string[] {
  const named = [
    ...text.matchAll(/!\[[^\]]*\]\(([^)\s]+)\)/g),
    // What is too much for the page itself is only a link.
    ...text.matchAll(/(?<!!)\[[^\]]*\]\(([^)\s]+\.(?:png|svg))\)/g),
    ...text.matchAll(/<(?:img|source)\b[^>]*\bsrc(?:set)?="([^"]+)"/g),
  ];
  return named.map(([, path = '']) => posix.normalize(posix.join(posix.dirname(file), path)));
}
