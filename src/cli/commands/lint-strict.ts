/** `jwt-e2e lint --strict`: also compares what scenarios expect with what their policies say, and doubts the policies. */
import { exitCodes, formatPlace, HarnessError } from '../../errors.ts';
import { wholeOf } from '../../explain/scenario-text.ts';
import { oneLine } from '../../harmless.ts';
import { doubtsOfStep, type PlacedDoubt } from '../../run/doubtful.ts';
import { modelSteps, type Predicted, predictedOf, surveyOf } from '../../run/predict.ts';
import { loadScenarios } from '../../scenario/load.ts';
import type { Output } from '../io.ts';
import { count } from '../plural.ts';
import { forEachPlanned } from '../predictions.ts';
import { lintCommand, renderAll } from './lint.ts';

/**
 * Checks scenario files, and then each expectation that can be compared without a mesh. Policies that can hardly be meant as
 * they are raise warnings, which leave the exit code as it is.
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
  const all: Predicted[] = [];
  const doubts: PlacedDoubt[] = [];
  const seen = new Set<string>();
  await forEachPlanned(scenarios, undefined, async (scenario, given) => {
    for (const step of await modelSteps(scenario, given)) {
      const survey = surveyOf(step, given.world);
      all.push(...predictedOf(step, survey));
      doubts.push(...doubtsOfStep(step, survey, seen));
    }
  });
  for (const { place, text } of doubts)
    io.stdout.write(`${oneLine(`${formatPlace(place)}: warning: ${text}`)}\n`);
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
