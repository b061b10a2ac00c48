/**
 * Stryker's runner for Vitest in a thread that stays. It believes a test that fails only when the same test passes without
 * the mutant: an earlier mutant can have left something behind. And it believes that a mutant has survived only when all its
 * tests have run: a file of tests that cannot be loaded has none, and Stryker does not ask why.
 */
import { commonTokens, declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import { MutantRunStatus } from '@stryker-mutator/api/test-runner';
import { strykerPlugins as ofVitest } from '@stryker-mutator/vitest-runner';

/** @param {import('@stryker-mutator/api/plugin').Injector<import('@stryker-mutator/api/plugin').PluginContext>} injector */
function createRunner(injector) {
  const [vitest] = ofVitest;
  if (vitest === undefined) throw new Error('The plugin for Vitest has changed');
  const runner = injector.injectFunction(vitest.factory);
  const run = runner.mutantRun.bind(runner);
  runner.mutantRun = async (options) => {
    const result = await run(options);
    if (hasSurvived(result, options)) return result;
    if (await passesWithout(result, options)) return noticed(result);
    await Reflect.get(globalThis, Symbol.for('renew the thread of mutants'))();
    const second = await run(options);
    if (second.status !== 'survived' || hasSurvived(second, options)) return second;
    return (await passesWithout(second, options)) ? noticed(second) : second;
  };

  /**
   * @param {import('@stryker-mutator/api/test-runner').MutantRunResult} result
   * @param {import('@stryker-mutator/api/test-runner').MutantRunOptions} options
   */
  async function passesWithout(result, options) {
    if (result.status === 'timeout') return true;
    const { hitLimit, ...rest } = options;
    const killedBy = 'killedBy' in result ? result.killedBy : undefined;
    const testFilter = killedBy ?? options.testFilter;
    const without = {
      ...rest,
      activeMutant: { ...rest.activeMutant, id: 'none' },
      ...(testFilter && { testFilter }),
    };
    return hasSurvived(await run(without), without);
  }
  return runner;
}
/**
 * @param {import('@stryker-mutator/api/test-runner').MutantRunResult} result
 * @param {import('@stryker-mutator/api/test-runner').MutantRunOptions} options
 */
function hasSurvived(result, { testFilter = [] }) {
  return result.status === 'survived' && result.nrOfTests >= testFilter.length;
}

/**
 * @param {import('@stryker-mutator/api/test-runner').MutantRunResult} result
 * @returns {import('@stryker-mutator/api/test-runner').MutantRunResult}
 */
function noticed(result) {
  if (result.status !== 'survived') return result;
  return {
    ...result,
    status: MutantRunStatus.Killed,
    killedBy: [],
    failureMessage: 'tests cannot be loaded',
  };
}

createRunner.inject = /** @type {[typeof commonTokens.injector]} */ ([commonTokens.injector]);

export const strykerPlugins = [declareFactoryPlugin(PluginKind.TestRunner, 'warm', createRunner)];
