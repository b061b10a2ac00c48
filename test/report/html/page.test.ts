import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PastRun, pastRunOf } from '../../../src/report/history/history.ts';
import { renderHtml } from '../../../src/report/html/page.ts';
import { mutated } from '../console-runs.ts';
import * as runs from '../runs.ts';
import { attacks, historyOfText, resultOfText } from './hostile.ts';
import { failing, large, resultOf, sideBySide } from './showcase.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('base64');
/** Names of elements and attributes in their order, without any value or text. */
const skeleton = (page: string) =>
  [...page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '').matchAll(/<[^>]*>/g)].map(([tag]) =>
    tag.replace(/"[^"]*"/g, '""'),
  );

describe('page of any text', () => {
  const pageOf = (text: string, artifacts = 'artifacts') =>
    renderHtml(resultOfText(text), { artifacts, title: text, history: historyOfText(text) });
  const harmless = skeleton(pageOf('harmless'));

  it('has the same elements and attributes as one of harmless text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('<', '>', '"', "'", '&', '</script>', '<!--', '-->', '\u0000', '\n', '/', ' '))
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (value) => {
        // The words around keep it from being empty, blank or a status code, for which other elements are meant.
        const page = pageOf(`a ${value} z`);
        expect(skeleton(page)).toEqual(harmless);
      }),
      { numRuns: 60 },
    );
    expect(skeleton(pageOf(attacks))).toEqual(harmless);
  });

  it('has no attribute that runs something, and leads to fragments, the web and evidence only', () => {
    const page = pageOf(attacks, '../artifacts');
    const tags = [...page.matchAll(/<[a-z][^>]*>/g)].map(([tag]) => tag);
    expect(skeleton(page).filter((tag) => / (on[a-z]+|style|src|srcdoc|action)=/.test(tag))).toEqual([]);
    const targets = tags.flatMap((tag) => / href="([^"]*)"/.exec(tag)?.[1] ?? []);
    expect(targets.length).toBeGreaterThan(20);
    expect(
      targets.filter((to) => !/^(#|https?:\/\/|\.\.\/artifacts\/|data:image\/svg\+xml,%3Csvg)/.test(to)),
    ).toEqual([]);
  });
});

