import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { resultOf } from '../report/results.ts';
import { failures, interrupted, killed, passed, setupFailed } from '../report/runs.ts';
import { type FakeGitHub, fakeGitHub } from './fake-github.ts';
import { type Night, writeNight } from './nights.ts';

const script = fileURLToPath(new URL('../../.github/scripts/tracking-issue.mjs', import.meta.url));
const token = 'token-of-the-job';
const green: Night = { '1.31.1 1.36.4': {}, '1.30.5 1.36.4': {} };
const red: Night = {
  '1.31.1 1.36.4': { failed: { 'require-jwt/deny/valid//get': 'expected 200, got 401' } },
  '1.30.5 1.36.4': {},
};

/** One night: what the script printed, and its exit code. */
async function night(github: FakeGitHub, results: Night | undefined, more: NodeJS.ProcessEnv = {}) {
  const { folder, matrix } = results === undefined ? { folder: '/nowhere', matrix: '' } : writeNight(results);
  const { stdout, stderr, exitCode } = await execa('node', [script, folder], {
    extendEnv: false,
    reject: false,
    env: {
      PATH: process.env.PATH,
      MATRIX: matrix,
      GITHUB_TOKEN: token,
      GITHUB_API_URL: github.url,
      GITHUB_SERVER_URL: 'https://github.example',
      GITHUB_REPOSITORY: 'example/mesh',
      GITHUB_RUN_ID: '42',
      ...more,
    },
  });
  expect(stderr).toBe('');
  return { stdout, exitCode };
}

