/** `jwt-e2e diff`: what changed from one run to another. */
import { exitCodes, HarnessError } from '../../base/errors.ts';
import { harmlessJson, oneLine } from '../../base/harmless.ts';
import { type Changes, changesBetween } from '../../report/changes/changes.ts';
import { readVerdicts, whyNoVerdict } from '../../report/changes/changes-read.ts';
import { changeLines } from '../../report/changes/changes-text.ts';
import type { MeshVerdicts } from '../../report/conformance/conformance-verdicts.ts';
import { colorsOf, describeTerminal } from '../../report/console/terminal.ts';
import type { Values } from '../../settings/settings.ts';
import { flag } from '../../settings/typed.ts';
import type { Io } from '../support/io.ts';

/**
 * Compares two reports and writes what changed.
 *
 * @param files the older and the newer report; `FILE#MESH` names one of several meshes
 * @returns 0, 1 when something got worse, 4 when one of them has no verdict, as a whole or about a check
 * @throws HarnessError E_USAGE when there are not two, or one cannot be used
 */
export async function diffCommand(files: readonly string[], values: Values, io: Io): Promise<number> {
  const [older, newer, ...more] = files;
  if (older === undefined || newer === undefined || more.length > 0) {
    throw new HarnessError('E_USAGE', `diff compares two reports, not ${files.length}`, {
      hint: 'Name the older one and the newer one: jwt-e2e diff OLD NEW. To see several side by side use "jwt-e2e report".',
    });
  }
  const [before, after] = [readVerdicts(older, io.cwd), readVerdicts(newer, io.cwd)];
  const reasons = [
    [older, whyNoVerdict(before)],
    [newer, whyNoVerdict(after)],
  ].filter(([, why]) => why !== undefined);
  if (reasons.length > 0) {
    io.stderr.write(reasons.map(([file, why]) => `${oneLine(`${file} has no verdict: ${why}`)}\n`).join(''));
    io.stderr.write('  Nothing was compared. Run it again, or compare other reports.\n');
    return exitCodes.noVerdict;
  }
  const changes = changesBetween(before, after);
  if (flag(values, 'json')) {
    io.stdout.write(`${harmlessJson(asJson(before, after, changes), 2)}\n`);
  } else {
    const { color } = describeTerminal(process.stdout, io.env);
    io.stdout.write(`${changeLines(before, after, changes, colorsOf(color)).join('\n')}\n`);
  }
  if (changes.hasRegression) return exitCodes.failed;
  return changes.undecided > 0 ? exitCodes.noVerdict : exitCodes.passed;
}

function asJson(before: MeshVerdicts, after: MeshVerdicts, changes: Changes) {
  const side = ({ mesh, facts, date, toolVersion }: MeshVerdicts) => ({ mesh, ...facts, date, toolVersion });
  const { hasRegression, undecided, compared, same, findings } = changes;
  return {
    old: side(before),
    new: side(after),
    regression: hasRegression,
    undecided,
    compared,
    same,
    changes: changes.changes.map(({ kind, check, before: old, after: now }) => ({
      kind,
      check,
      old: old && { state: old.state, answer: old.answer },
      new: now && { state: now.state, answer: now.answer, expected: now.expected, reason: now.reason },
    })),
    findings,
  };
}
