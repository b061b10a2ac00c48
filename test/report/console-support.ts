/** Runs the console report in a test. */
import type { Event } from '../../src/base/events.ts';
import { type ConsoleOptions, ConsoleReporter } from '../../src/report/console/console.ts';
import { readLine } from './fixture.ts';

/** What the console says about these events, as it was written. */
export async function tell(events: readonly Event[], options: Partial<ConsoleOptions> = {}): Promise<string> {
  return (await tellInTwo(events, options)).join('');
}

/** What it says at the events, and what it writes when it is closed. */
export async function tellInTwo(
  events: readonly Event[],
  options: Partial<ConsoleOptions> = {},
): Promise<[string, string]> {
  let output = '';
  let clock = 0;
  const reporter = new ConsoleReporter({
    stream: {
      write: (text) => {
        output += text;
      },
    },
    isTTY: false,
    width: 100,
    color: false,
    readLine,
    reports: { junit: 'reports/junit.xml', results: 'reports/results.json', artifacts: 'reports/artifacts' },
    artifacts: 'reports/artifacts',
    now: () => clock,
    shared: [],
    ...options,
  });
  for (const event of events) {
    clock = event.at;
    reporter.handle(event);
  }
  const { length } = output;
  await reporter.close();
  return [output.slice(0, length), output.slice(length)];
}
