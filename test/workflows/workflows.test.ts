/** Rules that hold for all workflow files. What actionlint sees is not repeated here. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { commandHelp } from '../docs/cli.ts';
import { commandsIn, type Known, mistakeIn, productArguments } from '../docs/command-lines.ts';
import { parseWorkflow } from './workflow.ts';

const folder = '.github/workflows';
const workflows = readdirSync(folder).map(
  (name) => [name, readFileSync(`${folder}/${name}`, 'utf8')] as const,
);
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as Known;
let known: Known;

beforeAll(async () => {
  known = { commands: await commandHelp(), scripts };
});

describe.each(workflows)('%s', (_, text) => {
  const workflow = parseWorkflow(text);
  const jobs = Object.entries(workflow.jobs);
  const steps = jobs.flatMap(([, job]) => job.steps);

  test('pins every action of others by its commit and says which release that is', () => {
    // "./" is the action of the same commit.
    const uses = text.match(/^.*\buses: (?!\.\/$).*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('may only read, and never runs without an end', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect(workflow.concurrency).toBeDefined();
    for (const [, job] of jobs) expect(job['timeout-minutes']).toBeTypeOf('number');
  });

  test('gives a job that may write one right only, installs nothing in it, and runs it in no fork', () => {
    for (const [name, { permissions, ...job }] of jobs) {
      if (permissions === undefined) continue;
      const writes = Object.entries(permissions).filter(([, value]) => value !== 'read');
      expect([name, writes]).toEqual([
        name,
        [[expect.stringMatching(/^(checks|issues|id-token|contents)$/), 'write']],
      ]);
      // What was made where nothing can be written may be published from here.
      expect(job.if).toContain('!github.event.repository.fork');
      expect(job.steps.filter(({ run }) => run !== undefined && /\bnpm (?!publish )/.test(run))).toEqual([]);
    }
  });

  test('uses no secrets, and tokens only in jobs that may write', () => {
    expect(text).not.toMatch(/\bsecrets\b/);
    for (const [, job] of jobs) {
      if (job.permissions === undefined) expect(JSON.stringify(job)).not.toContain('github.token');
    }
    for (const step of steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))) {
      expect(step.with).toEqual({ 'persist-credentials': false });
    }
  });

  test('keeps the reports and the evidence of runs that failed', () => {
    const runs = jobs.filter(([, job]) => job.steps.some(({ run }) => run?.includes('npm run e2e')));
    expect(runs.length).toBeGreaterThan(0);
    for (const [, job] of runs) {
      const uploads = job.steps.filter(({ uses }) => uses?.startsWith('actions/upload-artifact@'));
      expect(uploads.filter((upload) => upload.with?.path === 'reports/')).toHaveLength(1);
      for (const upload of uploads) expect(upload.if).toBe('always()');
    }
  });

  test('gives its artifacts names of their own', () => {
    const names = steps
      .filter(({ uses }) => uses?.startsWith('actions/upload-artifact@'))
      .map((step) => step.with?.name);
    expect(new Set(names).size).toBe(names.length);
  });

  test('puts no expression into a shell command', () => {
    for (const { run } of steps) expect(run ?? '').not.toContain('${{');
  });

  test('calls commands, scripts and files that there are', () => {
    const lines = steps.flatMap(({ run }) => commandsIn(run?.replaceAll(/\$\(([^)]*)\)/g, '; $1') ?? ''));
    expect(lines.filter((line) => productArguments(line, known) !== undefined).length).toBeGreaterThan(2);
    expect(lines.map((line) => mistakeIn(line, known)).filter(Boolean)).toEqual([]);
    const files = lines.flat().filter((word) => /^(\.github|test|src)\//.test(word));
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
  });
});

test('one action has one commit in all workflows', () => {
  const pins = workflows.flatMap(([, text]) => text.match(/uses: \S+@\S+ # \S+/g) ?? []);
  const actions = new Set(pins.map((pin) => pin.split('@')[0]));
  expect(new Set(pins).size).toBe(actions.size);
});
