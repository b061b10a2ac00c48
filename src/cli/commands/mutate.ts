/** `jwt-e2e mutate`: which mistakes in their policies the checks of scenarios would notice, without a mesh. */
import { exitCodes } from '../../base/errors.ts';
import { pathsOf } from '../../engine/product.ts';
import { judgeScenario, type ScenarioScore } from '../../mutate/judge.ts';
import { percentOf, scenarioText, scoresJson, tallyOf, totalText } from '../../mutate/scores.ts';
import { loadScenarios } from '../../scenario/load.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import { redact, withoutSignatures } from '../../token/decode.ts';
import { forEachPlanned } from '../models/predictions.ts';
import type { Io } from '../support/io.ts';
import { exitCodeOf, renderAll } from './lint.ts';

/**
 * Prints a score for each scenario, what no check notices, and the request that would.
 *
 * @returns 0; 3 for files with mistakes, and for a score below --min-score
 * @throws HarnessError E_TEMPLATE and E_TOKEN, as a run does
 */
export async function mutateCommand(files: readonly string[], values: Values, io: Io): Promise<number> {
  const { scenarios, errors } = loadScenarios(pathsOf(files, text(values, 'profile')), { cwd: io.cwd });
  if (errors.length > 0) {
    io.stdout.write(renderAll(errors, io.cwd));
    return exitCodeOf(errors);
  }
  const scores: ScenarioScore[] = [];
  await forEachPlanned(scenarios, undefined, async (scenario, options) => {
    scores.push(await judgeScenario(scenario, options));
  });
  io.stdout.write(
    flag(values, 'json')
      ? `${JSON.stringify(withoutSignatures(scoresJson(scores)), null, 2)}\n`
      : redact(`${scores.map(scenarioText).join('\n')}\n\n${totalText(scores)}\n`),
  );
  const wanted = Number(text(values, 'min-score') ?? 0);
  return percentOf(tallyOf(scores.flatMap(({ mutants }) => mutants))) < wanted
    ? exitCodes.scenario
    : exitCodes.passed;
}
