/** Reads the Markdown files of the project: code blocks, headings, links and inline code. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Fence {
  readonly file: string;
  /** Of the first line of the content; starts at 1. */
  readonly line: number;
  /** The language and, behind a blank, what the comment before the block says it is an example of: `yaml part`. */
  readonly info: string;
  readonly text: string;
}

/** A piece of a page with the line that it stands in. */
export interface Spot {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export interface Page {
  readonly file: string;
  readonly text: string;
  readonly fences: readonly Fence[];
  readonly headings: readonly Spot[];
  readonly links: readonly Spot[];
  /** Inline code, without the backquotes. */
  readonly codes: readonly Spot[];
}

/** Every Markdown file that git has or would add, relative to the root of the project. */
export function pages(): Page[] {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md'];
  const files = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
  return [...new Set(files)].sort().map((file) => parsePage(file, read(file)));
}

export function read(file: string): string {
  return readFileSync(posix.join(root, file), 'utf8');
}

export function parsePage(file: string, text: string): Page {
  const fences: Fence[] = [];
  const headings: Spot[] = [];
  const links: Spot[] = [];
  const codes: Spot[] = [];
  let open: { mark: string; indent: number; info: string; line: number; lines: string[] } | undefined;
  // GitHub Pages takes a block for text when more than one word stands behind its backquotes.
  let example = '';
  for (const [index, line] of text.split('\n').entries()) {
    const [, indent = '', mark = '', info = ''] = /^( *)(`{3,})(.*)$/.exec(line) ?? [];
    if (open !== undefined) {
      if (mark.startsWith(open.mark) && info.trim() === '') {
        fences.push({ file, line: open.line, info: open.info, text: `${open.lines.join('\n')}\n` });
        open = undefined;
      } else open.lines.push(line.slice(Math.min(open.indent, line.search(/\S|$/))));
      continue;
    }
    if (mark !== '') {
      const about = `${info.trim()} ${example}`.trim();
      open = { mark, indent: indent.length, info: about, line: index + 2, lines: [] };
      example = '';
      continue;
    }
    if (line.trim() !== '') example = /^ *<!-- example: (.*) -->$/.exec(line)?.[1] ?? '';
    const spot = (part: string): Spot => ({ file, line: index + 1, text: part });
    const heading = /^#{1,6} +(.*?) *$/.exec(line)?.[1];
    if (heading !== undefined) headings.push(spot(heading));
    for (const match of line.matchAll(/(?<!`)`([^`]+)`(?!`)/g)) codes.push(spot(match[1] ?? ''));
    const prose = line.replaceAll(/`[^`]*`/g, '');
    for (const match of prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g))
      links.push(spot(match[1] ?? ''));
    for (const match of prose.matchAll(/\b(?:src|href)="([^"]+)"/g)) links.push(spot(match[1] ?? ''));
  }
  return { file, text, fences, headings, links, codes };
}

/** The anchors that GitHub gives to the headings of a page. */
export function anchors({ headings, text }: Page): Set<string> {
  const found = new Map<string, number>();
  const names = headings.map((heading) => {
    const base = heading.text
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .replaceAll(' ', '-');
    const count = found.get(base) ?? 0;
    found.set(base, count + 1);
    return count === 0 ? base : `${base}-${count}`;
  });
  const own = [...text.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1] ?? '');
  return new Set([...names, ...own]);
}

/** A relative link as a path from the root of the project, and its anchor; undefined for one to another site. */
export function resolveLink(link: Spot): { file: string; anchor: string | undefined } | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(link.text)) return undefined;
  const [path = '', anchor] = link.text.split('#');
  const file = path === '' ? link.file : posix.normalize(posix.join(dirname(link.file), decodeURI(path)));
  return { file, anchor };
}

export function where({ file, line }: { readonly file: string; readonly line: number }): string {
  return `${file}:${line}`;
}
