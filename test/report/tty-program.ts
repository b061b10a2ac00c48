/** A run as a terminal sees it, for tty.long.ts: the console report on the real streams of this process. */
import { spawnSync } from 'node:child_process';
import type { Event } from '../../src/base/events.ts';
import { withSignals } from '../../src/cli/support/signals.ts';
import { ConsoleReporter } from '../../src/report/console/console.ts';
import { describeTerminal } from '../../src/report/console/terminal.ts';
import { readLine } from './fixture.ts';
import * as runs from './runs.ts';

const [mode] = process.argv.slice(2);
const terminal = describeTerminal(process.stdout, process.env);
// The live table does not keep a program from ending.
const alive = setInterval(() => {}, 1000);
const reporter = new ConsoleReporter({
  stream: process.stdout,
  ...terminal,
  readLine,
  reports: { JUnit: 'reports/junit.xml' },
});

/** When the next picture has been drawn, or a line been written; only ever late, never early. */
function written(times: number): Promise<void> {
  const { write } = process.stdout;
  return new Promise((done) => {
    let left = times;
    process.stdout.write = ((...args: Parameters<typeof write>) => {
      const taken = write.apply(process.stdout, args);
      left -= 1;
      if (left === 0) {
        process.stdout.write = write;
        done();
      }
      return taken;
    }) as typeof write;
  });
}

async function handle(events: readonly Event[]): Promise<void> {
  for (const event of events) {
    // The times of the stream are long ago, and elapsed times would be years.
    reporter.handle({ ...event, at: Date.now() });
    const isLong = event.type === 'step-started' || event.type === 'phase-started';
    if (isLong && terminal.isTTY) await written(2);
  }
}

const half = runs.failures.findIndex(({ type }) => type === 'scenario-finished') - 1;

if (mode === 'run') {
  await handle(runs.failures);
  await reporter.close();
} else if (mode === 'resize') {
  await handle(runs.failures.slice(0, half));
  const isResized = new Promise<void>((done) => process.stdout.once('resize', done));
  spawnSync('stty', ['cols', '50', 'rows', '9'], { stdio: ['inherit', 'ignore', 'inherit'] });
  process.stderr.write('the window became narrow\n');
  await isResized;
  await written(2);
  await handle(runs.failures.slice(half));
  await reporter.close();
} else if (mode === 'exit') {
  await handle(runs.failures.slice(0, half));
  process.exit(4);
} else {
  // Waits for what the test sends.
  await withSignals(async (signal) => {
    await handle(runs.failures.slice(0, half));
    process.stderr.write(`pid ${process.pid}\n`);
    while (!signal.aborted) await written(1);
    if (mode === 'twice') await new Promise(() => {});
    const [last] = runs.interrupted.slice(-1);
    if (last !== undefined) reporter.handle({ ...last, at: Date.now() });
    await reporter.close();
  }, 'Nothing is left.');
}
clearInterval(alive);
