/**
 * Runs jobs of a workflow one after the other in a folder that keeps what they leave for each other:
 *
 *   node --import ./tools/typescript.mjs test/workflows/run-job.ts .github/workflows/nightly.yml versions --folder /tmp/x --set inputs.istio=1.31.1
 *   node --import ./tools/typescript.mjs test/workflows/run-job.ts .github/workflows/nightly.yml e2e --folder /tmp/x --entry 0
 *
 * Ends with 0 when the job succeeded, with 1 when it failed.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Context, holds } from './expressions.ts';
import { type JobResult, runJob } from './job.ts';
import { matrixOf, parseWorkflow } from './workflow.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    folder: { type: 'string' },
    entry: { type: 'string', default: '0' },
    set: { type: 'string', multiple: true, default: [] },
  },
});
const [file, job = ''] = positionals;
if (file === undefined || values.folder === undefined) throw new Error('give a workflow, a job and --folder');

const folder = resolve(values.folder);
const state = join(folder, 'needs.json');
const workflow = readFileSync(file, 'utf8');
const needs = existsSync(state) ? (JSON.parse(readFileSync(state, 'utf8')) as Record<string, unknown>) : {};
const context: Record<string, Record<string, unknown>> = {
  needs,
  inputs: {},
  github: { event_name: 'schedule', event: { repository: { fork: false } } },
};
const entries = matrixOf(parseWorkflow(workflow).jobs[job] ?? { steps: [], 'timeout-minutes': 0 }, context);
context.matrix = entries[Number(values.entry)] ?? {};
for (const each of values.set) {
  const [, path = '', value = ''] = /^([^=]+)=(.*)$/s.exec(each) ?? [];
  const [kind = '', name = ''] = path.split('.');
  context[kind] = { ...context[kind], [name]: /^(true|false)$/.test(value) ? value === 'true' : value };
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort(name));
const workspace = join(folder, 'work', job);
rmSync(workspace, { recursive: true, force: true });
const result = await run();
mkdirSync(folder, { recursive: true });
writeFileSync(
  state,
  JSON.stringify({ ...needs, [job]: { result: result.conclusion, outputs: result.outputs } }),
);
writeFileSync(join(folder, `${job}-summary.md`), result.summary);
console.log(`\n${job}: ${result.conclusion}`);
process.exitCode = result.conclusion === 'success' ? 0 : 1;

function run(): Promise<JobResult> {
  const condition = parseWorkflow(workflow).jobs[job]?.if;
  if (!holds(condition, context as Context))
    throw new Error(`the job ${job} would not run: if: ${condition}`);
  return runJob({
    workflow,
    job,
    context,
    source: process.cwd(),
    workspace,
    artifacts: join(folder, 'artifacts'),
    // Variables of a real run on GitHub must not decide anything.
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(GITHUB|RUNNER|ACTIONS)_/.test(name)),
    ),
    signal: controller.signal,
    write: (text) => process.stdout.write(text),
  });
}
