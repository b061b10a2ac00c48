/** `jwt-e2e lint --strict`: also compares what scenarios expect with what their policies say, and doubts the policies. */

import { exitCodes, formatPlace, HarnessError, type Place } from '../../base/errors.ts';
import { oneLine } from '../../base/harmless.ts';
import { wholeOf } from '../../explain/scenario-text.ts';
import { doubtsAbout, doubtText } from '../../policy/doubts/doubts.ts';
import { shutIn, shutText } from '../../policy/gateway-ports.ts';
import { nameOf, policyKinds, whyIdle } from '../../policy/selection.ts';
import { shapeTexts } from '../../policy/shape/object-shape.ts';
import { plural } from '../../report/text.ts';
import {
  type ModelStep,
  modelSteps,
  type Predicted,
  predictedOf,
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
    `${plural(known, 'expectation')} of ${all.length} compared with the policies, no contradiction\n`,
  );
  return exitCodes.passed;
}

/** Policies and Gateways of a scenario that are probably mistaken, with where they stand. */
interface PlacedDoubt {
  readonly place: Place;
  /** A whole sentence that names it. */
  readonly text: string;
}

/** @param seen what was said of earlier steps, which is not said again; what is found is added */
function doubtsOfStep({ applied, refused }: ModelStep, survey: Survey, seen: Set<string>): PlacedDoubt[] {
  const placeOf = new Map(applied.map(({ object, place }) => [object, place]));
  const idle = applied
    .filter(({ object, step }) => policyKinds.includes(object.kind) && !step.selectsNothing)
    .flatMap(({ object, place }) => {
      const why = whyIdle(object, survey);
      return why === undefined ? [] : [{ place, text: `${nameOf(object)} holds for nobody: ${why}` }];
    });
  const malformed = [...refused, ...applied].flatMap(({ object, place }) =>
    shapeTexts(object).map((text) => ({ place, text })),
  );
  const doubts = doubtsAbout(survey).flatMap((doubt) => {
    const place = placeOf.get(doubt.policy);
    return place === undefined ? [] : [{ place, text: doubtText(doubt) }];
  });
  const shut = applied.flatMap(({ object, place, step }) => {
    const isMeant = object.kind !== 'Gateway' || step.selectsNothing;
    const found = isMeant ? undefined : shutIn(object, survey);
    return found === undefined ? [] : [{ place, text: shutText(found) }];
  });
  return [...malformed, ...idle, ...doubts, ...shut].filter(({ place, text }) => {
    const key = `${formatPlace(place)} ${text}`;
    return !seen.has(key) && seen.add(key);
  });
}
