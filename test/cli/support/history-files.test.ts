import {
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../../src/base/files/limits.ts';
import { historyOf } from '../../../src/cli/support/history-files.ts';
import { resultOf } from '../../report/results.ts';
import * as runs from '../../report/runs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-history-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const base = resultOf(runs.passed);
const day = (number: number) => new Date(Date.UTC(2026, 2, number)).toISOString();

/** A report of the day as `name` in the folder of kept ones. */
function keep(name: string, number: number, id = `run-${number}`): void {
  write(
    name,
    JSON.stringify({ ...base, scenarios: [], run: { ...base.run, id, startedAt: day(number) } }),
    number,
  );
}

function write(name: string, text: string, number = 1): void {
  const file = join(folder, 'kept', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  utimesSync(file, new Date(day(number)), new Date(day(number)));
}

const read = (own = 'this run') => historyOf({ history: 'kept' }, folder, own);

describe('historyOf', () => {
  it('reads JSON reports of the folder, and results.json of those below, in the order of their runs', () => {
    keep('b.json', 2);
    keep('2026/results.json', 3);
    keep('a.json', 1);
    keep('2026/other.json', 4);
    write('notes.txt', 'no report');
    expect(read()).toMatchObject({ runs: ['run-1', 'run-2', 'run-3'].map((id) => ({ id })), problems: [] });
  });

  it('has no run that the page is about', () => {
    for (const number of [1, 2, 3]) keep(`${number}.json`, number);
    expect(read('run-1+run-3').runs.map(({ id }) => id)).toEqual(['run-2']);
  });

  it('names files that cannot be read, and goes on with the others', () => {
    keep('1.json', 1);
    write('broken.json', '{"schemaVersion":1', 2);
    write('deep.json', '['.repeat(5_000), 3);
    write('other.json', '{"a":1}', 4);
    write('proto.json', '{"schemaVersion":1,"__proto__":{"x":1}}', 5);
    write('large.json', '', 6);
    truncateSync(join(folder, 'kept/large.json'), limits.resultBytes + 1);
    const { runs, problems } = read();
    expect(runs.map(({ id }) => id)).toEqual(['run-1']);
    expect(problems.map((problem) => /^history: (\S+)/.exec(problem)?.[1]).toSorted()).toEqual(
      ['broken', 'deep', 'large', 'other', 'proto'].map((name) => `kept/${name}.json`),
    );
  });

  it('shows the last runs, and reads no more files than are needed for them', () => {
    const count = limits.historyFiles + 5;
    for (let number = 1; number <= count; number += 1) keep(`${number}.json`, number);
    const ids = read().runs.map(({ id }) => id);
    expect(ids).toHaveLength(limits.historyRuns);
    expect([ids[0], ids.at(-1)]).toEqual([`run-${count - limits.historyRuns + 1}`, `run-${count}`]);
    write('0.json', 'broken and older than all that are read', 0);
    expect(read().problems).toEqual([]);
  });

  it('follows no link, and looks into no more folders than is sensible', () => {
    keep('1.json', 1);
    symlinkSync('.', join(folder, 'kept/circle'));
    symlinkSync('/dev/zero', join(folder, 'kept/zero.json'));
    keep(`${'deep/'.repeat(limits.historyDepth + 1)}results.json`, 2);
    expect(read()).toMatchObject({ runs: [{ id: 'run-1' }], problems: [] });
  });

  it('says so when there is no such folder', () => {
    expect(read().problems[0]).toMatch(/^history: the folder kept cannot be read/);
    expect(historyOf({}, folder, 'x')).toEqual({ runs: [], problems: [] });
  });
});
