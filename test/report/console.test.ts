import fc from 'fast-check';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/events.ts';
import { type ConsoleOptions, ConsoleReporter } from '../../src/report/console.ts';
import { failureLines } from '../../src/report/console-failure.ts';
import { describeTerminal } from '../../src/report/terminal.ts';
import { displayWidth } from '../../src/report/text.ts';
import { check, kind, readLine, requireJwt, scenarioEvents, stream } from './fixture.ts';
import * as runs from './runs.ts';

async function tell(events: readonly Event[], options: Partial<ConsoleOptions> = {}): Promise<string> {
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
    ...options,
  });
  for (const event of events) {
    clock = event.at;
    reporter.handle(event);
  }
  await reporter.close();
  return output;
}

/** Escape sequences in a form that a golden file can hold and a person can read. */
const visible = (text: string): string => text.replaceAll('\u001b', '␛').replaceAll('\r', '␍');

/** What is left on the screen: lines that were cleared are gone. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is how a line is cleared
const screen = (text: string): string => text.replaceAll(/[^\n]*\r\u001b\[2K/g, '');

describe('ConsoleReporter', () => {
  it.each([
    ['passed', runs.passed],
    ['failures', runs.failures],
    ['skipped', runs.skipped],
    ['setup-failed', runs.setupFailed],
    ['interrupted', runs.interrupted],
    ['several', runs.several],
  ])('says what happened: %s', async (name, events) => {
    await expect(await tell(events)).toMatchFileSnapshot(`../golden/report/console-${name}.txt`);
  });

  it('paints', async () => {
    await expect(visible(await tell(runs.failures, { color: true }))).toMatchFileSnapshot(
      '../golden/report/console-failures-color.txt',
    );
  });

  it('has one moving line on a TTY, and cuts lines to its width', async () => {
    const output = await tell(runs.failures, { isTTY: true, width: 80 });
    await expect(visible(output)).toMatchFileSnapshot('../golden/report/console-failures-tty.txt');
    const left = screen(output);
    expect(left).toContain(' ✓ create kind cluster jwt-e2e-7f3a (34.2s)\n');
    expect(left).not.toContain('⠋');
    const tooLong = left.split('\n').filter((line) => displayWidth(line) > 80);
    // What is to be pasted, warnings, findings and the counts are never cut.
    expect(tooLong.filter((line) => !/^ {5}(curl|evidence)|^ ! |^ {2}\* |^12 checks/.test(line))).toEqual([]);
  });

  it('is silent about success when told to be quiet', async () => {
    expect(await tell(runs.passed, { quiet: true })).toBe(
      [
        '',
        '6 checks in 3 scenarios: 6 passed (3m 07s)',
        '  junit      reports/junit.xml',
        '  results    reports/results.json',
        '  artifacts  reports/artifacts',
        '',
      ].join('\n'),
    );
    expect(await tell(runs.failures, { quiet: true })).toContain(
      '✗ require-jwt/a token is required/no token//headers',
    );
  });

  it('leaves no half line when the run ends without its last event', async () => {
    const output = await tell(runs.killed, { isTTY: true });
    expect(output.endsWith('\r\u001b[2K')).toBe(true);
  });

  it('names the mesh when there are several', async () => {
    const old = { ...kind, id: 'old', istio: '1.29.1' };
    const results = [requireJwt, { ...requireJwt, mesh: 'old' }].flatMap((info) =>
      scenarioEvents(info, [check(info, { step: 'a', row: 'b', column: 'c', expected: '200' })]),
    );
    const output = await tell(
      stream([
        { type: 'run-started', runId: 'x', version: '0', meshes: [kind.id, 'old'] },
        // The other one is still being set up when the first has results.
        { type: 'mesh-ready', mesh: kind },
        ...results.slice(0, results.length / 2),
        { type: 'mesh-ready', mesh: old },
        ...results.slice(results.length / 2),
      ]),
    );
    expect(output).toContain(' ✓ require-jwt (istio-1.30.3, kind)  1 check  3.2s\n');
    expect(output).toContain(' ✓ require-jwt (istio-1.29.1, kind)  1 check  3.2s\n');
  });

  it('does not say again what the mesh is', async () => {
    const output = await tell(runs.passed, { known: true });
    expect(output).not.toContain('Istio 1.30.3 on kind');
    expect(output).toContain(' ✓ require-jwt');
  });

  it('never starts the moving line without a TTY, as in CI', async () => {
    const terminal = describeTerminal({ isTTY: true, columns: 100 }, { CI: 'true' });
    expect(await tell(runs.failures, terminal)).toBe(await tell(runs.failures));
  });
});

describe('failureLines', () => {
  const colors = pc.createColors(false);
  const anything = fc.record({
    message: fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
    hint: fc.option(fc.string(), { nil: undefined }),
    finding: fc.option(fc.string(), { nil: undefined }),
    evidence: fc.option(fc.string(), { nil: undefined }),
    state: fc.constantFrom('failed' as const, 'error' as const),
    response: fc.option(
      fc.record({ status: fc.nat(), headers: fc.constant({}), body: fc.string({ unit: 'binary' }) }),
      {
        nil: undefined,
      },
    ),
    request: fc.option(
      fc.record({ curl: fc.string(), method: fc.string(), url: fc.string(), headers: fc.constant([]) }),
      { nil: undefined },
    ),
  });

  it('is at most eight lines, each really one, for any check and width', () => {
    fc.assert(
      fc.property(
        anything,
        fc.oneof(fc.integer({ min: 20, max: 300 }), fc.constant(Number.POSITIVE_INFINITY)),
        fc.option(fc.string(), { nil: undefined }),
        fc.integer({ min: 1, max: 200 }),
        (part, width, line, column) => {
          const place = { file: 'scenarios/a.yaml', line: 3, column };
          const failed = check(requireJwt, {
            step: 's',
            row: 'r',
            column: 'c',
            expected: '200',
            place,
            ...part,
          });
          const lines = failureLines(failed, { colors, width, readLine: () => line });
          expect(lines.length).toBeLessThanOrEqual(8);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: there must be none
          for (const one of lines) expect(one).not.toMatch(/[\u0000-\u001f]/);
        },
      ),
    );
  });

  it('puts the caret below the cell', () => {
    const failed = check(requireJwt, {
      step: 's',
      row: 'expired',
      column: '/headers',
      expected: '401',
      actual: '403',
      state: 'failed',
      place: { file: requireJwt.place.file, line: 51, column: 17 },
    });
    const lines = failureLines(failed, { colors, width: 200, readLine });
    const [source, caret] = lines.slice(4);
    expect(source?.trim()).toBe('scenarios/documented/require-jwt.yaml:51:17  expired: [401]');
    expect(source?.[caret?.indexOf('^') ?? -1]).toBe('4');
  });
});
