/**
 * `npm run bench -- --name CLUSTER`: how long the product takes, on a kept kind cluster with Istio.
 *
 *   --cold     also from nothing to a report, on a cluster that is created and deleted (minutes)
 *   --runs N   how often a run on the kept cluster is timed (default 3)
 *   --assert   exit with 1 when a target is missed
 *
 * Figures of one machine at one time: compare ratios of one run, not seconds of different machines.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { measureChecks } from './checks.ts';

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly met: boolean | undefined;
}

const bin = fileURLToPath(new URL('../../src/cli/bin.mjs', import.meta.url));
const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'jwt-e2e' },
    cold: { type: 'boolean', default: false },
    runs: { type: 'string', default: '3' },
    assert: { type: 'boolean', default: false },
  },
});

/** Wall time of one run of all documented scenarios, in seconds. Throws unless every check passed. */
async function timedRun(args: readonly string[]): Promise<number> {
  const started = performance.now();
  const reports = ['--junit', 'reports/bench/junit.xml', '--json', 'reports/bench/results.json'];
  await execa(process.execPath, [bin, 'run', '--quiet', ...args, ...reports], { stdio: 'inherit' });
  return (performance.now() - started) / 1000;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

const rows: Row[] = [];
const add = (what: string, value: number, limit: number, measured: string, target: string) =>
  rows.push({ what, measured, target, met: value <= limit });

if (values.cold) {
  const seconds = await timedRun(['--name', `${values.name}-cold`]);
  add('from nothing to a report', seconds, 150, `${seconds.toFixed(1)} s`, '150 s');
}
const runs: number[] = [];
for (let run = 0; run < Number(values.runs); run++) {
  runs.push(await timedRun(['--reuse', '--keep', '--name', values.name]));
}
const all = runs.map((seconds) => seconds.toFixed(1)).join(', ');
add('on a kept cluster', median(runs), 30, `${median(runs).toFixed(1)} s (${all})`, '30 s');

const state = process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state');
const checks = await measureChecks(join(state, 'istio-jwt-e2e', values.name, 'kubeconfig'));
if ('skipped' in checks) {
  rows.push({ what: 'a check from a pod', measured: checks.skipped, target: '1/5', met: undefined });
} else {
  const ratio = median(checks.check) / median(checks.line);
  const measured = `${median(checks.check).toFixed(0)} ms to ${median(checks.line).toFixed(0)} ms: 1/${(1 / ratio).toFixed(1)}`;
  add("a check from a pod, to the FAQ's kubectl line", ratio, 1 / 5, measured, '1/5');
}

for (const { what, measured, target, met } of rows) {
  const verdict = met === undefined ? 'not measured' : met ? 'met' : 'MISSED';
  process.stdout.write(`${what.padEnd(46)} ${measured.padEnd(34)} at most ${target.padEnd(6)} ${verdict}\n`);
}
mkdirSync('reports', { recursive: true });
writeFileSync('reports/bench.json', `${JSON.stringify(rows, undefined, 2)}\n`);
if (values.assert && rows.some(({ met }) => met === false)) process.exitCode = 1;
