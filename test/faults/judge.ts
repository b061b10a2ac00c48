/** What is wrong with how a run has ended, given what had to come of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseResults } from '../../src/report/read.ts';
import type { RunResult } from '../../src/report/result.ts';
import { casesOf } from '../e2e/faults/junit.ts';
import { validateJUnit } from '../report/validate.ts';
import type { Expected } from './cell.ts';
import { type Place, reportNames } from './place.ts';
import type { Ending } from './running.ts';

export async function wrongWith(
  { exit, output }: Ending,
  expected: Expected,
  place: Place,
): Promise<string[]> {
  const wrong: string[] = [];
  if (!expected.codes.some((code) => code === exit)) {
    wrong.push(`it ended with ${exit}, not ${expected.codes.join(' or ')}`);
  }
  if (expected.says !== undefined && !expected.says.test(output))
    wrong.push(`it does not say ${expected.says}`);
  if (/This is a mistake in jwt-e2e itself|E_INTERNAL/.test(output))
    wrong.push('it takes it for a mistake of its own');
  return [...wrong, ...(await wrongReports(expected, place))];
}

async function wrongReports(expected: Expected, place: Place): Promise<string[]> {
  const wrong: string[] = [];
  const read = (name: string) => {
    const file = join(place.out, name);
    if (existsSync(file)) return readFileSync(file, 'utf8');
    if (expected.reports !== 'valid when there') wrong.push(`there is no ${name}`);
    return undefined;
  };
  const xml = read(reportNames.junit);
  if (xml !== undefined) {
    try {
      wrong.push(...(await validateJUnit(xml)).map((problem) => `JUnit: ${problem}`));
      // No mesh can pass all of it, so that a green report would be a lie.
      if (casesOf(xml).every(({ outcome }) => outcome === 'passed' || outcome === 'skipped')) {
        wrong.push('JUnit is green');
      }
    } catch (thrown) {
      wrong.push(`JUnit: ${(thrown as Error).message}`);
    }
  }
  const json = read(reportNames.json);
  if (json !== undefined) {
    try {
      const { cutOff = false } = expected;
      wrong.push(
        ...wrongVerdicts(
          parseResults(json, reportNames.json, { unfinished: cutOff }),
          expected,
          place.failing,
        ),
      );
    } catch (thrown) {
      wrong.push(`JSON: ${(thrown as Error).message}`);
    }
  }
  return wrong;
}

/** One check of all must fail. What has no verdict is right: a fault of ours says nothing about the mesh. */
function wrongVerdicts(
  { scenarios, counts, exitCode }: RunResult,
  { whole = false }: Expected,
  failing: string,
): string[] {
  const checks = scenarios.flatMap((scenario) => scenario.checks);
  const wrong = checks.flatMap(({ id, state }) => {
    const truth = id === failing ? 'failed' : 'passed';
    const isVerdict = state === 'failed' || state === 'passed';
    if (isVerdict && state !== truth) return [`${id} has the verdict ${state}, and not ${truth}`];
    return whole && !isVerdict ? [`${id} has no verdict`] : [];
  });
  if (whole && !checks.some(({ id }) => id === failing)) wrong.push(`${failing} has no verdict`);
  if (whole && counts.notRun > 0) wrong.push(`${counts.notRun} checks have no verdict`);
  if (exitCode === 0) wrong.push('JSON says that all has passed');
  if (exitCode === 1 && counts.failed === 0) wrong.push('it ended with 1, and no check has failed');
  return wrong;
}

/** The first line that names an error, as the terminal shows it. */
export function messageOf(output: string): string | undefined {
  const lines = output.split('\n').map((line) => line.trim());
  return (
    lines.find((line) => /\bE_[A-Z]+\b|^(error|warning)\b|SIG[A-Z]+\b/.test(line)) ??
    lines.find((line) => line.startsWith('✗'))
  )?.slice(0, 160);
}
