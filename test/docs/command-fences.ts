/** Command lines in code blocks of the documentation. */
import { parseAllDocuments } from 'yaml';
import { commandHelp } from './cli.ts';
import { commandsIn, type Known } from './command-lines.ts';
import { type Fence, pages, read, where } from './markdown.ts';

export const { scripts } = JSON.parse(read('package.json')) as Known;
export const all = pages();
export const fences = all.flatMap((page) => page.fences);
export const known: Known = { commands: commandHelp(), scripts };

/** Shell text in a code block: a block of its own, or the steps of a workflow or pipeline. */
export function shellOf({ info, text }: Fence): string[] {
  if (/^sh( |$)/.test(info)) return [text];
  if (!/^yaml (github|gitlab)$/.test(info)) return [];
  const found: string[] = [];
  const visit = (node: unknown, key = ''): void => {
    if (typeof node === 'string' && /^(run|script|after_script)$/.test(key)) found.push(node);
    if (Array.isArray(node)) for (const each of node) visit(each, key);
    else if (typeof node === 'object' && node !== null) {
      for (const [name, value] of Object.entries(node)) visit(value, name);
    }
  };
  for (const document of parseAllDocuments(text)) visit(document.toJS());
  return found;
}

export const lines = fences.flatMap((fence) =>
  shellOf(fence).flatMap((shell) =>
    commandsIn(shell).map((command) => ({ fence, at: where(fence), command })),
  ),
);
