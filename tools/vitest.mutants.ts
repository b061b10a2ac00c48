/** The tests that decide about mutants; tools/mutants.mjs says which. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: (process.env.MUTANTS_TESTS ?? '').split(' '),
    // Files are loaded once for all tests of a mutant, which is what takes the time.
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
