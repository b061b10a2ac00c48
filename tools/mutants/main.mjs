/**
 * Changes the sources in small ways, one at a time, and tells which changes no test notices:
 *
 *   node tools/mutants/main.mjs [--tests FILE]... [--concurrency NUMBER] [--force] [FOLDER | FILE]...
 *
 * The tests are those of the same folder, or of the files of the same names, below test/, unless --tests names others.
 * What has not changed since the last time is not tried again, unless there is --force.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';

/** What is wanted when nothing is said; CONTRIBUTING.md says how they fare. */
const usual = ['src/run', 'src/plan', 'src/token', 'src/target/kubernetes', 'src/report/junit'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', multiple: true },
    concurrency: { type: 'string', default: String(availableParallelism()) },
    force: { type: 'boolean', default: false },
  },
});
for (const path of positionals.length > 0 ? positionals : usual) await mutate(path.replace(/\/$/, ''));

/**
 * Sets the exit code when too many are not noticed.
 *
 * @param {string} path a folder, or a file or pattern of files
 */
async function mutate(path) {
  const isFiles = path.endsWith('.ts');
  const mirrored = path.replace(/^src/, 'test');
  const tests = values.tests ?? [isFiles ? mirrored.replace(/ts$/, 'test.ts') : `${mirrored}/**/*.test.ts`];
  // Read by tools/mutants/vitest.config.ts, in the processes that Stryker starts.
  process.env.MUTANTS_TESTS = tests.join(' ');
  const report = `reports/mutants/${path.replace(/[^\w]+/g, '-')}`;
  await new Stryker({
    testRunner: 'warm',
    plugins: ['./tools/mutants/warm-stryker.mjs'],
    mutate: [isFiles ? path : `${path}/**/*.ts`],
    concurrency: Number(values.concurrency),
    force: values.force,
    incrementalFile: `${report}.incremental.json`,
    jsonReporter: { fileName: `${report}.json` },
    htmlReporter: { fileName: `${report}.html` },
  }).runMutationTest();
}
