/** Parts of pages that are made from the sources: compared by tests, written with UPDATE_GOLDEN=1. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { read, root } from './markdown.ts';

/** What stands between `<!-- generated: NAME -->` and `<!-- /generated -->`, and the page with it replaced. */
export function generatedPart(text: string, name: string): { now: string; replaced(by: string): string } {
  const begin = `<!-- generated: ${name} -->\n`;
  const start = text.indexOf(begin);
  const end = text.indexOf('<!-- /generated -->', start);
  if (start === -1 || end === -1) throw new Error(`the page has no part "${name}"`);
  return {
    now: text.slice(start + begin.length, end).trim(),
    replaced: (by) => `${text.slice(0, start + begin.length)}\n${by.trim()}\n\n${text.slice(end)}`,
  };
}

/** The part as it stands in the page, after writing it when that was asked for. */
export function partOf(file: string, name: string, wanted: string): string {
  if (process.env.UPDATE_GOLDEN) {
    writeFileSync(join(root, file), generatedPart(read(file), name).replaced(wanted));
  }
  return generatedPart(read(file), name).now;
}

/** A Markdown table; `|` in cells is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
