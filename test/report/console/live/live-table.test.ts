import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../../../src/base/events.ts';
import { HarmlessOutput } from '../../../../src/base/harmless.ts';
import { LiveState } from '../../../../src/report/console/live/live-state.ts';
import { liveTable } from '../../../../src/report/console/live/live-table.ts';
import { colorsOf } from '../../../../src/report/console/terminal.ts';
import { displayWidth } from '../../../../src/report/text.ts';
import { atWork } from '../../console-runs.ts';
import * as runs from '../../runs.ts';

const plain = colorsOf(false);

function after(events: readonly Event[]): LiveState {
  const state = new LiveState();
  for (const event of events) state.add(event);
  return state;
}

function table(events: readonly Event[], columns = 80, rows = 24): string {
  const end = (events.at(-1)?.at ?? 0) + 2000;
  return liveTable(after(events), end, { columns, rows }, plain).join('\n');
}

describe('liveTable', () => {
  it('has a line for each mesh, with the progress of its scenario, and one for all', async () => {
    await expect(`${table(atWork())}\n`).toMatchFileSnapshot('../../../golden/report/console-live.txt');
  });

  it('tells meshes with long names apart by their ends', () => {
    const names = ['1.40.0', '1.36.4'].map((envoy) => `istio-1.32-alpha.eed52ebb66ad-envoy-${envoy}`);
    const lines = table(atWork(names)).split('\n');
    expect(lines[0]).toContain(' …1.40.0  require-jwt');
    expect(lines[1]).toContain(' …1.36.4  require-jwt');
  });

  it('gives up what waits first when the window is low, and says so', () => {
    const lines = table(atWork(), 80, 5).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain(' old ');
    expect(lines[2]).toBe('   … 2 more');
    expect(lines[3]).toContain('0/2 scenarios');
    expect(table(atWork(), 80, 2)).toContain('0/2 scenarios');
  });

  it('says what is going on before anything is planned, and nothing when nothing is', () => {
    expect(table(runs.passed.slice(0, 2))).toMatch(/^ . create kind cluster jwt-e2e-7f3a +2\.0s$/);
    expect(table(runs.passed)).toBe('');
    expect(table([])).toBe('');
  });

  it('counts states where there is no room for a glyph each', () => {
    const events = runs.passed.map((event) =>
      event.type === 'planned'
        ? { ...event, scenarios: event.scenarios.map((each) => ({ ...each, checks: 120 })) }
        : event,
    );
    const upTo = events.findIndex(({ type }) => type === 'check-finished') + 1;
    expect(table(events.slice(0, upTo))).toContain('require-jwt  ✓1  1/120  without any');
  });

  it('never is wider or higher than the window, whatever happens in whatever order', () => {
    const all = Object.values(runs)
      .flatMap((run) => [...run])
      .concat(atWork());
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...all), { maxLength: 60 }),
        fc.integer({ min: 2, max: 140 }),
        fc.integer({ min: 2, max: 30 }),
        fc.boolean(),
        (events, columns, rows, color) => {
          const lines = liveTable(after(events), 0, { columns, rows }, colorsOf(color));
          expect(lines.length).toBeLessThan(rows);
          const output = new HarmlessOutput({
            write: (line) => expect(displayWidth(stripVTControlCharacters(line))).toBeLessThan(columns),
          });
          for (const line of lines) output.write(line);
        },
      ),
    );
  });
});