describe('policy of the page', () => {
  it('names the one script and the one style by their hashes, and allows nothing else', () => {
    const page = renderHtml(resultOf(failing));
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '');
    const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map((match) => match[1] ?? '');
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src 'sha256-${hash(scripts[0]!)}'`,
      `style-src 'sha256-${hash(styles[0]!)}'`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
  });

  it('has a script without imports, in which no line was lost', () => {
    const script = /<script>([\s\S]*?)<\/script>/.exec(renderHtml(resultOf(runs.passed)))?.[1] ?? '';
    expect(script).not.toMatch(/^\s*(import|export)\b/m);
    expect(() => new Function(script)).not.toThrow();
  });
});

describe('page', () => {
  it.each(
    Object.entries({ ...runs, failing, sideBySide }).filter((entry): entry is [string, typeof failing] =>
      Array.isArray(entry[1]),
    ),
  )('of %s has each check, each id once, and only links that lead somewhere', (_, events) => {
    const result = resultOf(events);
    const page = renderHtml(result);
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map((match) => match[1]);
    expect(links.filter((link) => !ids.includes(link))).toEqual([]);
    const checks = result.scenarios.flatMap((scenario) => scenario.checks);
    expect(page.match(/<a class="check /g) ?? []).toHaveLength(checks.length);
    expect(page.match(/<details class="check-details"/g) ?? []).toHaveLength(checks.length);
  });

  it('draws the matrix of a step: what came back, what should have, states as shape and word', async () => {
    const page = renderHtml(resultOf(sideBySide));
    const tables = page.match(/<table class="matrix">[\s\S]*?<\/table>/g) ?? [];
    const matrix = tables.find((table) => table.includes('data-changed'));
    await expect(`${matrix}\n`).toMatchFileSnapshot('../../golden/report/html-matrix.html');
  });

  it('names the next command for what failed, with what the run was told about the mesh', () => {
    const page = renderHtml(resultOf(failing), {
      given: [
        ['target', 'kind'],
        ['context', "it's"],
      ],
    });
    const commands = [...page.matchAll(/aria-label="command to run next"><code>(.*?)<\/code>/g)].map(
      ([, text]) => text,
    );
    expect(commands).toEqual(
      ['no token//headers', 'not a JWT//headers'].map(
        (check) =>
          `jwt-e2e run scenarios/documented/require-jwt.yaml --target kind --context &#39;it&#39;\\&#39;&#39;s&#39; --grep &#39;require-jwt/a token is required/${check}&#39; --pause-on-failure`,
      ),
    );
  });

  it('has a title of its own where one is given', () => {
    const page = renderHtml(resultOf(failing), { title: ' Shop <nightly> ' });
    expect(page).toContain('<title>Failed: Shop &lt;nightly&gt;</title>');
    expect(page).toContain('<span class="about">Shop &lt;nightly&gt;</span>');
    expect(renderHtml(resultOf(failing), { title: ' ' })).toContain(
      'JWT authentication of Istio 1.30.3 on kind',
    );
  });

  it('names what a step has applied with policies first, then what routes, then the rest', () => {
    const result = resultOf(failing);
    const kinds = [
      'ConfigMap',
      'VirtualService',
      'AuthorizationPolicy',
      'Deployment',
      'RequestAuthentication',
    ];
    const objects = kinds.map((kind) => `${kind} foo/x created`);
    const manifests = kinds.map((kind) => ({ object: `${kind} foo/x`, yaml: kind }));
    const steps = result.scenarios[0]!.steps.map((step) => ({ ...step, objects, manifests }));
    const page = renderHtml({ ...result, scenarios: [{ ...result.scenarios[0]!, steps }] });
    const sorted = [
      'RequestAuthentication',
      'AuthorizationPolicy',
      'VirtualService',
      'ConfigMap',
      'Deployment',
    ];
    expect(page).toContain(`Applied: ${sorted.map((kind) => `${kind} foo/x created`).join(', ')}</summary>`);
    const shown = /<details class="applied">.*?<\/details>/s.exec(page)?.[0] ?? '';
    expect([...shown.matchAll(/<\/span>|<code>(\w+)</g)].map(([, kind]) => kind)).toEqual(sorted);
  });

  it('says that documents expect something where there is one, and not where there is none', () => {
    const result = resultOf(runs.failures);
    expect(renderHtml(result)).toMatch(/than documented; .*>by <cite>FAQ/s);
    const source = { document: '', section: '' };
    const scenarios = result.scenarios.map(({ info, checks, ...rest }) => ({
      ...rest,
      info: { ...info, source },
      checks: checks.map((check) => ({ ...check, source })),
    }));
    const page = renderHtml({ ...result, scenarios });
    expect(page).toContain('got another answer than expected');
    expect(page).not.toMatch(/documented answer|than documented|its document|<cite>|>by </);
  });

  it('has a list to jump by, with the state of each scenario, as soon as there are two', () => {
    const list = /<nav class="jump".*?<\/nav>/s.exec(renderHtml(resultOf(failing)))?.[0] ?? '';
    expect([...list.matchAll(/> (\w+):<\/span><\/span> <span>([^<]*)/g)].map(([, ...what]) => what)).toEqual([
      ['failed', 'require-jwt'],
      ['passed', 'bookinfo-exclusion'],
    ]);
    expect(renderHtml(large(10))).not.toContain('class="jump"');
  });

  it('draws which policy holds for which workload, and says it in words', () => {
    const page = renderHtml(resultOf(failing));
    const shown = /<details class="selection trouble" open>.*?<\/p>\s*<\/details>/s.exec(page)?.[0] ?? '';
    expect(shown.match(/<path /g)).toHaveLength(1);
    expect(shown).toContain('<path class="authenticates" d="M0 0.5C5 0.5 5 0.5 10 0.5" />');
    expect(shown).toContain('<li>RequestAuthentication foo/jwt-example holds for foo/httpbin.</li>');
    expect(shown).toContain('<li>AuthorizationPolicy foo/require-jwt (ALLOW) holds for no workload.</li>');
    expect(shown).toContain('</b> holds for no workload: no pod of namespace foo has app=httpbin-v1</p>');
    expect(renderHtml(resultOf(runs.passed))).not.toContain('class="selection');
  });

  it('says which mistakes in policies no check would notice', () => {
    const page = renderHtml(resultOf(mutated));
    expect(page).toContain('<h2 id="mutations">Mistakes in policies</h2>');
    expect(page).toContain('<td>11 of 11 mistakes noticed</td>');
    expect(page).toContain(
      'GET /productpageother through the gateway, without a token: 403 RBAC: access denied; with the mistake: it passes',
    );
    expect(renderHtml(resultOf(runs.passed))).not.toContain('Mistakes in policies');
  });

  it('can be made from a file that lacks what newer versions write', () => {
    const { flaky: _, ...result } = JSON.parse(JSON.stringify(resultOf(runs.failures)));
    expect(renderHtml(result)).toContain('the mesh let the request through, 3 times in a row');
  });

  it('stays small: 300 checks with evidence in less than 3 MB, in less than a second', () => {
    const result = resultOf(failing);
    const [scenario] = result.scenarios;
    const evidenceFiles = ['access-log', 'config-dump', 'istiod'].map((name) => ({
      name,
      text: `${name} `.repeat(400),
    }));
    const checks = Array.from({ length: 300 }, (_, index) => {
      const check = scenario!.checks[index % scenario!.checks.length]!;
      return {
        ...check,
        id: `${check.id}-${index}`,
        row: `${check.row} ${index}`,
        ...(check.state === 'failed' && { evidenceFiles }),
      };
    });
    const large = { ...result, scenarios: [{ ...scenario!, checks }] };
    const start = performance.now();
    expect(renderHtml(large).length).toBeLessThan(3_000_000);
    expect(performance.now() - start).toBeLessThan(5000);
  });
});

