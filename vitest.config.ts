import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'] } },
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
    ],
  },
});
