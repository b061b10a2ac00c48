/** What the console says of reports that are not there. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { beginReports } from '../../../src/cli/support/console-report.ts';
import { makeReports } from '../../../src/cli/support/reports.ts';
import * as runs from '../../report/runs.ts';
import { recorder } from '../../scenario/support.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'reports-'));
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(cwd, { recursive: true, force: true });
});

/** The lines about reports, when `before` is called ahead of the last event. */
async function listed(before: () => void): Promise<{ lines: string[]; problems: number }> {
  const { io, stdout } = recorder();
  const file = (name: string) => join(cwd, 'out', name);
  const values = {
    html: file('r.html'),
    junit: file('j.xml'),
    json: file('r.json'),
    conformance: join(cwd, 'c.yaml'),
  };
  const own = { ...io, env: {}, cwd };
  const artifacts = join(cwd, 'artifacts');
  const reports = makeReports(values, artifacts, own, beginReports(values, artifacts, own));
  for (const event of runs.passed) {
    if (event.type === 'run-finished') before();
    reports.handle(event);
  }
  const lines = stdout()
    .split('\n')
    .filter((line) => /^ {2}(page|JUnit|JSON|conformance) /.test(line));
  await reports.close();
  return { lines: lines.map((line) => line.trim().replace(/ +/g, ' ')), problems: reports.problems.length };
}

test('reports that were written are listed with their paths', async () => {
  const { lines, problems } = await listed(() => {});
  expect(lines).toEqual(['page out/r.html', 'JUnit out/j.xml', 'JSON out/r.json', 'conformance c.yaml']);
  expect(problems).toBe(0);
});

test('those that could not be, in the end, are not listed as written', async () => {
  const { lines, problems } = await listed(() => {
    rmSync(join(cwd, 'out'), { recursive: true });
    writeFileSync(join(cwd, 'out'), '');
  });
  expect(lines).toEqual([
    expect.stringMatching(/^page not written: cannot write .*r\.html: E/),
    expect.stringMatching(/^JUnit not written: cannot write .*j\.xml: E/),
    expect.stringMatching(/^JSON not written: cannot write .*r\.json: E/),
    'conformance c.yaml',
  ]);
  expect(problems).toBe(3);
});

test('one that was written in the end, though not at first, is', async () => {
  writeFileSync(join(cwd, 'out'), '');
  const { lines } = await listed(() => {
    rmSync(join(cwd, 'out'));
    mkdirSync(join(cwd, 'out'));
  });
  expect(lines).toEqual(['page out/r.html', 'JUnit out/j.xml', 'JSON out/r.json', 'conformance c.yaml']);
});