describe('last runs', () => {
  const id = 'require-jwt/a token is required/no token//headers';
  const past = (state: 'passed' | 'failed', day: number): PastRun => ({
    ...pastRunOf(resultOf(failing)),
    startedAt: `2026-03-0${day}T09:30:00Z`,
    meshes: [{ ...resultOf(failing).meshes[0]!, id: 'kind-1.29.0', istio: '1.29.0' }],
    states: new Map([['kind-1.29.0', new Map([[id, state]])]]),
  });
  const page = (...runs: PastRun[]) => renderHtml(resultOf(failing), { history: { runs, problems: [] } });
  const strips = (text: string) =>
    [...text.matchAll(/<span class="strip".*?<span class="now.*?<\/span>/gs)].map(([strip]) =>
      [...strip.matchAll(/title="([^"]*)"/g)].map(([, title]) => title),
    );

  it('are a strip for each check that they have, at the check and at the top', () => {
    const text = page(past('passed', 1), past('failed', 2));
    const strip = ['2026-03-01, Istio 1.29.0: passed', '2026-03-02, Istio 1.29.0: failed', 'this run'];
    expect(strips(text)).toEqual([strip, strip]);
    expect(
      text.match(
        /failed since <time datetime="2026-03-02T09:30:00Z">[^<]*<\/time>, for 2 runs\. Before: passed\./g,
      ),
    ).toHaveLength(2);
  });

  it('say what is new in this run', () => {
    expect(page(past('passed', 1))).toContain('<b>New in this run.</b> Before: passed.');
    expect(page(past('failed', 1))).toContain('failed in the earlier run, too.');
  });

  it('are not there without earlier runs', () => {
    expect(page()).not.toContain('Last runs');
    expect(renderHtml(resultOf(failing))).not.toContain('Last runs');
  });
});

describe('a run of more than 1,000 checks', () => {
  const page = renderHtml(large(4_000));
  const details = [...page.matchAll(/<article class="detail[^>]*>[\s\S]*?<\/article>/g)].map(
    ([text]) => text,
  );

  it('takes 1.5 KB a check, and 10 KB more for each of the first 200 that did not pass', () => {
    expect(page.length).toBeLessThan(4_000 * 1_500 + 200 * 10_000);
  });

  it('says of each check what was wanted and what came, and why it failed', () => {
    expect(details).toHaveLength(4_000);
    const [first = '', last = ''] = [details[0], details.at(-1)];
    for (const text of ['/headers?n=0', 'expected 200', 'got 200', '.yaml:']) expect(first).toContain(text);
    for (const text of ['/headers?n=3999', '403', 'status 200 instead of 403', 'What to do:'])
      expect(last).toContain(text);
    expect(page).toContain('This run has more than 1,000 checks.');
  });

  it('has everything about the first 200 that did not pass', () => {
    expect(details.filter((text) => text.includes('As a curl line'))).toHaveLength(200);
    expect(details.find((text) => text.includes('status 200 instead of 403'))).toContain('As a curl line');
  });

  it('of 1,000 has everything about each', () => {
    const small = renderHtml(large(1_000));
    expect(small.split('As a curl line')).toHaveLength(1_001);
    expect(small).not.toContain('This run has more than');
  });
});
