import { defineConfig } from 'vitest/config';
import { scenarios } from '../../../src/vitest-plugin/plugin.ts';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'] } },
      { plugins: [scenarios({ files: 'my-scenarios', target: 'local' })], test: { name: 'scenarios' } },
    ],
  },
});
