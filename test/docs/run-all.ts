/**
 * Runs several command lines one after the other in one process, because starting the product takes longer than any of
 * them, and saves files between them. What to do is read from stdin as JSON; what each command did is written as JSON.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { main } from '../../src/cli/main.ts';

export type Action =
  | { readonly folder: string; readonly args: readonly string[] }
  | { readonly file: string; readonly text: string };

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const write = process.stdout.write.bind(process.stdout);
const all: Ran[] = [];
for (const action of JSON.parse(await text(process.stdin)) as Action[]) {
  if ('file' in action) {
    mkdirSync(dirname(action.file), { recursive: true });
    writeFileSync(action.file, action.text);
    continue;
  }
  process.chdir(action.folder);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (chunk: string | Uint8Array) => {
      texts[name] += String(chunk);
      return true;
    };
  }
  all.push({ code: await main([...action.args]), ...texts });
}
write(JSON.stringify(all));
