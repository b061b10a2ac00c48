/**
 * Pictures of the report for the documentation, and to look at after a change of its looks:
 * `node --import ./tools/typescript.mjs test/browser/screenshots.ts FOLDER [NAME…]`. Those in docs/images are report-failed, report-detail,
 * report-dark and report-versions.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import type { RunResult } from '../../src/report/result.ts';
import { earlier, failing, resultOf, sideBySide } from '../report/html/showcase.ts';
import * as runs from '../report/runs.ts';
import { launch, type OpenOptions, open, program, whyNot } from './chromium.ts';

interface Shot extends OpenOptions {
  readonly name: string;
  readonly result: RunResult;
  readonly prepare?: (page: Page) => Promise<unknown>;
  readonly fullPage?: boolean;
}

const history = earlier(resultOf(failing));
const phone = { width: 390, height: 844 };
const openFailed = (page: Page) => page.locator('a.check.s-failed').first().click();
/** Puts the heading near the top of the window, below the bar of filters. */
const atStep = (name: string) => async (page: Page) => {
  await page.getByRole('heading', { name }).first().scrollIntoViewIfNeeded();
  const { y = 0 } = (await page.getByRole('heading', { name }).first().boundingBox()) ?? {};
  await page.evaluate(`scrollBy({ top: ${y - 70}, behavior: 'instant' })`);
};
const onPaper = async (page: Page) => {
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  await page.emulateMedia({ media: 'print' });
};

const shots: readonly Shot[] = [
  { name: 'report-failed', result: resultOf(failing) },
  {
    name: 'report-detail',
    result: resultOf(failing),
    viewport: { width: 1280, height: 860 },
    prepare: openFailed,
  },
  {
    name: 'report-dark',
    result: resultOf(failing),
    colorScheme: 'dark',
    prepare: atStep('with RequestAuthentication alone'),
  },
  {
    name: 'report-versions',
    result: resultOf(sideBySide),
    viewport: { width: 1280, height: 1000 },
    prepare: atStep('a token is required'),
  },
  {
    name: 'report-policies',
    result: resultOf(failing),
    prepare: atStep('a token is required'),
  },
  { name: 'report-history', result: resultOf(failing), history, title: 'Shop, nightly', fullPage: true },
  {
    name: 'report-history-phone',
    result: resultOf(failing),
    history,
    title: 'Shop, nightly',
    viewport: { width: 400, height: 844 },
    colorScheme: 'dark',
    fullPage: true,
  },
  { name: 'report-versions-top', result: resultOf(sideBySide), colorScheme: 'dark' },
  { name: 'report-phone', result: resultOf(failing), viewport: phone },
  {
    name: 'report-phone-matrix',
    result: resultOf(failing),
    viewport: phone,
    prepare: atStep('with RequestAuthentication alone'),
  },
  {
    name: 'report-phone-detail',
    result: resultOf(failing),
    viewport: phone,
    colorScheme: 'dark',
    prepare: openFailed,
  },
  { name: 'report-passed', result: resultOf(runs.passed) },
  { name: 'report-setup-failed', result: resultOf(runs.setupFailed) },
  { name: 'report-trouble', result: resultOf(runs.failures), fullPage: true },
  {
    name: 'report-paper',
    result: resultOf(failing),
    viewport: { width: 794, height: 1123 },
    prepare: onPaper,
    fullPage: true,
  },
];

const [, , folder, ...names] = process.argv;
if (folder === undefined || program === undefined) {
  console.error(folder === undefined ? 'name a folder for the pictures' : whyNot);
  process.exitCode = 2;
} else {
  mkdirSync(folder, { recursive: true });
  const browser = await launch();
  const wanted = shots.filter(({ name }) => names.length === 0 || names.includes(name));
  for (const { name, result, prepare, fullPage = false, ...options } of wanted) {
    const { page, close } = await open(browser, result, { reducedMotion: 'reduce', ...options });
    await prepare?.(page);
    await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage });
    await close();
  }
  await browser.close();
}
