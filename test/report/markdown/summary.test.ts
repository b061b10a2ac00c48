import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { markdownText } from '../../../src/report/markdown/markdown.ts';
import { SummaryReporter } from '../../../src/report/markdown/summary.ts';
import { summaryMarkdown } from '../../../src/report/markdown/summary-markdown.ts';
import { flaky, known, many, planted } from '../console-runs.ts';
import { resultOf } from '../results.ts';
import * as runs from '../runs.ts';

describe('summaryMarkdown', () => {
  it.each([
    ['passed', runs.passed],
    ['failures', runs.failures],
    ['skipped', runs.skipped],
    ['setup-failed', runs.setupFailed],
    ['interrupted', runs.interrupted],
    ['killed', runs.killed],
    ['several', runs.several],
    ['known', known],
    ['flaky', flaky],
    ['planted', planted],
    ['many', many(25)],
  ])('says how it went: %s', async (name, events) => {
    await expect(summaryMarkdown(resultOf(events))).toMatchFileSnapshot(
      `../../golden/report/console-summary-${name}.md`,
    );
  });

  it('never is too large for GitHub', () => {
    const result = resultOf(runs.failures);
    const long = '令'.repeat(3000);
    const [scenario] = result.scenarios;
    const mesh = result.meshes[0]!;
    const meshes = Array.from({ length: 60 }, (_, index) => ({
      ...mesh,
      id: `${index}${long}`,
      envoy: long,
    }));
    const scenarios = meshes.flatMap(({ id }) =>
      Array.from({ length: 500 }, (_, index) => ({
        ...scenario!,
        info: { ...scenario!.info, mesh: id, id: `${index}${long}`, name: `${index}${long}` },
        checks: [{ ...scenario!.checks[2]!, id: `${index}${long}`, message: `${index} ${id}` }],
      })),
    );
    const text = summaryMarkdown({
      ...result,
      meshes,
      scenarios,
      run: { ...result.run, meshes: meshes.map(({ id }) => id) },
    });
    expect(Buffer.byteLength(text)).toBeLessThan(1_000_000);
    expect(text).toContain('… and 200 scenarios and 36 meshes more, in the reports');
    expect(text).toContain(`- … and ${meshes.length * 500 - 20} more, in the reports`);
  });

  it('has a table whose rows all have the same number of cells', () => {
    for (const events of [...Object.values(runs), planted, flaky]) {
      const rows = summaryMarkdown(resultOf(events))
        .split('\n')
        .filter((line) => line.startsWith('|'));
      const cells = rows.map((row) => row.match(/(?<!\\)\|/g)?.length);
      expect(new Set(cells).size).toBeLessThanOrEqual(1);
    }
  });
});

describe('markdownText', () => {
  it('leaves nothing that Markdown, HTML or GitHub would act on', () => {
    expect(markdownText('a|b *c* <d> &e; [f](g) `h` ~i~')).toBe(
      'a\\|b \\*c\\* &lt;d&gt; &amp;e; \\[f\\]\\(g\\) \\`h\\` \\~i\\~',
    );
    expect(markdownText('@team #12 http://x www.x')).toBe(
      '@<!-- -->team #<!-- -->12 http:<!-- -->//x www<!-- -->.x',
    );
    expect(markdownText('# a')).toBe('\\# a');
    expect(markdownText('1. a\n- b')).toBe('1<!-- -->. a - b');
  });

  it('never leaves a character unescaped that has a meaning', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'\\`*_[]()|~<>&a@# \n') }), (text) => {
        const line = markdownText(text).replaceAll('<!-- -->', '');
        expect(line).not.toContain('\n');
        expect(line.replaceAll(/\\[\\`*_{}[\]()|~!$^#+=-]|&(?:lt|gt|amp);/g, '')).not.toMatch(
          /[\\`*_[\]|<>~]/,
        );
      }),
    );
  });
});

describe('SummaryReporter', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'summary-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function report(file: string): Promise<void> {
    const reporter = new SummaryReporter({ file });
    for (const event of runs.passed) reporter.handle(event);
    await reporter.close();
    await reporter.close();
  }

  it('appends to what other commands of the step have written, once', async () => {
    const file = join(folder, 'step.md');
    writeFileSync(file, 'no line break');
    await report(file);
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith('no line break\n## ✅ Everything passed\n')).toBe(true);
    expect(text.match(/^## /gm)).toHaveLength(1);
    await report(file);
    expect(readFileSync(file, 'utf8').match(/^## /gm)).toHaveLength(2);
  });

  it('makes the folder', async () => {
    await report(join(folder, 'a/b/step.md'));
    expect(readFileSync(join(folder, 'a/b/step.md'), 'utf8')).toContain('| require-jwt |');
  });

  it('says which file cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(report(join(folder, 'file/step.md'))).rejects.toMatchObject({
      code: 'E_SETTINGS',
      message: expect.stringContaining('file/step.md'),
      hint: expect.stringContaining('--summary'),
    });
  });
});
