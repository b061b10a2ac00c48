/** A real Chromium, and pages in it that say when they are not what they should be. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { renderHtml } from '../../src/report/html/page.ts';
import type { HtmlOptions } from '../../src/report/html/page-options.ts';
import type { RunResult } from '../../src/report/result.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome'];

/** The program: JWT_E2E_TEST_CHROMIUM, or the first of the usual names on the PATH. */
export const program =
  process.env.JWT_E2E_TEST_CHROMIUM ||
  (process.env.PATH ?? '')
    .split(path.delimiter)
    .flatMap((folder) => names.map((name) => path.join(folder, name)))
    .find((file) => existsSync(file));

export const whyNot = `there is no Chromium; name one in JWT_E2E_TEST_CHROMIUM, or install one of ${names.join(', ')}`;

export function launch(): Promise<Browser> {
  // Chromium's own sandbox cannot be used by root, as in most containers.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: program ?? '', args });
}

export interface OpenOptions extends BrowserContextOptions, Pick<HtmlOptions, 'title' | 'history'> {
  readonly fragment?: string;
  /** Changes the page before it is opened. */
  readonly tamper?: (html: string) => string;
}

export interface Opened {
  readonly page: Page;
  /** What the page has written to the console, thrown, or asked of the network. */
  readonly complaints: string[];
  readonly close: () => Promise<void>;
}

/** Opens the report of a run as a reader would: as a file. */
export async function open(
  browser: Browser,
  result: RunResult,
  { fragment = '', tamper = (html) => html, title, history, ...options }: OpenOptions = {},
): Promise<Opened> {
  const folder = mkdtempSync(path.join(tmpdir(), 'jwt-e2e-page-'));
  const file = path.join(folder, 'report.html');
  writeFileSync(file, tamper(renderHtml(result, { artifacts: 'artifacts', title, history })));
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`console: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (url.split('#')[0] !== pathToFileURL(file).href && !url.startsWith('data:image/svg+xml,')) {
      complaints.push(`request: ${url}`);
    }
  });
  await page.goto(pathToFileURL(file).href + fragment);
  return {
    page,
    complaints,
    close: async () => {
      await context.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
