/**
 * How long runs take, and what a check costs: `npm run bench -- [--cold] [--assert] [--runs N] [--times N]`.
 *
 * Settings come from JWT_E2E_* variables and jwt-e2e.yaml, as for the product. Uses the kept cluster that --name or
 * JWT_E2E_NAME names; makes one, and deletes it at the end, when there is none.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { withSignals } from '../../src/cli/support/signals.ts';
import { versionsFile } from '../../src/engine/product.ts';
import { makeKind } from '../../src/engine/targets/make-kind.ts';
import { inPath } from '../../src/programs/lookup.ts';
import { loadVersions } from '../../src/programs/versions.ts';
import { mergeSettings } from '../../src/settings/settings.ts';
import { meshName, text } from '../../src/settings/typed.ts';
import { KindCluster } from '../../src/target/kind/kind-cluster.ts';
import { type CheckCost, measureChecks } from './check-cost.ts';
import { explanation, firstLine, jwtE2e, reportFiles, reports } from './command.ts';
import { type Comparison, judge, type Measure, table } from './result.ts';

const { values: options } = parseArgs({
  options: {
    cold: { type: 'boolean', default: false },
    assert: { type: 'boolean', default: false },
    name: { type: 'string' },
    runs: { type: 'string', default: '3' },
    times: { type: 'string', default: '10' },
  },
});
const settings = mergeSettings(options.name === undefined ? {} : { name: options.name }, process.env);
const name = meshName(settings);

function run(...more: string[]): string[] {
  return ['run', '--target', 'kind', ...more, ...reportFiles];
}

/** On a cluster that is there; @returns undefined with the reason when it cannot be measured */
async function measureCost(signal: AbortSignal): Promise<CheckCost | string> {
  if (inPath('kubectl', process.env.PATH) === undefined) return 'kubectl is not in PATH';
  const target = await makeKind(
    {
      values: { ...settings, name, reuse: true },
      versions: loadVersions(versionsFile),
      runId: randomBytes(3).toString('hex'),
      apps: ['httpbin', 'sleep'],
      progress: () => {},
      signal,
    },
    'bench',
  );
  try {
    await target.up(signal);
    return await measureChecks(
      target,
      new KindCluster('kind', name).kubeconfig,
      Number(options.times),
      signal,
    );
  } finally {
    await target.down(AbortSignal.timeout(60_000));
  }
}

async function measureAll(signal: AbortSignal): Promise<Measure[]> {
  const explained = await explanation(Number(options.times), signal);
  const cold: number[] = [];
  const kept: number[] = [];
  if (options.cold) cold.push(await jwtE2e(run('--name', `${name}-cold`), signal));
  const clusters = await execa(text(settings, 'kind') ?? 'kind', ['get', 'clusters', '-q']);
  const mine = !clusters.stdout.split('\n').includes(name);
  let cost: CheckCost | string;
  try {
    if (mine) await jwtE2e(['up', '--name', name], signal);
    for (let time = 0; time < Number(options.runs); time++) {
      kept.push(await jwtE2e(run('--reuse', '--name', name), signal));
    }
    cost = await measureCost(signal);
  } finally {
    if (mine) await jwtE2e(['down', '--name', name], AbortSignal.timeout(180_000));
  }
  const skipped = typeof cost === 'string' ? cost : undefined;
  const { check, request, faqLine } =
    typeof cost === 'string' ? { check: [], request: [], faqLine: [] } : cost;
  return [
    {
      name: 'cold',
      what: 'from nothing to a report of all documented scenarios, cluster deleted',
      ms: cold,
      targetMs: 150_000,
      skipped: options.cold ? undefined : 'takes minutes, ask for it with --cold',
    },
    { name: 'kept', what: 'all documented scenarios with run --reuse', ms: kept, targetMs: 30_000 },
    firstLine(),
    explained,
    {
      name: 'check',
      what: 'a check from the sleep pod as the runner does it: 5 requests',
      ms: check,
      skipped,
    },
    { name: 'request', what: 'one request of those', ms: request, skipped },
    { name: 'faq-line', what: 'the kubectl exec ... curl line of the FAQ: 1 request', ms: faqLine, skipped },
  ];
}

const comparisons: Comparison[] = [{ name: 'ratio', of: 'check', to: 'faq-line', target: 1 / 5 }];

process.exitCode = await withSignals(async (signal) => {
  const load = loadavg().map((each) => Number(each.toFixed(1)));
  const measures = await measureAll(signal);
  const rows = judge(measures, comparisons);
  console.log(`\n${cpus().length} CPUs, load ${load[0]} at the start\n${table(rows)}`);
  const { run: about, meshes } = JSON.parse(readFileSync(`${reports}/results.json`, 'utf8'));
  mkdirSync('reports', { recursive: true });
  const result = { at: new Date().toISOString(), version: about.version, meshes, cpus: cpus().length, load };
  writeFileSync('reports/bench.json', `${JSON.stringify({ ...result, measures, rows }, undefined, 2)}\n`);
  return options.assert && rows.some(({ met }) => met === false) ? 1 : 0;
}, `What is left can be removed with "jwt-e2e down --name ${name}".`);
