/**
 * Runs several command lines one after the other in one process, because starting the product takes longer than any of
 * them. The argument is a JSON array of argument lists; what each of them did is written as JSON.
 */
import { main } from '../../src/cli/main.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const write = process.stdout.write.bind(process.stdout);
const all: Ran[] = [];
for (const args of JSON.parse(process.argv[2] ?? '[]') as string[][]) {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (chunk: string | Uint8Array) => {
      texts[name] += String(chunk);
      return true;
    };
  }
  all.push({ code: await main(args), ...texts });
}
write(JSON.stringify(all));
