/** `jwt-e2e explain FILE`: what the policies of scenarios say about their checks. */

import { exitCodes, HarnessError } from '../../base/errors.ts';
import { oneLine } from '../../base/harmless.ts';
import { lineOf, wholeOf } from '../../explain/scenario-text.ts';
import { plural } from '../../report/text.ts';
import { type Predicted, remarkText, shapeRemarks } from '../../run/explain/predict.ts';
import { loadScenarios } from '../../scenario/load.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import { redact, withoutSignatures } from '../../token/decode.ts';
import { exitCodeOf, renderAll } from '../commands/lint.ts';
import type { Io } from '../support/io.ts';
import { predictAll } from './predictions.ts';

/**
 * Prints a line for each check, and about a single one every policy on its way.
 *
 * @returns 0, or 3 for files with mistakes
 * @throws HarnessError E_USAGE when no check is chosen
 */
export async function explainScenarios(files: readonly string[], values: Values, io: Io): Promise<number> {
  const { scenarios, errors } = loadScenarios(files, { cwd: io.cwd });
  if (errors.length > 0) {
    io.stdout.write(renderAll(errors, io.cwd));
    return exitCodeOf(errors);
  }
  const all = await predictAll(scenarios, text(values, 'grep'));
  if (all.length === 0) {
    throw new HarnessError('E_USAGE', 'no request of these scenarios is chosen', {
      hint: '"jwt-e2e list" shows the names of checks; --grep takes a part of one.',
    });
  }
  const told = all.length === 1 ? all.map(wholeOf) : all.map(lineOf);
  const wrong = all.filter(({ agrees }) => agrees === false).length;
  const unknown = all.filter(({ agrees }) => agrees === undefined).length;
  const rest = `${plural(all.length, 'request')}: ${wrong} expected otherwise than the policies say, ${unknown} not known`;
  const leftOut = all.flatMap(({ refused }) => shapeRemarks(refused).map(remarkText));
  for (const each of new Set(leftOut)) io.stderr.write(`${oneLine(each)}\n`);
  io.stdout.write(
    flag(values, 'json')
      ? `${JSON.stringify(withoutSignatures(all.map(jsonOf)), null, 2)}\n`
      : redact(`${told.join('\n')}\n\n${rest}\n`),
  );
  return exitCodes.passed;
}

function jsonOf({ check, expected, hops, agrees }: Predicted): object {
  const shown = hops.map(({ pod: { namespace, name }, answer, notes }) => ({
    pod: `${namespace}/${name}`,
    answer,
    notes,
  }));
  return { id: check.id, expected, agrees: agrees ?? null, hops: shown };
}
