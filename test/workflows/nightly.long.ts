/** What is particular to the nightly workflow: when its jobs run, and that they fit together. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { matrix } from '../../src/programs/release-matrix.ts';
import { loadVersions } from '../../src/programs/versions.ts';
import { fill, holds } from './expressions.ts';
import { fakeGitHub } from './fake-github.ts';
import { runJob } from './job.ts';
import { type Night, writeNight } from './nights.ts';
import { matrixOf, parseWorkflow } from './workflow.ts';

const text = readFileSync('.github/workflows/nightly.yml', 'utf8');
const { jobs } = parseWorkflow(text);
const entries = matrix(loadVersions('kind/versions.yaml'), ['1.99.0-rc.0']);
const needs = {
  versions: { result: 'success', outputs: { matrix: JSON.stringify(entries) } },
  e2e: { result: 'failure' },
};

test('every entry of the matrix becomes a run; experimental ones fail nothing, none stops another', () => {
  const { e2e } = jobs;
  expect(matrixOf(e2e!, { needs })).toEqual(entries);
  expect(e2e!.strategy?.['fail-fast']).toBe(false);
  expect((e2e as { 'continue-on-error'?: string })['continue-on-error']).toBe('${{ matrix.experimental }}');
  const step = e2e!.steps.find(({ id }) => id === 'run');
  // Its reports are uploaded only when it ends before the job does.
  expect(step?.['timeout-minutes']).toBeLessThan(e2e!['timeout-minutes']);
});

test('every run has a folder and an artifact of its own', () => {
  const { env, steps } = jobs.e2e!;
  const upload = steps.find(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
  for (const text of [env?.OUT, upload?.with?.name]) {
    const all = entries.map((entry) => fill(String(text), { matrix: entry }));
    expect(new Set(all).size).toBe(entries.length);
  }
});

describe('jobs run', () => {
  const night = { event_name: 'schedule', event: { repository: { fork: false } } };
  const byHand = { ...night, event_name: 'workflow_dispatch' };
  const fork = { ...night, event: { repository: { fork: true } } };
  // The event of a schedule may come without the repository.
  const bare = { event_name: 'schedule', event: {} };
  const broken = { versions: { result: 'failure', outputs: {} } };
  test.each([
    ['at night', night, needs, 'failure', ['report', 'publish', 'issue']],
    ['at night, with a bare event', bare, needs, 'failure', ['report', 'publish', 'issue']],
    ['by hand', byHand, needs, 'success', ['report', 'publish']],
    ['in a fork', fork, needs, 'failure', ['report']],
    ['without versions', night, broken, 'failure', ['issue']],
    ['when cancelled', night, needs, 'cancelled', []],
  ])('%s', (_, github, needed, status, expected) => {
    const run = Object.keys(jobs).filter((name) => !['versions', 'e2e', 'faults'].includes(name));
    expect(run.filter((name) => holds(jobs[name]?.if, { github, needs: needed, status }))).toEqual(expected);
  });
});

describe('the issue job', () => {
  /** Artifacts as the runs of the matrix upload them. */
  async function issueJob(night: Night, token = 'the-token') {
    const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-issue-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { folder: results, matrix } = writeNight(night);
    const artifacts = join(folder, 'artifacts');
    for (const { istio, kubernetes, experimental } of JSON.parse(matrix)) {
      const path = join(
        experimental ? 'experimental' : 'required',
        `istio-${istio}-kubernetes-${kubernetes}`,
      );
      const artifact = join(artifacts, `results-istio-${istio}-kubernetes-${kubernetes}`);
      mkdirSync(artifact, { recursive: true });
      cpSync(join(results, path), join(artifact, path), { recursive: true });
    }
    const github = await fakeGitHub('the-token');
    const said: string[] = [];
    const result = await runJob({
      workflow: text,
      job: 'issue',
      context: { needs: { versions: { outputs: { matrix } } }, github: { token } },
      source: process.cwd(),
      workspace: join(folder, 'work'),
      artifacts,
      env: {
        PATH: process.env.PATH,
        GITHUB_API_URL: github.url,
        GITHUB_REPOSITORY: 'example/mesh',
        GITHUB_RUN_ID: '7',
      },
      signal: new AbortController().signal,
      write: (chunk) => said.push(chunk),
    });
    return { conclusion: result.conclusion, said: said.join(''), github };
  }

  test('opens the issue from the artifacts of the runs', async () => {
    const { conclusion, said, github } = await issueJob({
      '1.31.4 1.36.4': { failed: { 'require-jwt/deny/valid//get': 'expected 200, got 401' } },
      '1.99.0-rc.0 1.36.4?': { failed: { 'a/b/c/d': 'x' } },
    });
    expect(conclusion).toBe('success');
    expect(said).toContain('Opened #1 about one failure.');
    expect(github.issues[0]?.body).toContain(
      '`require-jwt/deny/valid//get` | Istio 1.31.4 on Kubernetes 1.36.4',
    );
  });

  test('works for a single run, whose artifact is the only one', async () => {
    const { said } = await issueJob({ '1.31.4 1.36.4': {} });
    expect(said).toContain('All versions that must pass have passed, and no issue is open.');
  });

  test('fails when GitHub refuses it', async () => {
    const { conclusion, said } = await issueJob({ '1.31.4 1.36.4': {} }, 'another');
    expect(conclusion).toBe('failure');
    expect(said).toContain('::error title=Tracking issue::GET /repos/example/mesh: GitHub answered 401');
  });
});
