/** What is particular to the workflow of every change: the comparison comes whatever happened to the two targets. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { onMesh, resultOf } from '../report/results.ts';
import * as runs from '../report/runs.ts';
import { holds } from './expressions.ts';
import { runJob } from './job.ts';
import { parseWorkflow } from './workflow.ts';

const text = readFileSync('.github/workflows/ci.yml', 'utf8');
const { jobs } = parseWorkflow(text);

describe('targets are compared', () => {
  test.each([
    ['when both passed', 'success', 'success', 'success', 'success', true],
    ['when one failed', 'success', 'failure', 'success', 'failure', true],
    ['when both failed', 'success', 'failure', 'failure', 'failure', true],
    ['not when nothing ran', 'failure', 'skipped', 'skipped', 'failure', false],
    ['not when cancelled', 'success', 'success', 'cancelled', 'cancelled', false],
  ])('%s', (_, checked, local, kind, status, expected) => {
    const needs = { test: { result: checked }, local: { result: local }, e2e: { result: kind } };
    expect(holds(jobs.compare?.if, { needs, status })).toBe(expected);
  });
});

describe('the comparison', () => {
  const kind = resultOf(runs.failures);
  const local = onMesh(kind, { id: 'local', target: 'local' });

  /** The job on artifacts of the targets, with the modules of this working copy. */
  async function compared(results: Readonly<Record<string, object>>) {
    const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-compare-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const artifacts = join(folder, 'artifacts');
    for (const [name, result] of Object.entries(results)) {
      mkdirSync(join(artifacts, name), { recursive: true });
      writeFileSync(join(artifacts, name, 'results.json'), JSON.stringify(result));
    }
    const said: string[] = [];
    const { conclusion, outcomes } = await runJob({
      workflow: text.replaceAll('- run: npm ci', `- run: ln -s "${resolve('node_modules')}" node_modules`),
      job: 'compare',
      context: {},
      source: process.cwd(),
      workspace: join(folder, 'work'),
      artifacts,
      env: { PATH: process.env.PATH },
      signal: new AbortController().signal,
      write: (chunk) => said.push(chunk),
    });
    const page = () => readFileSync(join(artifacts, 'page/report.html'), 'utf8');
    return { conclusion, outcomes, said: said.join(''), page };
  }

  test('has both targets on its page, also when checks failed, and says where they differ', async () => {
    const { said, page, outcomes } = await compared({ 'evidence-local': local, 'evidence-kind': kind });
    expect(said).toContain('exit code 1');
    expect(page()).toMatch(/local[\s\S]*kind/);
    // All but the comparison: the explained differences of real runs are not in these.
    expect(outcomes.with(-2, 'success')).toEqual(outcomes.map(() => 'success'));
    expect(said).toMatch(/local[\s\S]*kind/);
  }, 60_000);

  test('fails without the results of one, and still has a page of the other', async () => {
    const { conclusion, said, page } = await compared({ 'evidence-local': local });
    expect(conclusion).toBe('failure');
    expect(said).toContain('reports/kind/results.json');
    expect(page()).toContain('local');
  }, 60_000);

  test('fails without any results, and says so', async () => {
    const { conclusion, said } = await compared({});
    expect(conclusion).toBe('failure');
    expect(said).toContain('there is no reports/report.html to upload');
  }, 60_000);
});