describe('the tracking issue', () => {
  test('is opened once, and says what failed where', async () => {
    const github = await fakeGitHub(token);
    expect(await night(github, red)).toEqual({ stdout: 'Opened #1 about one failure.', exitCode: 0 });
    const [issue] = github.issues;
    expect(github.issues).toHaveLength(1);
    expect(issue).toMatchObject({ title: 'The nightly run fails', labels: ['nightly'], state: 'open' });
    expect(issue?.body).toContain(
      '| `require-jwt/deny/valid//get` | Istio 1.31.1 on Kubernetes 1.36.4 | `expected 200, got 401` |',
    );
    expect(issue?.body).toContain('https://github.example/example/mesh/actions/runs/42');
    expect([...github.labels]).toEqual(['nightly']);
  });

  test('is left in peace when nothing changed, but leads to the last run', async () => {
    const github = await fakeGitHub(token);
    await night(github, red);
    const { stdout } = await night(github, red, { GITHUB_RUN_ID: '43' });
    expect(stdout).toBe('#1 is up to date: one failure, none of them new.');
    expect(github.issues).toHaveLength(1);
    expect(github.issues[0]?.comments).toEqual([]);
    expect(github.issues[0]?.body).toContain('/actions/runs/43');
  });

  test('gets one comment about what is new and what is gone', async () => {
    const github = await fakeGitHub(token);
    await night(github, red);
    const other: Night = {
      '1.31.1 1.36.4': { errors: ['algorithms'] },
      '1.30.5 1.36.4': { failed: { 'require-jwt/deny/valid//get': 'expected 200, got 403' } },
    };
    expect((await night(github, other)).stdout).toBe('Wrote to #1 about 2 failures.');
    await night(github, other);
    expect(github.issues[0]?.comments).toHaveLength(1);
    const comment = github.issues[0]?.comments[0] ?? '';
    expect(comment).toContain(
      '| `algorithms: no verdict` | Istio 1.31.1 on Kubernetes 1.36.4 | `curl ended after 20 s` |',
    );
    expect(comment).toContain('| `require-jwt/deny/valid//get` | Istio 1.30.5 on Kubernetes 1.36.4 |');
    // Of a run without a verdict nobody knows.
    expect(comment).not.toContain('No longer failing');
    await night(github, { '1.31.1 1.36.4': { failed: { 'a/b/c/d': '' } }, '1.30.5 1.36.4': {} });
    expect(github.issues[0]?.comments[1]).toContain(
      'No longer failing:\n\n* `algorithms: no verdict` on Istio 1.31.1 on Kubernetes 1.36.4',
    );
  });

  test('remembers through a night without results, and does not call old failures new', async () => {
    const github = await fakeGitHub(token);
    await night(github, red);
    await night(github, { '1.31.1 1.36.4': undefined, '1.30.5 1.36.4': {} });
    expect(github.issues[0]?.comments).toHaveLength(1);
    expect(github.issues[0]?.body).toContain('### Not known this time');
    expect((await night(github, red)).stdout).toBe('#1 is up to date: one failure, none of them new.');
    expect(github.issues[0]?.body).not.toContain('### Not known this time');
  });

  test('is closed when all is well, and the next failure opens another one', async () => {
    const github = await fakeGitHub(token);
    await night(github, red);
    expect((await night(github, green)).stdout).toBe('Closed #1.');
    expect(github.issues[0]).toMatchObject({ state: 'closed', state_reason: 'completed' });
    expect(github.issues[0]?.comments).toHaveLength(1);
    expect((await night(github, green)).stdout).toMatch(/^All versions that must pass have passed/);
    expect(github.issues[0]?.comments).toHaveLength(1);
    expect((await night(github, red)).stdout).toBe('Opened #2 about one failure.');
  });

  test('stays open as long as one of the required runs has no result', async () => {
    const github = await fakeGitHub(token);
    await night(github, red);
    await night(github, { ...green, '1.30.5 1.36.4': { outcome: 'cancelled' } });
    expect(github.issues[0]?.state).toBe('open');
  });

  test('is not opened for experimental versions, and known deviations are no failures', async () => {
    const github = await fakeGitHub(token);
    const results: Night = {
      '1.31.1 1.36.4': { known: 3 },
      '1.32.0-rc.0 1.36.4?': { failed: { 'a/b/c/d': 'x' } },
    };
    await night(github, results);
    expect(github.issues).toEqual([]);
    await night(github, { ...red, '1.32.0-rc.0 1.36.4?': { failed: { 'a/b/c/d': 'x' } } });
    expect(github.issues[0]?.body).toMatch(
      /### Experimental versions[^#]*`a\/b\/c\/d` \| Istio 1\.32\.0-rc\.0/,
    );
    expect((await night(github, results)).stdout).toBe('Closed #1.');
  });

  test('is opened when there was not even a list of versions', async () => {
    const github = await fakeGitHub(token);
    expect((await night(github, undefined)).stdout).toBe('Opened #1 about one failure.');
    expect(github.issues[0]?.body).toContain('`no versions to test`');
  });

  test('is told apart from issues of people with the same label, and from pull requests', async () => {
    const github = await fakeGitHub(token);
    const theirs = { title: 'x', state: 'open' as const, labels: ['nightly'], comments: [] };
    github.issues.push({ number: 1, body: 'a night is dark', ...theirs });
    github.issues.push({ number: 2, body: '<!-- jwt-e2e-nightly -->', ...theirs, pull_request: {} } as never);
    expect((await night(github, red)).stdout).toBe('Opened #3 about one failure.');
    expect((await night(github, green)).stdout).toBe('Closed #3.');
    expect(github.issues.map(({ state }) => state)).toEqual(['open', 'open', 'closed']);
  });

  test('is mended when somebody has broken what it remembers', async () => {
    for (const state of [
      '',
      '<!-- state: AAAA -->',
      '<!-- state: H4sIAAAAAAAAA6tWMlSyMtRRMlKyMlGqBQDl+CZhEAAAAA== -->',
    ]) {
      const github = await fakeGitHub(token);
      await night(github, red);
      github.issues[0]!.body = `<!-- jwt-e2e-nightly -->${state}`;
      expect((await night(github, red)).stdout).toBe('Wrote to #1 about one failure.');
      expect((await night(github, red)).stdout).toMatch(/up to date/);
    }
  });

  test('shows what came from a mesh as code, which can neither end itself nor call anybody', async () => {
    const github = await fakeGitHub(token);
    const hostile = 'got `x` @everyone | <!-- state: AAAA --> <img src=x>\n# heading';
    await night(github, { '1.31.1 1.36.4': { failed: { 'a/b/c|d/e': hostile } } });
    expect(github.issues[0]?.body).toContain(
      "| `a/b/c\\|d/e` | Istio 1.31.1 on Kubernetes 1.36.4 | `got 'x' @everyone \\| <! -- state: AAAA -- > <img src=x> # heading` |",
    );
    expect((await night(github, { '1.31.1 1.36.4': { failed: { 'a/b/c|d/e': '' } } })).stdout).toMatch(
      /up to date/,
    );
  });

  test('stays short enough for GitHub when everything fails', async () => {
    const github = await fakeGitHub(token);
    const failed = Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [
        `scenario-${index}/${'step '.repeat(10)}/row/column`,
        'm'.repeat(300),
      ]),
    );
    const everything = Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [`1.3${index}.0 1.36.4`, { failed }]),
    );
    expect(await night(github, everything)).toEqual({
      stdout: 'Opened #1 about 2400 failures.',
      exitCode: 0,
    });
    expect(github.issues[0]?.body).toMatch(/and \d+ more/);
    expect((await night(github, everything)).stdout).toMatch(/none of them new/);
  });
});

