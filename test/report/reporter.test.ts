import { describe, expect, it } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import type { Event } from '../../src/base/events.ts';
import { combine, type Reporter } from '../../src/report/reporter.ts';
import { passed } from './runs.ts';

function recorder(): Reporter & { readonly events: Event[]; closed: boolean } {
  return {
    events: [],
    closed: false,
    handle(event) {
      this.events.push(event);
    },
    async close() {
      this.closed = true;
    },
  };
}

describe('combine', () => {
  it('gives every event to every reporter, in order', async () => {
    const [one, two] = [recorder(), recorder()];
    const warnings: string[] = [];
    const all = combine([one, two], (line) => warnings.push(line));
    for (const event of passed) all.handle(event);
    await all.close();
    expect(one.events).toEqual(passed);
    expect(two.events).toEqual(passed);
    expect([one.closed, two.closed]).toEqual([true, true]);
    expect([all.problems, warnings]).toEqual([[], []]);
  });

  it('keeps the errors of one reporter from the run and from the others', async () => {
    let handled = 0;
    const broken: Reporter = {
      name: 'JUnit report',
      handle() {
        handled++;
        throw new HarnessError('E_SETTINGS', 'cannot write /x/junit.xml: EACCES', { hint: 'name another' });
      },
      close: () => Promise.reject(new Error('closed twice')),
    };
    const other = recorder();
    const warnings: string[] = [];
    const all = combine([broken, other], (line) => warnings.push(line));
    for (const event of passed) all.handle(event);
    await all.close();
    expect(handled).toBe(passed.length);
    expect(other.events).toEqual(passed);
    expect(other.closed).toBe(true);
    expect(all.problems.map(({ code }) => code)).toEqual(['E_SETTINGS', 'E_INTERNAL']);
    expect(warnings).toEqual([
      'warning: JUnit report: cannot write /x/junit.xml: EACCES (name another)',
      'warning: JUnit report: closed twice',
      'warning: 2 problems while writing reports; do not rely on them for this run',
    ]);
  });
});
