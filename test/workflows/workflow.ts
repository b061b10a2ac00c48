/** What the tests know of workflow files. */
import { parse } from 'yaml';
import { type Context, evaluate } from './expressions.ts';

export type Texts = Readonly<Record<string, string>>;

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly if?: unknown;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Texts;
  readonly 'continue-on-error'?: boolean;
  readonly 'timeout-minutes'?: number;
}

export interface Job {
  readonly if?: unknown;
  readonly permissions?: Texts;
  readonly env?: Texts;
  readonly outputs?: Texts;
  readonly strategy?: { readonly 'fail-fast'?: boolean; readonly matrix?: { readonly include?: string } };
  readonly steps: readonly Step[];
  readonly 'timeout-minutes': number;
}

export interface Workflow {
  readonly permissions: Texts;
  readonly concurrency: unknown;
  readonly env?: Texts;
  readonly defaults?: { readonly run?: { readonly shell?: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

export function parseWorkflow(text: string): Workflow {
  return parse(text) as Workflow;
}

/** The entries of a job's matrix. */
export function matrixOf(job: Job, context: Context): Record<string, unknown>[] {
  const include = /^\$\{\{(.*)\}\}$/s.exec(job.strategy?.matrix?.include ?? '')?.[1];
  return include === undefined ? [] : (evaluate(include.trim(), context) as Record<string, unknown>[]);
}
