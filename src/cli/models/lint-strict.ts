/** `jwt-e2e lint --strict`: also compares what scenarios expect with what their policies say, and doubts the policies. */

import { exitCodes, formatPlace, HarnessError } from '../../base/errors.ts';
import { oneLine } from '../../base/harmless.ts';
import { wholeOf } from '../../explain/scenario-text.ts';
import { doubtsAbout, doubtText } from '../../policy/doubts/doubts.ts';
import { shutIn, shutText } from '../../policy/gateway-ports.ts';
import { plural } from '../../report/text.ts';
import {
  idleRemarks,
  type ModelStep,
  modelSteps,
  type Predicted,
  predictedOf,
  type Remark,
  remarkText,
  shapeRemarks,
  surveyOf,
} from '../../run/explain/predict.ts';
import { loadScenarios } from '../../scenario/load.ts';
import type { Survey } from '../../target/target.ts';
import { lintCommand, renderAll } from '../commands/lint.ts';
import type { Output } from '../support/io.ts';
import { forEachPlanned } from './predictions.ts';

/**
 * Checks scenario files, and then each expectation that can be compared without a mesh. Policies that can hardly be meant as
 * they are, and Gateways that let no request in, raise warnings, which leave the exit code as it is.
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
  const doubts: Remark[] = [];
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
    `${plural(known, 'expectation')} of ${all.length} compared with the policies, no contradiction\n`,
  );
  return exitCodes.passed;
}

/**
 * Policies and Gateways of a scenario that are probably mistaken.
 *
 * @param seen what was said of earlier steps, which is not said again; what is found is added
 */
function doubtsOfStep(model: ModelStep, survey: Survey, seen: Set<string>): Remark[] {
  const { applied, refused } = model;
  const placeOf = new Map(applied.map(({ object, place }) => [object, place]));
  const malformed = shapeRemarks([...refused, ...applied]);
  const idle = idleRemarks(model, survey);
  const doubts = doubtsAbout(survey).flatMap((doubt) => {
    const place = placeOf.get(doubt.policy);
    return place === undefined ? [] : [{ place, text: doubtText(doubt) }];
  });
  const shut = applied.flatMap(({ object, place, step }) => {
    const isMeant = object.kind !== 'Gateway' || step.selectsNothing;
    const found = isMeant ? undefined : shutIn(object, survey);
    return found === undefined ? [] : [{ place, text: shutText(found) }];
  });
  return [...malformed, ...idle, ...doubts, ...shut].filter((remark) => {
    const key = remarkText(remark);
    return !seen.has(key) && seen.add(key);
  });
}
