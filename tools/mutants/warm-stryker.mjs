/**
 * Stryker's runner for Vitest in a thread that stays. It believes a test that fails only when the same test passes without
 * the mutant: an earlier mutant can have left something behind.
 */
import { commonTokens, declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { strykerPlugins as ofVitest } from '@stryker-mutator/vitest-runner';

/** @param {import('@stryker-mutator/api/plugin').Injector<import('@stryker-mutator/api/plugin').PluginContext>} injector */
function createRunner(injector) {
  const [vitest] = ofVitest;
  if (vitest === undefined) throw new Error('The plugin for Vitest has changed');
  const runner = injector.injectFunction(vitest.factory);
  const run = runner.mutantRun.bind(runner);
  runner.mutantRun = async (options) => {
    const result = await run(options);
    if (result.status !== 'killed' && result.status !== 'error') return result;
    const { hitLimit, ...rest } = options;
    const without = { ...rest, activeMutant: { ...rest.activeMutant, id: 'none' } };
    const testFilter = 'killedBy' in result ? result.killedBy : options.testFilter;
    const again = await run({ ...without, ...(testFilter && { testFilter }) });
    if (again.status === 'survived') return result;
    await Reflect.get(globalThis, Symbol.for('renew the thread of mutants'))();
    return run(options);
  };
  return runner;
}
createRunner.inject = /** @type {[typeof commonTokens.injector]} */ ([commonTokens.injector]);

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'warm', createRunner)];
