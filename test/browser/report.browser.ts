/** The report in a real browser, by mouse and by keyboard. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/report/result.ts';
import { attacks, resultOfText } from '../report/html/hostile.ts';
import { earlier, failing, large, resultOf, sideBySide } from '../report/html/showcase.ts';
import * as runs from '../report/runs.ts';
import { launch, type Opened, type OpenOptions, open, program, whyNot } from './chromium.ts';

const suite = program === undefined ? `report in Chromium (skipped: ${whyNot})` : 'report in Chromium';

describe.skipIf(program === undefined)(suite, () => {
  let browser: Browser;
  let opened: Opened | undefined;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    const complaints = opened?.complaints;
    await opened?.close();
    opened = undefined;
    expect(complaints ?? []).toEqual([]);
  });
  const show = async (result: RunResult, options: OpenOptions = {}): Promise<Page> => {
    opened = await open(browser, result, options);
    return opened.page;
  };
  const failed = 'require-jwt/a token is required/no token//headers';
  const focused = (page: Page) =>
    page.evaluate<string>('document.activeElement.textContent.trim().replace(/\\s+/g, " ")');

  const rows = (page: Page) => page.locator('table.matrix tbody tr:visible');
  const matches = (page: Page) => page.getByRole('status').filter({ hasText: 'check' }).innerText();

  it('of 4,000 checks opens soon, and shows each', async () => {
    const page = await show(large(4_000));
    const { duration, elements } = await page.evaluate<{ duration: number; elements: number }>(
      '({ duration: performance.getEntriesByType("navigation")[0].loadEventEnd, elements: document.querySelectorAll("*").length })',
    );
    console.log(`a page of 4,000 checks: ${Math.round(duration)} ms, ${elements} elements`);
    // What it takes depends on the machine; how much there is to do does not.
    expect(elements).toBeLessThan(4_000 * 25);
    await page.locator('a.check.s-passed').first().click();
    expect(await page.getByRole('dialog').innerText()).toContain('expected 200; got 200');
  });

  describe('details', () => {
    it('open by mouse, with the cause first, and give the focus back when they are closed', async () => {
      const page = await show(resultOf(failing));
      const cell = page.locator('a.check.s-failed');
      await cell.click();
      const panel = page.getByRole('dialog');
      expect(await panel.locator('h2').innerText()).toContain('no token › /headers');
      const text = await panel.innerText();
      const order = [
        'status 200 instead of 403',
        'What to do:',
        'GET http://httpbin.foo:8000/headers without a token',
        'Expected',
        'Got',
        'Look closer',
        'As a curl line',
        'Response',
        'Policies in force',
        'kind: AuthorizationPolicy',
        'Evidence',
        'How the answer came about',
      ];
      const places = order.map((part) => text.indexOf(part));
      expect(places).not.toContain(-1);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(await cell.getAttribute('aria-current')).toBe('true');
      await page.keyboard.press('Escape');
      expect(await panel.count()).toBe(0);
      expect(await focused(page)).toContain('200 failed');
      expect(new URL(page.url()).hash).toBe('');
    });

    it('open by Enter and by the space bar, and take the focus', async () => {
      const page = await show(resultOf(failing));
      for (const key of ['Enter', 'Space']) {
        await page.locator('a.check.s-failed').focus();
        await page.keyboard.press(key);
        expect(await focused(page)).toContain('no token › /headers');
        await page.keyboard.press('Escape');
      }
    });

    it('follow the arrow keys while they are open beside the matrix', async () => {
      const page = await show(resultOf(failing));
      await page.locator('a.check.s-failed').click();
      await page.keyboard.press('ArrowDown');
      expect(await page.getByRole('dialog').locator('h2').innerText()).toContain('valid › /headers');
      await page.getByRole('button', { name: 'Next check' }).click();
      expect(await page.getByRole('dialog').locator('h2').innerText()).toContain('expired › /headers');
      expect(await page.getByRole('dialog').innerText()).toMatch(/expired 2026-03-14 08:30:00 UTC/);
    });

    it('have the token in clear, and the curl line can be copied', async () => {
      const page = await show(resultOf(failing), { permissions: ['clipboard-read', 'clipboard-write'] });
      await page.locator('a[href^="#check-require-jwt-a-token-is-required-valid"]').first().click();
      const panel = page.getByRole('dialog');
      expect(await panel.getByLabel('Claims of the token').innerText()).toContain(
        '"sub": "testing@secure.istio.io"',
      );
      await panel.getByRole('button', { name: 'Copy the curl line', exact: true }).click();
      await page.getByText('Copied').waitFor();
      expect(await page.evaluate<string>('navigator.clipboard.readText()')).toMatch(
        /^kubectl exec -n foo .* http:\/\/httpbin\.foo:8000\/headers$/,
      );
    });

    it('are where they were after they have been shown, once', async () => {
      const page = await show(resultOf(failing));
      const ids = () =>
        page.evaluate<string[]>("[...document.querySelectorAll('.all-details .detail')].map(({ id }) => id)");
      const before = await ids();
      for (const cell of (await page.locator('a.check').all()).slice(0, 6)) {
        await cell.click();
        await page.keyboard.press('Escape');
      }
      expect(await ids()).toEqual(before);
    });
  });

  describe('the list of scenarios', () => {
    const jump = (page: Page) => page.getByRole('navigation', { name: 'Jump to a scenario' });

    it('stands beside the page, says the state of each, leads there and marks where the reader is', async () => {
      const page = await show(resultOf(failing));
      expect(await jump(page).locator('a:visible').allInnerTexts()).toEqual([
        expect.stringMatching(/failed:\s*require-jwt/),
        expect.stringMatching(/passed:\s*bookinfo-exclusion/),
      ]);
      const link = jump(page).getByRole('link', { name: 'bookinfo-exclusion' });
      await link.focus();
      await page.keyboard.press('Enter');
      await page.locator('.jump a[aria-current]').filter({ hasText: 'bookinfo-exclusion' }).waitFor();
      expect(await page.locator('#panel').isVisible()).toBe(false);
    });

    it('leaves its room to the details of a check', async () => {
      const page = await show(resultOf(failing));
      await page.locator('a.check.s-failed').click();
      expect(await jump(page).isVisible()).toBe(false);
      await page.keyboard.press('Escape');
      expect(await jump(page).isVisible()).toBe(true);
    });

    it('is a line at the top of a phone, which opens and closes by key', async () => {
      const page = await show(resultOf(failing), { viewport: { width: 360, height: 740 } });
      const summary = jump(page).locator('summary');
      expect(await jump(page).locator('a:visible').count()).toBe(0);
      await summary.focus();
      await page.keyboard.press('Enter');
      expect(await jump(page).locator('a:visible').count()).toBe(2);
      await page.keyboard.press('Escape');
      expect(await jump(page).locator('a:visible').count()).toBe(0);
      await page.keyboard.press('Enter');
      await jump(page).getByRole('link', { name: 'bookinfo-exclusion' }).click();
      expect(await jump(page).locator('a:visible').count()).toBe(0);
      const top = () =>
        page.evaluate<number>("document.querySelectorAll('.scenario')[1].getBoundingClientRect().top");
      // Below the line, and not behind it.
      await expect.poll(top).toBeLessThan(120);
      expect(await top()).toBeGreaterThan(30);
      await summary.click();
      expect(await jump(page).locator('a:visible').count()).toBe(2);
    });

    it('can be opened without the script', async () => {
      const page = await show(resultOf(failing), { javaScriptEnabled: false });
      await jump(page).locator('summary').click();
      expect(await jump(page).locator('a:visible').count()).toBe(2);
    });
  });

  it('has the last runs of a check at the top and in its details', async () => {
    const result = resultOf(failing);
    const page = await show(result, { history: earlier(result), title: 'Shop, nightly' });
    expect(await page.title()).toBe('Failed: Shop, nightly');
    const first = page.locator('table.runs tbody tr').first();
    expect(await first.innerText()).toMatch(
      /no token › \/headers.*failed since 2026-03-08 09:30:00 UTC, for 3 runs/s,
    );
    await first.getByRole('link').click();
    expect(await page.getByRole('dialog').innerText()).toMatch(/Last runs.*for 3 runs\. Before: passed/s);
  });

  describe('links', () => {
    it.each([
      ['by the id of the check', `#${encodeURIComponent(failed)}`],
      ['by the id of the element', '#check-require-jwt-a-token-is-required-no-token-headers-'],
    ])('into the page open the details: %s', async (_, fragment) => {
      const result = resultOf(failing);
      const first = await show(result, { fragment });
      if (!fragment.includes('%')) {
        const href = await first.locator('a.check.s-failed').getAttribute('href');
        await first.goto(`${first.url().split('#')[0]}${href}`);
      }
      expect(await first.getByRole('dialog').innerText()).toContain('status 200 instead of 403');
    });

    it('of the causes at the top lead to the details', async () => {
      const page = await show(resultOf(failing));
      await page
        .locator('section[aria-labelledby="wrong"]')
        .getByRole('link', { name: 'no token › /headers' })
        .click();
      expect(await page.getByRole('dialog').innerText()).toContain('What to do:');
    });

    it('to what a filter hides take the filter away', async () => {
      const page = await show(resultOf(failing));
      await page.getByRole('searchbox').fill('nothing has this');
      expect(await page.locator('.scenario:visible').count()).toBe(0);
      await page.locator('.overview').getByRole('link', { name: 'bookinfo-exclusion' }).click();
      await page.locator('.scenario:visible').first().waitFor();
      expect(await page.getByRole('searchbox').inputValue()).toBe('');
    });

    it('between meshes go from an answer to the other one', async () => {
      const page = await show(resultOf(sideBySide));
      await page.locator('a.check.s-failed').click();
      const panel = page.getByRole('dialog');
      expect(await panel.innerText()).toContain('Istio 1.30.3, Envoy 1.38.1 (this one)');
      await panel.getByRole('link', { name: 'Istio 1.29.4' }).click();
      expect(await panel.locator('h2').innerText()).toContain('passed');
    });
  });

  describe('keyboard', () => {
    it('skips to the results, and enters each matrix once', async () => {
      const page = await show(resultOf(failing));
      await page.keyboard.press('Tab');
      expect(await focused(page)).toBe('Skip to the results');
      await page.keyboard.press('Enter');
      expect(await focused(page)).toBe('Results');
      const stops = await page.evaluate<number[]>(
        "[...document.querySelectorAll('table.matrix')].map((table) => [...table.querySelectorAll('a.check')].filter((link) => link.tabIndex === 0).length)",
      );
      expect(new Set(stops)).toEqual(new Set([1]));
    });

    it('moves through a matrix with the arrow keys, Home and End, and stops at its edges', async () => {
      const page = await show(resultOf(failing));
      const matrix = page.locator('.scenario').nth(1).locator('table.matrix').first();
      await matrix.locator('a.check').first().focus();
      const where = () =>
        page.evaluate<number[]>(
          '(({ parentElement: cell }) => [cell.parentElement.rowIndex, cell.cellIndex])(document.activeElement)',
        );
      const moves: [string, number[]][] = [
        ['ArrowRight', [1, 2]],
        ['ArrowDown', [2, 2]],
        ['End', [2, 3]],
        ['ArrowRight', [2, 3]],
        ['Control+End', [3, 3]],
        ['ArrowDown', [3, 3]],
        ['ArrowUp', [2, 3]],
        ['Home', [2, 1]],
        ['ArrowLeft', [2, 1]],
        ['Control+Home', [1, 1]],
      ];
      for (const [key, place] of moves) {
        await page.keyboard.press(key);
        expect(await where(), key).toEqual(place);
      }
    });
  });

  describe('filters', () => {
    it('by state', async () => {
      const page = await show(resultOf(failing));
      await page.getByRole('button', { name: /failed 1/ }).click();
      expect(await rows(page).count()).toBe(1);
      expect(await matches(page)).toBe('1 of 20 checks');
      await page.getByRole('button', { name: /known 1/ }).click();
      expect(await rows(page).count()).toBe(2);
      await page.getByRole('button', { name: 'Show all' }).click();
      await expect.poll(() => matches(page)).toBe('20 checks');
    });

    it('by text, in what is sent, answered and collected', async () => {
      const page = await show(resultOf(failing));
      for (const [text, count] of [
        ['push debounce', 1],
        ['RBAC DENIED', 4],
        ['no token /productpage', 3],
        ['"exp": 4685989700', 6],
      ] as const) {
        await page.getByRole('searchbox').fill(text);
        const cells = page.locator('a.check:visible:not(.dim)');
        expect(await cells.count(), text).toBe(count);
      }
    });

    it('by tag and by difference', async () => {
      const page = await show(resultOf(runs.failures));
      await page.getByLabel('Tag').selectOption('jwks-uri');
      expect(await page.locator('.scenario:visible').count()).toBe(2);
      await opened?.close();
      const several = await show(resultOf(sideBySide));
      await several.getByLabel('only differences').check();
      expect(await rows(several).count()).toBe(1);
      expect(await matches(several)).toBe('2 of 31 checks');
    });
  });

  describe('without scripts', () => {
    it('all can be read: cells lead to details, and what failed is open', async () => {
      const page = await show(resultOf(failing), { javaScriptEnabled: false });
      expect(await page.locator('.filters').isVisible()).toBe(false);
      expect(await page.getByText('Correct metadata.namespace or spec.selector').last().isVisible()).toBe(
        true,
      );
      const passed = page.locator('a.check.s-passed').first();
      const detail = page.locator(`[id="${(await passed.getAttribute('href'))?.slice(1)}"]`);
      expect(await detail.isVisible()).toBe(false);
      await passed.click();
      await expect.poll(() => detail.isVisible()).toBe(true);
    });
  });

  describe('hostile text', () => {
    it('does not run, by itself or when everything is opened', async () => {
      const page = await show(resultOfText(attacks));
      for (const cell of (await page.locator('a.check').all()).slice(0, 8)) {
        await cell.click();
        await page.keyboard.press('Escape');
      }
      await page.getByRole('searchbox').fill('<script>');
      expect(await matches(page)).toBe('12 of 12 checks');
      expect(await page.evaluate('window.__pwned')).toBeUndefined();
      expect(await page.locator('main img, main script, main iframe').count()).toBe(0);
      expect(await page.locator('h3').first().innerText()).toContain('⟦U+202E⟧');
    });

    it('would not run even if escaping had failed', async () => {
      const forged =
        '<script>window.__pwned = 1</script><img src="x" onerror="window.__pwned = 1"><b onclick="window.__pwned = 1">forged</b><a href="javascript:window.__pwned=1">link</a><style>main { display: none }</style>';
      const page = await show(resultOf(runs.passed), {
        tamper: (html) => html.replace('</main>', `${forged}</main>`),
      });
      await page.getByText('forged').click();
      await page.getByText('link', { exact: true }).click();
      const kinds = [
        'inline script',
        'inline style',
        'inline event handler',
        'Loading the image',
        'JavaScript URL',
      ];
      const blocked = () => kinds.filter((kind) => opened?.complaints.some((each) => each.includes(kind)));
      await expect.poll(blocked).toEqual(kinds);
      opened?.complaints.splice(0);
      expect(await page.evaluate('window.__pwned')).toBeUndefined();
      expect(await page.locator('main').isVisible()).toBe(true);
    });
  });
});
