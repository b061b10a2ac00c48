import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HtmlReporter } from '../../../src/report/html.ts';
import * as runs from '../runs.ts';
import { failing } from './showcase.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'jwt-e2e-html-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('HtmlReporter', () => {
  it('leaves a page at any time that does not pass for a finished run', () => {
    const file = path.join(folder, 'reports/report.html');
    const reporter = new HtmlReporter({ file });
    runs.passed.forEach((event, index) => {
      reporter.handle(event);
      const title = /<title>([^<:]*)/.exec(readFileSync(file, 'utf8'))?.[1];
      expect(title).toBe(index === runs.passed.length - 1 ? 'Passed' : 'Not finished');
    });
    expect(readdirSync(path.dirname(file))).toEqual(['report.html']);
  });

  it.each([
    ['reports/report.html', 'reports/artifacts', 'artifacts/'],
    ['report.html', 'my evidence', 'my%20evidence/'],
    ['pages/today/report.html', 'artifacts', '../../artifacts/'],
    ['reports/report.html', 'reports', './'],
  ])('of %s leads to the evidence in %s', async (file, artifacts, start) => {
    const reporter = new HtmlReporter({
      file: path.join(folder, file),
      artifacts: path.join(folder, artifacts),
    });
    for (const event of failing) reporter.handle(event);
    await reporter.close();
    expect(readFileSync(path.join(folder, file), 'utf8')).toContain(
      `<a href="${start}require-jwt-a-token-is-required-no-token-headers-7616f1/">`,
    );
  });
});
