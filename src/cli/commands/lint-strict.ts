/** `jwt-e2e lint --strict`: also compares what scenarios expect with what their policies say. */
import { exitCodes, HarnessError } from '../../errors.ts';
import { wholeOf } from '../../explain/scenario-text.ts';
import { loadScenarios } from '../../scenario/load.ts';
import type { Output } from '../io.ts';
import { count } from '../plural.ts';
import { predictAll } from '../predictions.ts';
import { lintCommand, renderAll } from './lint.ts';

/**
 * Checks scenario files, and then each expectation that can be compared without a mesh.
 *
 * @returns the exit code: that of lint, or 3 when an expectation is not what the policies say
 */
export async function strictLintCommand(
  paths: readonly string[],
  options: { readonly cwd: string },
  io: Output,
): Promise<number> {
  const { scenarios, errors: mistakes } = loadScenarios(paths, options);
  if (mistakes.length > 0) return lintCommand(paths, options, io);
  const all = await predictAll(scenarios);
  const errors = all
    .filter(({ agrees }) => agrees === false)
    .map((each) => {
      const [first = '', ...more] = wholeOf(each).split('\n');
      return new HarnessError('E_SCENARIO', first.slice(first.indexOf(': expected ') + 2), {
        place: each.check.place,
        hint: more.map((line) => line.trim()).join('; '),
      });
    });
  if (errors.length > 0) {
    io.stdout.write(renderAll(errors, options.cwd));
    return exitCodes.scenario;
  }
  const known = all.filter(({ agrees }) => agrees === true).length;
  io.stdout.write(
    `${count(known, 'expectation')} of ${all.length} compared with the policies, no contradiction\n`,
  );
  return exitCodes.passed;
}
