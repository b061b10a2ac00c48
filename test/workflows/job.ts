/** Runs one job of a workflow file here: its own commands in bash, with folders for artifacts. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Places, useAction } from './actions.ts';
import { type Context, fill, holds } from './expressions.ts';
import { runScript } from './shell.ts';
import { type Job, parseWorkflow, type Step, type Texts, type Workflow } from './workflow.ts';

export interface JobRequest extends Places {
  readonly workflow: string;
  readonly job: string;
  /** `inputs`, `matrix`, `needs` and `github`, as far as the job asks for them. */
  readonly context: Context;
  /** What the steps find in their environment besides what the workflow sets. */
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
}

export interface JobResult {
  readonly conclusion: 'success' | 'failure';
  readonly outputs: Texts;
  /** What the steps wrote for the page of the run. */
  readonly summary: string;
  /** By step, `success`, `failure` or `skipped`. */
  readonly outcomes: readonly string[];
}

/** @throws Error for a job that is not there or that uses what cannot be done here */
export async function runJob(request: JobRequest): Promise<JobResult> {
  const workflow = parseWorkflow(request.workflow);
  const job = workflow.jobs[request.job];
  if (job === undefined) {
    throw new Error(`there is no job ${request.job}; there are ${Object.keys(workflow.jobs).join(', ')}`);
  }
  const temporary = mkdtempSync(join(tmpdir(), 'jwt-e2e-job-'));
  try {
    return await runSteps(request, workflow, job, temporary);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

async function runSteps(
  request: JobRequest,
  workflow: Workflow,
  job: Job,
  temporary: string,
): Promise<JobResult> {
  mkdirSync(request.workspace, { recursive: true });
  const steps: Record<string, { outcome: string; outputs: Texts }> = {};
  const outcomes: string[] = [];
  const summary = join(temporary, 'summary.md');
  let status: 'success' | 'failure' = 'success';
  const filled = (texts: Texts | undefined, context: Context) =>
    Object.fromEntries(
      Object.entries(texts ?? {}).map(([name, text]) => [name, fill(String(text), context)]),
    );
  for (const [index, step] of job.steps.entries()) {
    const context = { ...request.context, steps, status };
    const files = { GITHUB_OUTPUT: join(temporary, `output-${index}`), GITHUB_STEP_SUMMARY: summary };
    const title = step.name ?? step.uses ?? step.run?.trim().split('\n')[0] ?? '';
    request.write(`\n--- ${request.job}: ${title}\n`);
    let outcome = 'skipped';
    if (holds(step.if, context)) {
      const env = {
        ...request.env,
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: request.workspace,
        ...filled(workflow.env, context),
        ...filled(job.env, context),
        ...filled(step.env, context),
        ...files,
      };
      outcome = (await runStep(request, workflow, step, context, env, join(temporary, `step-${index}.sh`)))
        ? 'success'
        : 'failure';
    } else request.write('skipped\n');
    outcomes.push(outcome);
    if (step.id !== undefined) steps[step.id] = { outcome, outputs: outputsIn(files.GITHUB_OUTPUT) };
    if (outcome === 'failure' && step['continue-on-error'] !== true) status = 'failure';
  }
  const outputs = filled(job.outputs, { ...request.context, steps });
  return {
    conclusion: status,
    outputs,
    outcomes,
    summary: existsSync(summary) ? readFileSync(summary, 'utf8') : '',
  };
}

async function runStep(
  request: JobRequest,
  workflow: Workflow,
  step: Step,
  context: Context,
  env: NodeJS.ProcessEnv,
  file: string,
): Promise<boolean> {
  if (step.run === undefined) {
    const inputs = Object.entries(step.with ?? {}).map(([name, value]) => [
      name,
      fill(String(value), context),
    ]);
    try {
      request.write(`${useAction(step.uses ?? '', Object.fromEntries(inputs), request)}\n`);
      return true;
    } catch (error) {
      request.write(`${(error as Error).message}\n`);
      return false;
    }
  }
  writeFileSync(file, fill(step.run, context));
  const minutes = step['timeout-minutes'] ?? workflow.jobs[request.job]!['timeout-minutes'];
  return runScript({
    file,
    shell: step.shell ?? workflow.defaults?.run?.shell,
    cwd: request.workspace,
    env,
    timeoutMs: minutes * 60_000,
    signal: request.signal,
    write: request.write,
  });
}

/** `name=value` and `name<<END` lines, as steps write them to GITHUB_OUTPUT. */
function outputsIn(file: string): Texts {
  if (!existsSync(file)) return {};
  const text = readFileSync(file, 'utf8');
  const pattern = /^([^\s=<]+)(?:=(.*)|<<(\S+)\n([\s\S]*?)\n\3)$/gm;
  return Object.fromEntries(
    [...text.matchAll(pattern)].map(([, name, line, , lines]) => [name, line ?? lines ?? '']),
  );
}
