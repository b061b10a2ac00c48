import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HarnessError } from '../../src/base/errors.ts';
import { FileReporter, JsonReporter, writeAtomically } from '../../src/report/file-reporter.ts';
import { JUnitReporter } from '../../src/report/junit/junit.ts';
import { typescript } from '../support/typescript.ts';
import * as runs from './runs.ts';
import { validateJUnit } from './validate.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'jwt-e2e-report-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe('writeAtomically', () => {
  it('makes the folder, replaces the file and leaves nothing else', () => {
    const file = path.join(folder, 'a/b/report.xml');
    writeAtomically(file, 'one');
    writeAtomically(file, 'two');
    expect(readFileSync(file, 'utf8')).toBe('two');
    expect(readdirSync(path.dirname(file))).toEqual(['report.xml']);
  });

  it('says which file cannot be written, and keeps what was there', () => {
    writeFileSync(path.join(folder, 'file'), 'kept');
    const inside = path.join(folder, 'file', 'junit.xml');
    expect(() => writeAtomically(inside, 'x')).toThrow(
      expect.objectContaining({
        code: 'E_SETTINGS',
        message: expect.stringContaining(`cannot write ${inside}: E`),
      }),
    );
    expect(readFileSync(path.join(folder, 'file'), 'utf8')).toBe('kept');
    mkdirSync(path.join(folder, 'taken'));
    expect(() => writeAtomically(path.join(folder, 'taken'), 'x')).toThrow(HarnessError);
    expect(readdirSync(folder).sort()).toEqual(['file', 'taken']);
  });
});

describe('file reporters', () => {
  it('write what they were asked for: the host, the folder of evidence, and places', () => {
    const file = path.join(folder, 'junit.xml');
    const write = (more: object) => {
      const reporter = new JUnitReporter({ file, ...more });
      for (const event of runs.failures) reporter.handle(event);
      return readFileSync(file, 'utf8');
    };
    const asked = write({ artifacts: 'reports/artifacts', places: true, hostname: 'ci-1' });
    expect(asked).toContain('hostname="ci-1"');
    expect(asked).toContain(' line="48"');
    expect(asked).toContain('evidence: reports/artifacts/');
    const usual = write({});
    expect(usual).toContain(`hostname="${hostname()}"`);
    expect(usual).not.toContain(' line="48"');
    expect(usual).not.toContain('reports/artifacts');
  });

  it('leave a file behind at any time that does not pass for a finished run', () => {
    const files = { junit: path.join(folder, 'junit.xml'), json: path.join(folder, 'results.json') };
    const reporters = [new JUnitReporter({ file: files.junit }), new JsonReporter({ file: files.json })];
    runs.passed.forEach((event, index) => {
      for (const reporter of reporters) reporter.handle(event);
      const last = index === runs.passed.length - 1;
      expect(readFileSync(files.junit, 'utf8').includes('<error message="the run did not finish"')).toBe(
        !last,
      );
      const { run, exitCode } = JSON.parse(readFileSync(files.json, 'utf8'));
      expect([run.state, exitCode]).toEqual(last ? ['finished', 0] : ['running', null]);
    });
  });

  it('are made less often for scenarios where that takes long, and at once in the end', async () => {
    vi.useFakeTimers();
    let made = 0;
    const reporter = new FileReporter('slow report', path.join(folder, 'slow'), () => {
      vi.advanceTimersByTime(100);
      return `${++made}`;
    });
    const at = runs.passed.findIndex(({ type }) => type === 'scenario-finished');
    const [finished, last] = [runs.passed[at], runs.passed.at(-1)];
    if (finished === undefined || last?.type !== 'run-finished') throw new Error('no such events');
    for (const event of runs.passed.slice(0, at)) reporter.handle(event);
    const before = made;
    for (let scenario = 0; scenario < 4; scenario++) reporter.handle(finished);
    expect(made).toBe(before + 1);
    // Nobody has to wait for another scenario.
    vi.advanceTimersByTime(9999);
    expect(made).toBe(before + 1);
    vi.advanceTimersByTime(1);
    expect(made).toBe(before + 2);
    reporter.handle(finished);
    expect(made).toBe(before + 2);
    reporter.handle(last);
    expect(made).toBe(before + 3);
    await reporter.close();
    vi.advanceTimersByTime(20_000);
    expect(made).toBe(before + 3);
  });

  it('write nothing when no run began', async () => {
    const reporter = new JUnitReporter({ file: path.join(folder, 'junit.xml') });
    await reporter.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('write the whole result at the end when it was not possible before', async () => {
    const blocked = path.join(folder, 'reports');
    writeFileSync(blocked, '');
    const reporter = new JsonReporter({ file: path.join(blocked, 'results.json') });
    for (const event of runs.passed) {
      if (event.type === 'run-started') expect(() => reporter.handle(event)).toThrow(HarnessError);
      else {
        rmSync(blocked, { recursive: true, force: true });
        reporter.handle(event);
      }
    }
    await reporter.close();
    expect(JSON.parse(readFileSync(path.join(blocked, 'results.json'), 'utf8')).counts.passed).toBe(6);
  });

  it('leave a valid, red file behind when the process is killed', async () => {
    const file = path.join(folder, 'junit.xml');
    const script = path.join(folder, 'run.ts');
    const here = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
    writeFileSync(
      script,
      `import { JUnitReporter } from ${here('../../src/report/junit/junit.ts')};
       import { killed } from ${here('runs.ts')};
       const reporter = new JUnitReporter({ file: ${JSON.stringify(file)} });
       for (const event of killed) reporter.handle(event);
       console.log('ready');
       setInterval(() => {}, 1000);`,
    );
    const child = spawn(process.execPath, ['--import', typescript, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const xml = readFileSync(file, 'utf8');
    expect(await validateJUnit(xml)).toEqual([]);
    expect(xml).toContain('<error message="the run did not finish" type="aborted">');
    expect(xml).toContain('name="a token is required / valid / /headers"');
    expect(readdirSync(folder).sort()).toEqual(['junit.xml', 'run.ts']);
  });
});

describe('results.json', () => {
  it.each([
    ['failures', runs.failures],
    ['several', runs.several],
  ])('reads as it should: %s', async (name, events) => {
    const file = path.join(folder, 'results.json');
    const reporter = new JsonReporter({ file });
    for (const event of events) reporter.handle(event);
    await reporter.close();
    await expect(readFileSync(file, 'utf8')).toMatchFileSnapshot(`../golden/report/results-${name}.json`);
  });
});
