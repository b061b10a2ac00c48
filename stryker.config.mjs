/** Mutation tests; tools/mutants/main.mjs says which files and with which tests. */
export default {
  vitest: { configFile: 'tools/mutants/vitest.config.ts', related: false },
  coverageAnalysis: 'perTest',
  // What is evaluated once, when a file is loaded, would need all tests for each change.
  ignoreStatic: true,
  incremental: true,
  // An endless loop is told by its count; on a machine that is busy a short time would tell lies.
  timeoutMS: 60_000,
  tempDirName: 'reports/mutants/tmp',
  cleanTempDir: 'always',
  // Stryker reads it by an API that TypeScript 7 does not have.
  tsconfigFile: 'none',
  reporters: ['progress-append-only', 'clear-text', 'json', 'html'],
  clearTextReporter: { logTests: false, reportTests: false },
  thresholds: { high: 95, low: 90, break: 90 },
};