describe('does nothing', () => {
  test.each([
    ['in a fork', { fork: true }, 'This is a fork: nothing to do.'],
    ['where there are no issues', { has_issues: false }, 'This repository has no issues: nothing to do.'],
  ])('%s', async (_, repository, stdout) => {
    const github = await fakeGitHub(token);
    Object.assign(github.repository, repository);
    expect(await night(github, red)).toEqual({ stdout, exitCode: 0 });
    expect(github.asked).toEqual(['GET /repos/example/mesh']);
  });
});

describe('trouble with the API', () => {
  const busy = { status: 502, body: '<html>Unicorn!</html>', headers: { 'retry-after': '0' } };

  test('that passes is waited for', async () => {
    const github = await fakeGitHub(token);
    github.faults.set('GET /repos/example/mesh/issues', [busy, { ...busy, status: 429 }]);
    github.faults.set('GET /repos/example/mesh', ['cut']);
    expect((await night(github, red)).stdout).toBe('Opened #1 about one failure.');
  });

  test('that stays is told in one line, with the status and what to do', async () => {
    const github = await fakeGitHub(token);
    const refused = { status: 403, body: '{"message":"Resource not accessible\\nby integration 100%"}' };
    github.faults.set('POST /repos/example/mesh/issues', [refused]);
    expect(await night(github, red)).toEqual({
      stdout:
        '::error title=Tracking issue::POST /repos/example/mesh/issues: GitHub answered 403; Resource not accessible by integration 100%25; the job needs "permissions: issues: write"',
      exitCode: 1,
    });
  });

  test('never makes a second issue: what was asked for once is not asked for again', async () => {
    const github = await fakeGitHub(token);
    github.faults.set('POST /repos/example/mesh/issues', [busy]);
    expect((await night(github, red)).exitCode).toBe(1);
    expect(github.asked.filter((each) => each.startsWith('POST /repos/example/mesh/issues'))).toHaveLength(1);
  });

  test('gives up after three attempts', async () => {
    const github = await fakeGitHub(token);
    github.faults.set('GET /repos/example/mesh/issues', [busy, busy, busy]);
    const { stdout, exitCode } = await night(github, red);
    expect({ stdout, exitCode }).toEqual({
      stdout:
        '::error title=Tracking issue::GET /repos/example/mesh/issues?state=open&labels=nightly&sort=created&direction=asc&per_page=100: GitHub answered 502; <html>Unicorn!</html>',
      exitCode: 1,
    });
  });

  test.each([
    [
      'a wrong token',
      { GITHUB_TOKEN: 'wrong' },
      /GitHub answered 401; Bad credentials; the token is not valid$/,
    ],
    ['no token', { GITHUB_TOKEN: '' }, /GITHUB_TOKEN is not set: the step needs it in its env$/],
    [
      'no server',
      { GITHUB_API_URL: 'http://127.0.0.1:9' },
      /GET \/repos\/example\/mesh: .*(ECONNREFUSED|bad port)/,
    ],
  ])('%s', async (_, env, message) => {
    const github = await fakeGitHub(token);
    const { stdout, exitCode } = await night(github, red, env);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(message);
    expect(github.issues).toEqual([]);
  });
});

/** Results as the product writes them: were the scripts to read something else, nothing would be said. */
test.each([
  ['passed', passed, /^All versions that must pass have passed/, undefined],
  [
    'with failures',
    failures,
    /^Opened #1 about/,
    /\| `[^`]+\/[^`]+` \| Istio 1\.31\.1 on Kubernetes 1\.36\.4 \| `[^`]+` \|/,
  ],
  [
    'without a mesh',
    setupFailed,
    /^Opened #1 about one failure/,
    /`no verdict \(E_[A-Z]+\)` \|.*\| `[^`]+` \|/,
  ],
  ['interrupted', interrupted, /^Opened #1 about/, /: no verdict`/],
  ['killed', killed, /^Opened #1 about/, /`broke off`|: no verdict`/],
])('a real result, %s, is understood', async (name, events, said, body) => {
  const github = await fakeGitHub(token);
  const text = JSON.stringify(resultOf(events));
  const outcome = name === 'passed' ? 'success' : 'failure';
  expect((await night(github, { '1.31.1 1.36.4': { text, outcome } })).stdout).toMatch(said);
  if (body === undefined) expect(github.issues).toEqual([]);
  else expect(github.issues[0]?.body).toMatch(body);
});
