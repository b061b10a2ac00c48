import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { scenarios } from './src/vitest-plugin/plugin.ts';

/** Their temporary files are gone afterwards. */
const globalSetup = './test/support/temporary.ts';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is waited for comes at once, but for a machine that is busy with other tests.
    expect: { poll: { timeout: 20_000 } },
    pool: 'forks',
    // Many tests wait for something most of the time.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    setupFiles: ['./test/support/each-file.ts'],
    // What a test changes in its process.
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    // A golden file that is not there is a failure, not one to write: --update writes it.
    update: 'none',
    projects: [
      {
        // Files share processes, which halves the time: what a test changes in its process it puts back.
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], isolate: false, globalSetup },
      },
      {
        // What starts programs, shells and pseudo-terminals, stops and kills them, builds the package, or tries thousands
        // of cases: minutes.
        extends: true,
        test: { name: 'long', include: ['test/**/*.long.ts'], globalSetup },
      },
      {
        // Needs a real mesh; without one its tests are skipped, with the reason.
        extends: true,
        test: {
          name: 'mesh',
          include: ['test/e2e/**/*.e2e.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // They share a cluster.
          fileParallelism: false,
        },
      },
      {
        // Needs a Chromium; without one its tests are skipped, with the reason.
        extends: true,
        test: { name: 'browser', include: ['test/browser/**/*.browser.ts'] },
      },
      {
        // The documented scenarios, each a test file. Settings come from JWT_E2E_* and jwt-e2e.yaml, as anywhere else.
        plugins: [scenarios()],
        test: { name: 'scenarios' },
      },
    ],
  },
});
