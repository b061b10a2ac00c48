/**
 * Five mistakes that people make, each in a run of its own on a real mesh: the first screen of the page names the cause, so that
 * nobody has to open a log.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { launch, program, whyNot } from '../../browser/chromium.ts';
import { limits } from '../faults/command.ts';
import { Draft } from '../faults/scenarios.ts';
import { describeOnLocal, Home, haveLocal } from '../local/command.ts';

const exclude = ['steps', 1, 'apply', 0] as const;
const requireJwt = ['steps', 0, 'apply'] as const;

const mistakes: readonly { name: string; draft: () => Draft; cause: RegExp; exitCode?: number }[] = [
  {
    name: 'wrong-issuer',
    draft: () =>
      new Draft('require-jwt').set(
        [...requireJwt, 0, 'spec', 'jwtRules', 0, 'issuer'],
        'testing@secure.istio.oi',
      ),
    cause:
      /iss of the token is testing@secure\.istio\.io, and the policies are for testing@secure\.istio\.oi/,
  },
  {
    name: 'key-server-down',
    draft: () =>
      new Draft('jwks-in-cluster').onlySteps(0, 1).add(['steps', 0, 'apply', 2, 'spec', 'replicas'], 0),
    cause:
      /istiod cannot fetch the keys of http:\/\/nginx-proxy\.foo\.svc\.cluster\.local:80\/get_jwks: status 502/,
  },
  {
    name: 'missing-selector',
    draft: () => new Draft('bookinfo-exclusion').onlySteps(1, 2).remove([...exclude, 'spec', 'selector']),
    cause:
      /bookinfo\/productpage\S* refuses it: .*AuthorizationPolicy istio-system\/test-exclude \(DENY, for every workload of the mesh\): rule 1 matches/,
  },
  {
    name: 'wrong-namespace',
    draft: () => new Draft('require-jwt').set([...requireJwt, 1, 'metadata', 'namespace'], 'default'),
    cause:
      /AuthorizationPolicy default\/require-jwt holds for no proxy, so nothing that it says is tested: no pod runs in namespace default/,
    exitCode: 4,
  },
  {
    name: 'typo-in-not-paths',
    draft: () =>
      new Draft('bookinfo-exclusion')
        .onlySteps(1, 2)
        .set([...exclude, 'spec', 'rules', 0, 'to', 0, 'operation', 'notPaths', 0], '/productpages'),
    cause:
      /AuthorizationPolicy istio-system\/test-exclude \(DENY\): rule 1 matches: .*wants notPaths = \/productpages; the request has \/productpage/,
  },
];

/** Where pictures of the pages go, such as docs/images. */
const pictures = process.env.JWT_E2E_TEST_PICTURES;

let home: Home;
let browser: Browser;
beforeAll(async () => {
  if (!haveLocal || program === undefined) return;
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  browser = await launch();
  home = new Home();
  const up = await home.start('up', 'up', '--name', 'causes').ended();
  expect(up.exitCode, up.output).toBe(0);
});
afterAll(async () => {
  await browser?.close();
  if (home === undefined) return;
  await home.start('down', 'down', '--name', 'causes').ended();
  await home.remove();
});

describeOnLocal('the first screen of the page names the cause', () => {
  beforeEach((context) => context.skip(program === undefined, whyNot));

  test.each(mistakes)('$name', async ({ name, draft, cause, exitCode = 1 }) => {
    const file = draft().write(home.sub(name), name);
    const run = await home.run(name, '--name', 'causes', '--reuse', ...limits, file);
    expect(run.exitCode, run.output).toBe(exitCode);
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    try {
      await page.goto(pathToFileURL(join(home.sub(name), 'reports/report.html')).href);
      const told = page.locator('section[aria-labelledby="wrong"] li').getByText(cause).first();
      await told.waitFor({ timeout: 10_000 });
      const { y = Infinity, height = 0 } = (await told.boundingBox()) ?? {};
      expect(y + height).toBeLessThan(900);
      if (pictures !== undefined) await page.screenshot({ path: join(pictures, `mistake-${name}.png`) });
    } finally {
      await page.close();
    }
  });
});
