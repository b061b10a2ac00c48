import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { frameMs, LiveArea } from '../../../../src/report/console/live/live-area.ts';
import { displayWidth } from '../../../../src/report/text.ts';
import { Screen } from '../../screen.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A stream that ends on a screen, as process.stdout and process.stderr both do. */
function streamTo(screen: Screen): NodeJS.WriteStream {
  const write = (text: string) => {
    screen.write(text);
    return true;
  };
  return { isTTY: true, write } as unknown as NodeJS.WriteStream;
}

/** In columns. */
const narrowest = 22;

const line = fc
  .string({ unit: fc.constantFrom(...'abc 令✓'), minLength: 1, maxLength: 9 })
  .map((text) => `a${text}`);
const action = fc.oneof(
  fc.record({ do: fc.constant('print' as const), lines: fc.array(line, { maxLength: 6 }) }),
  fc.record({ do: fc.constant('show' as const), rows: fc.array(line, { maxLength: 12 }) }),
  fc.record({ do: fc.constant('other' as const), text: line, ends: fc.boolean() }),
  fc.record({
    do: fc.constant('resize' as const),
    columns: fc.integer({ min: narrowest, max: 60 }),
    rows: fc.integer({ min: 2, max: 12 }),
  }),
  fc.record({ do: fc.constant('wait' as const) }),
  fc.record({ do: fc.constant('hold' as const), on: fc.boolean() }),
);

describe('LiveArea', () => {
  it.each(['reflow', 'crop'] as const)(
    'leaves all that was said, and nothing else, on a terminal that does %s',
    (resizing) => {
      fc.assert(
        fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
          const screen = new Screen(40, 8, resizing);
          const stdout = streamTo(screen);
          const stderr = streamTo(screen);
          let size = { columns: 40, rows: 8 };
          let rows: string[] = [];
          const area = new LiveArea(stdout, {
            // Wider than the window: such a row must not get through as two.
            rows: () => rows.slice(0, size.rows - 1).map((row) => ` ${row.repeat(9)}`),
            shared: [stdout, stderr],
          });
          let said = '';
          let isHeld = false;
          area.update();
          for (const step of actions) {
            if (step.do === 'print') {
              if (step.lines.length > 0 && said !== '' && !said.endsWith('\n')) said += '\n';
              said += step.lines.map((each) => `${each}\n`).join('');
              area.print(...step.lines);
            } else if (step.do === 'other') {
              const text = `${step.text}${step.ends ? '\n' : ''}`;
              // A line that goes on for long is cut or broken by the terminal itself, at the latest when that gets narrow.
              const begun = said.slice(said.lastIndexOf('\n') + 1);
              if (begun !== '' && (!step.ends || displayWidth(begun + step.text) > narrowest)) continue;
              said += text;
              stderr.write(text);
            } else if (step.do === 'show') rows = step.rows;
            else if (step.do === 'resize') {
              size = step;
              screen.resize(step.columns, step.rows);
            } else if (step.do === 'hold') {
              // Whoever presses a key ends the line.
              if (isHeld && !step.on && said !== '' && !said.endsWith('\n')) {
                said += '\n';
                screen.write('\n');
              }
              isHeld = step.on;
              area.hold(step.on);
            }
            if (step.do !== 'resize') vi.advanceTimersByTime(frameMs);
            const lines = screen.text().split('\n').length - 1;
            const isDrawn = !isHeld && (said === '' || said.endsWith('\n'));
            if (step.do !== 'resize' && isDrawn && said !== '') {
              expect(lines).toBe(said.split('\n').length - 1 + Math.min(rows.length, size.rows - 1));
            }
            expect(screen.state().used).toBeLessThanOrEqual(size.rows);
          }
          area.stop();
          const trimmed = (text: string) => text.replaceAll(/ +$/gm, '').trimEnd();
          expect(trimmed(screen.text())).toBe(trimmed(said));
          expect(screen.state().wraps).toBe(true);
        }),
        { numRuns: 300 },
      );
    },
  );

  it('shows nothing moving without a terminal', () => {
    let output = '';
    const area = new LiveArea({ write: (text) => (output += text) });
    area.update();
    area.print('one', 'two');
    vi.advanceTimersByTime(10 * frameMs);
    area.stop();
    expect(output).toBe('one\ntwo\n');
  });

  it('gives the streams of others back', () => {
    const screen = new Screen(40, 8);
    const stderr = streamTo(screen);
    const { write } = stderr;
    const listeners = () => process.listenerCount('exit') + process.listenerCount('SIGTSTP');
    const before = listeners();
    const area = new LiveArea(streamTo(screen), { rows: () => ['busy'], shared: [stderr] });
    area.update();
    expect(stderr.write).not.toBe(write);
    expect(listeners()).toBeGreaterThan(before);
    area.stop();
    expect(stderr.write).toBe(write);
    expect(listeners()).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });
});
