import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oneLine } from '../../../src/base/harmless.ts';
import { failureLines } from '../../../src/report/console/console-failure.ts';
import { colorsOf, describeTerminal } from '../../../src/report/console/terminal.ts';
import { displayWidth } from '../../../src/report/text.ts';
import { flaky, known, mutated, paused } from '../console-runs.ts';
import { tell, tellInTwo } from '../console-support.ts';
import { check, kind, readLine, requireJwt, scenarioEvents, stream } from '../fixture.ts';
import * as runs from '../runs.ts';
import { Screen } from '../screen.ts';

/** Escape sequences in a form that a golden file can hold and a person can read. */
const visible = (text: string): string => text.replaceAll('\u001b', '␛').replaceAll('\r', '␍');

/** What is left of it on a terminal, from the first line on. */
function left(output: string, columns: number, rows = 24): string {
  const screen = new Screen(columns, rows);
  screen.write(output);
  expect(screen.state().atStart).toBe(true);
  return screen.text();
}

describe('ConsoleReporter', () => {
  it.each([
    ['passed', runs.passed],
    ['failures', runs.failures],
    ['skipped', runs.skipped],
    ['setup-failed', runs.setupFailed],
    ['interrupted', runs.interrupted],
    ['several', runs.several],
    ['known', known],
    ['flaky', flaky],
    ['mutated', mutated],
    ['paused', paused],
  ])('says what happened: %s', async (name, events) => {
    await expect(await tell(events)).toMatchFileSnapshot(`../../golden/report/console-${name}.txt`);
  });

  it('paints', async () => {
    await expect(visible(await tell(runs.failures, { color: true }))).toMatchFileSnapshot(
      '../../golden/report/console-failures-color.txt',
    );
  });

  it('leaves the log alone on a terminal, cut to its width', async () => {
    const output = await tell(runs.failures, { isTTY: true, width: 80 });
    const text = left(output, 80, 10);
    await expect(text).toMatchFileSnapshot('../../golden/report/console-failures-tty.txt');
    // The live table was there, and is not any more.
    expect(output).toMatch(/ . require-jwt {2}····· 0\/5/);
    expect(text).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]|\d scenarios {2}/);
    const tooLong = text.split('\n').filter((line) => displayWidth(line) > 80);
    // What is to be pasted, warnings, findings, promises and the counts are never cut.
    expect(
      tooLong.filter(
        (line) => !/^ {5}(curl|evidence|next|hint)|^ ! |^ {2}\* |^ {4}FAQ |^12 checks/.test(line),
      ),
    ).toEqual([]);
  });

  it('follows a terminal that becomes wider or narrower', async () => {
    let frame = 0;
    const size = () => {
      frame += 1;
      return { columns: 40 + ((frame * 7) % 50), rows: 9 };
    };
    const output = await tell(runs.failures, { isTTY: true, size });
    const reports =
      '  junit      reports/junit.xml\n  results    reports/results.json\n  artifacts  reports/artifacts\n';
    expect(left(output, 200)).toMatch(new RegExp(`\n12 checks in 4 scenarios: .*\n${reports}$`));
  });

  it('takes the live table away while it waits for somebody, and brings it back', async () => {
    const at = paused.findIndex(({ type }) => type === 'paused') + 1;
    const shown = async (events: typeof paused) => {
      const screen = new Screen(100, 40);
      const [output] = await tellInTwo(events, { isTTY: true });
      screen.write(output);
      return screen.text();
    };
    expect(await shown(paused.slice(0, at))).toMatch(/Press Enter to go on\.\n$/);
    expect(await shown(paused.slice(0, at + 1))).toMatch(
      /Press Enter to go on\.\n . require-jwt {2}✗ 1\/1 .*\n.*\n$/,
    );
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
    const text = left(await tell(runs.killed, { isTTY: true }), 100);
    expect(text).toMatch(/ ✓ require-jwt .*\n$/);
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

  it('never starts the live table without a terminal, as in CI', async () => {
    const terminal = describeTerminal({ isTTY: true, columns: 100 }, { CI: 'true' });
    expect(await tell(runs.failures, terminal)).toBe(await tell(runs.failures));
  });
});

describe('failureLines', () => {
  const colors = colorsOf(false);
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

  it('is at most eight lines where there is room, each really one; and a narrow terminal cuts no cause', () => {
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
          if (width === Number.POSITIVE_INFINITY) expect(lines.length).toBeLessThanOrEqual(8);
          const words = lines.join(' ').replace(/\s+/g, ' ');
          const cause = failed.state === 'error' ? failed.message : (failed.message ?? '');
          expect(words).toContain(oneLine(cause ?? ''));
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
