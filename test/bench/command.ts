/** Runs the product for a measurement. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Measure } from './result.ts';

/** What is shipped, which `npm run build` makes: users have no sources. */
export const program = fileURLToPath(new URL('../../dist/cli/bin.mjs', import.meta.url));

/** Where measured runs leave their reports. */
export const reports = 'reports/bench';

/** Arguments for reports that are not those of the user. */
export const reportFiles = [
  '--junit',
  `${reports}/junit.xml`,
  '--json',
  `${reports}/results.json`,
  '--artifacts',
  `${reports}/artifacts`,
];

/** How long runs that were measured took to say something, in milliseconds. */
const firstLines: number[] = [];

/** The same, as it is to be judged. */
export function firstLine(): Measure {
  return {
    name: 'first-line',
    what: 'from the start of a run to the first line that it writes',
    ms: firstLines,
    targetMs: 500,
  };
}

/** How long the words about one check take, which need no mesh. */
export async function explanation(times: number, signal: AbortSignal): Promise<Measure> {
  const ms: number[] = [];
  const line = ['explain', 'scenarios/documented/require-jwt.yaml', '--grep', '/valid/'];
  for (let time = 0; time < times; time++) ms.push(await jwtE2e(line, signal));
  return { name: 'explain', what: 'the explanation of one check', ms, targetMs: 500 };
}

/** Runs the product; returns milliseconds. @throws Error when it does not end with 0 */
export async function jwtE2e(args: readonly string[], signal: AbortSignal): Promise<number> {
  process.stdout.write(`jwt-e2e ${args.join(' ')} ...`);
  const started = performance.now();
  const running = execa('node', [program, ...args], {
    reject: false,
    all: true,
    cancelSignal: signal,
    // Time to put everything back, as after Ctrl-C.
    forceKillAfterDelay: 180_000,
  });
  if (args[0] === 'run') running.all.once('data', () => firstLines.push(performance.now() - started));
  const { exitCode, all } = await running;
  const ms = performance.now() - started;
  process.stdout.write(` ${(ms / 1000).toFixed(1)} s\n`);
  if (exitCode !== 0) throw new Error(`jwt-e2e ${args.join(' ')} ended with ${exitCode}:\n${all}`);
  return ms;
}
