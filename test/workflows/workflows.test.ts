import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

interface Workflow {
  permissions: unknown;
  concurrency: unknown;
  jobs: Record<string, Record<string, unknown> & { steps: Record<string, unknown>[] }>;
}

const folder = '.github/workflows';
const workflows = readdirSync(folder).map(
  (name) => [name, readFileSync(`${folder}/${name}`, 'utf8')] as const,
);

describe.each(workflows)('%s', (_, text) => {
  const workflow = parse(text) as Workflow;

  test('pins every action by its commit and says which release that is', () => {
    const uses = text.match(/^.*\buses:.*$/gm) ?? [];
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test('may only read, and never runs without an end', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect(workflow.concurrency).toBeDefined();
    for (const job of Object.values(workflow.jobs)) {
      expect(job['timeout-minutes']).toBeTypeOf('number');
      expect(job.permissions).toBeUndefined();
    }
  });

  test('keeps the report and the evidence of runs that failed', () => {
    for (const job of Object.values(workflow.jobs)) {
      if (!job.steps.some((step) => String(step.run).includes('npm run e2e'))) continue;
      const uploads = job.steps.filter((step) => String(step.uses).startsWith('actions/upload-artifact@'));
      expect(uploads).toHaveLength(2);
      for (const upload of uploads) expect(upload.if).toBe('always()');
    }
  });

  test('puts no expression into a shell command', () => {
    for (const job of Object.values(workflow.jobs)) {
      for (const step of job.steps) expect(String(step.run ?? '')).not.toContain('${{');
    }
  });
});

test('one action has one commit in all workflows', () => {
  const pins = workflows.flatMap(([, text]) => text.match(/uses: \S+@\S+ # \S+/g) ?? []);
  const actions = new Set(pins.map((pin) => pin.split('@')[0]));
  expect(new Set(pins).size).toBe(actions.size);
});
