/** The report for everybody: assistive technology, colour schemes, small screens, paper. */

import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/report/result.ts';
import { attacks, historyOfText, resultOfText } from '../report/html/hostile.ts';
import { earlier, failing, resultOf, sideBySide } from '../report/html/showcase.ts';
import * as runs from '../report/runs.ts';
import { launch, open, program, whyNot } from './chromium.ts';

const suite = program === undefined ? `layout in Chromium (skipped: ${whyNot})` : 'layout in Chromium';

/** What axe has found, one line each. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate<string[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)))",
  );
}

/** As if every scenario had asked for these. */
function withSettings(result: RunResult, settings: Readonly<Record<string, string>>): RunResult {
  const scenarios = result.scenarios.map((each) => ({ ...each, info: { ...each.info, settings } }));
  return { ...result, scenarios };
}

describe.skipIf(program === undefined)(suite, () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  const results: [string, RunResult][] = [
    ['failing', resultOf(failing)],
    ['side by side', resultOf(sideBySide)],
    ['every kind of trouble', resultOf(runs.failures)],
    ['set-up failed', resultOf(runs.setupFailed)],
    ['killed', resultOf(runs.killed)],
    ['a lost mesh', resultOf(runs.several)],
    ['passed', resultOf(runs.passed)],
    [
      'mesh settings of many words',
      withSettings(resultOf(failing), { extensionProviders: '[{ } ]'.repeat(200) }),
    ],
  ];

  describe.each(['light', 'dark'] as const)('axe finds nothing in %s', (colorScheme) => {
    it.each(results)('%s', async (_, result) => {
      const { page, close } = await open(browser, result, { colorScheme, history: earlier(result) });
      expect(await violations(page)).toEqual([]);
      const cells = await page.locator('a.check').all();
      for (const cell of cells.slice(-2)) {
        await cell.click();
        expect(await violations(page)).toEqual([]);
      }
      await close();
    });
  });

  it('axe finds nothing on a phone with the details over the page, nor without them', async () => {
    const { page, close } = await open(browser, resultOf(failing), { viewport: { width: 360, height: 740 } });
    expect(await violations(page)).toEqual([]);
    await page.locator('a.check.s-failed').click();
    expect(await violations(page)).toEqual([]);
    await close();
  });

  const hostile = resultOfText(attacks);
  describe.each([320, 768, 1280])('at a width of %d pixels', (width) => {
    it.each([...results, ['hostile text', hostile] as [string, RunResult]])(
      'nothing sticks out: %s',
      async (_, result) => {
        const { page, close } = await open(browser, result, {
          viewport: { width, height: 800 },
          title: attacks,
          history: result === hostile ? historyOfText(attacks) : earlier(result),
        });
        const overflow = () =>
          page.evaluate<number>(
            'document.documentElement.scrollWidth - document.documentElement.clientWidth',
          );
        expect(await overflow()).toBeLessThanOrEqual(0);
        const cell = page.locator('a.check').last();
        if ((await cell.count()) > 0) {
          await cell.click();
          expect(await overflow()).toBeLessThanOrEqual(0);
          const panel = await page.evaluate<number>(
            "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('.panelbody'))",
          );
          expect(panel).toBeLessThanOrEqual(0);
        }
        await close();
      },
    );
  });

  it('on paper shows all matrices and the details of what did not pass, and nothing to click', async () => {
    const { page, close } = await open(browser, resultOf(failing));
    await page.getByRole('searchbox').fill('nothing has this');
    await page.locator('section[aria-labelledby="wrong"] .links a').first().click();
    await page.evaluate("dispatchEvent(new Event('beforeprint'))");
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('a.check:visible').count()).toBe(20);
    expect(await page.locator('.detail:visible').count()).toBe(1);
    expect(await page.locator('.detail:visible').innerText()).toContain('What to do:');
    expect(await page.getByText('app: httpbin-v1').first().isVisible()).toBe(true);
    for (const hidden of ['.jump', '.filters', 'dialog', 'button', '.skip']) {
      expect(await page.locator(`${hidden}:visible`).count(), hidden).toBe(0);
    }
    expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
    await close();
  });

  it('breaks no word in the head of a column', async () => {
    for (const width of [320, 1280]) {
      const { page, close } = await open(browser, resultOf(sideBySide), { viewport: { width, height: 800 } });
      const broken = await page.evaluate<string[]>(
        `[...document.querySelectorAll('.plain thead th')].filter((head) => {
          const lines = new Set(); const range = document.createRange(); const text = head.firstChild;
          return text && text.nodeType === 3 && [...text.data.matchAll(/\\S+/g)].some(({ index, 0: word }) => {
            range.setStart(text, index); range.setEnd(text, index + word.length);
            return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1;
          });
        }).map((head) => head.textContent)`,
      );
      expect(broken).toEqual([]);
      await close();
    }
  });

  it('draws a line from the middle of a policy to the middle of its workload', async () => {
    const { page, close } = await open(browser, resultOf(failing));
    const off = await page.evaluate<number[]>(
      `[...document.querySelectorAll('details[open] > .selects')].flatMap((picture) => {
        const [left, , right] = picture.children;
        return [...picture.querySelectorAll('path')].flatMap((path) => {
          const box = path.getBoundingClientRect();
          const middle = (element) => { const { top, bottom } = element.getBoundingClientRect(); return (top + bottom) / 2; };
          return [Math.abs(middle(left.children[0]) - box.top), Math.abs(middle(right.children[0]) - box.bottom)];
        });
      })`,
    );
    expect(off.length).toBeGreaterThan(0);
    expect(Math.max(...off)).toBeLessThan(3);
    await close();
  });

  it('says the same without colours: each state has a shape and a word of its own', async () => {
    const { page, close } = await open(browser, resultOf(runs.failures), { forcedColors: 'active' });
    const looks = await page.evaluate<string[]>(
      "[...document.querySelectorAll('a.check')].map((cell) => `${cell.dataset.state}: ${cell.querySelector('.glyph').textContent} ${cell.querySelector('.word').textContent}`)",
    );
    expect([...new Set(looks)].sort()).toEqual([
      'error: ! no verdict',
      'failed: ✗ failed',
      'passed: ✓ passed',
      'skipped: – skipped',
    ]);
    await close();
  });
});
