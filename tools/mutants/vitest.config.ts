/** The tests that decide about mutants; tools/mutants/main.mjs says which. */
import { defineConfig } from 'vitest/config';
import { warmPool } from './warm-pool.ts';

export default defineConfig({
  plugins: [
    {
      name: 'warm-pool',
      configureVitest({ project }) {
        // Stryker names a pool of its own, which no setting can change.
        Object.assign(project.config, { pool: warmPool.name, poolRunner: warmPool });
      },
    },
  ],
  test: {
    include: (process.env.MUTANTS_TESTS ?? '').split(' '),
    isolate: false,
    runner: './tools/mutants/warm-runner.ts',
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
