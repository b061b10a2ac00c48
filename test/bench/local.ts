/**
 * How long runs on the target local take, and where the time goes: `npm run bench:local -- [--assert] [--runs N]`.
 * Settings come from JWT_E2E_* variables and jwt-e2e.yaml, as for the product; the programs should be there already.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { withSignals } from '../../src/cli/support/signals.ts';
import { firstLine, jwtE2e, program, reportFiles, reports } from './command.ts';
import { judge, type Measure, median, table } from './result.ts';

const { values: options } = parseArgs({
  options: { assert: { type: 'boolean', default: false }, runs: { type: 'string', default: '3' } },
});
const runs = Number(options.runs);
const name = 'bench-local';
const parts = new Map<string, number[]>();

/** Adds what the report of the last run says about its parts. */
function note(total: number, kind: string): void {
  const result = JSON.parse(readFileSync(`${reports}/results.json`, 'utf8')) as {
    run: { durationMs: number };
    phases: { phase: string; durationMs: number }[];
    scenarios: { durationMs: number }[];
  };
  const add = (part: string, ms: number) => {
    const key = `${kind}: ${part}`;
    parts.set(key, [...(parts.get(key) ?? []), ms]);
  };
  add('program start and end', total - result.run.durationMs);
  for (const { phase, durationMs } of result.phases) add(phase.replace(/Istio .*/, 'the mesh'), durationMs);
  add(
    'scenarios',
    result.scenarios.reduce((sum, { durationMs }) => sum + durationMs, 0),
  );
}

/** From the save of a scenario file to the verdict, as the watching run tells it. */
async function measureWatch(signal: AbortSignal): Promise<number[]> {
  const folder = join(tmpdir(), `jwt-e2e-bench-${process.pid}`);
  mkdirSync(folder);
  const file = join(folder, 'require-jwt.yaml');
  const text = readFileSync('scenarios/documented/require-jwt.yaml', 'utf8');
  writeFileSync(file, text);
  const child = execa('node', [program, 'run', folder, '--watch', '--target', 'local', ...reportFiles], {
    reject: false,
    all: true,
    cancelSignal: signal,
    forceKillAfterDelay: 60_000,
  });
  const measured: number[] = [];
  try {
    let output = '';
    const seen = async (count: number) => {
      while (output.split(/\d+ checks? in \d+ scenarios?:/).length - 1 < count) {
        await new Promise((resolve) => child.all.once('data', resolve));
      }
    };
    child.all.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
    await seen(1);
    for (let time = 1; time <= runs; time++) {
      const saved = performance.now();
      writeFileSync(file, `${text}# ${time}\n`);
      await seen(time + 1);
      measured.push(performance.now() - saved);
    }
  } finally {
    child.kill('SIGINT');
    await child;
    rmSync(folder, { recursive: true, force: true });
  }
  return measured;
}

async function measureAll(signal: AbortSignal): Promise<Measure[]> {
  const cold: number[] = [];
  const kept: number[] = [];
  for (let time = 0; time < runs; time++) {
    const ms = await jwtE2e(['run', '--target', 'local', ...reportFiles], signal);
    note(ms, 'cold');
    cold.push(ms);
  }
  try {
    await jwtE2e(['up', '--target', 'local', '--name', name], signal);
    for (let time = 0; time < runs; time++) {
      const reuse = ['run', '--target', 'local', '--reuse', '--keep', '--name', name];
      const ms = await jwtE2e([...reuse, ...reportFiles], signal);
      note(ms, 'kept');
      kept.push(ms);
    }
  } finally {
    await jwtE2e(['down', '--target', 'local', '--name', name], AbortSignal.timeout(60_000));
  }
  const watch = await measureWatch(signal);
  return [
    { name: 'local', what: 'all documented scenarios, from nothing to nothing', ms: cold, targetMs: 20_000 },
    { name: 'local-kept', what: 'all documented scenarios on a mesh kept up', ms: kept, targetMs: 8_000 },
    firstLine(),
    { name: 'watch', what: 'from a saved scenario file to its verdict', ms: watch, targetMs: 2_000 },
  ];
}

process.exitCode = await withSignals(async (signal) => {
  const load = loadavg().map((each) => Number(each.toFixed(1)));
  mkdirSync(reports, { recursive: true });
  const measures = await measureAll(signal);
  const rows = judge(measures, []);
  console.log(
    `\n${cpus().length} CPUs, load ${load[0]} at the start\n${table(rows)}\n\nWhere the time goes, medians:`,
  );
  for (const [part, ms] of parts) console.log(`  ${(median(ms) / 1000).toFixed(1).padStart(5)} s  ${part}`);
  writeFileSync('reports/bench-local.json', `${JSON.stringify({ load, measures, rows }, undefined, 2)}\n`);
  return options.assert && rows.some(({ met }) => met === false) ? 1 : 0;
}, `What is left can be removed with "jwt-e2e down --target local --name ${name}".`);
