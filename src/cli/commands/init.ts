/** `jwt-e2e init`: a first scenario out of the user's own policies. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { exitCodes, HarnessError } from '../../base/errors.ts';
import { oneLine } from '../../base/harmless.ts';
import { nameOfError } from '../../base/names.ts';
import { planFor } from '../../init/first-plan.ts';
import { type Judge, writeNoticing } from '../../init/noticing.ts';
import { type JudgedMutant, judgeScenario } from '../../mutate/judge.ts';
import { plural } from '../../report/text.ts';
import { knownApps } from '../../scenario/known-apps.ts';
import { parseScenario } from '../../scenario/load.ts';
import type { Values } from '../../settings/settings.ts';
import { flag, text } from '../../settings/typed.ts';
import { readPolicySource } from '../models/policy-source.ts';
import { forEachPlanned } from '../models/predictions.ts';
import type { Io } from '../support/io.ts';

const defaultOutput = 'my-scenarios/first.yaml';

/**
 * Reads policies and writes a scenario file; nothing of the cluster is changed.
 *
 * @returns 0
 * @throws HarnessError E_USAGE when it is not clear what to read, nothing is found, or the file is there already; what
 *   reading a cluster throws; E_INTERRUPTED
 */
export async function initCommand(values: Values, io: Io): Promise<number> {
  const output = text(values, 'output') ?? defaultOutput;
  const path = resolve(io.cwd, output);
  refuseToReplace(path, output, flag(values, 'force'));
  const { objects, where } = await readPolicySource('init', values, io);
  const plan = planFor(objects, text(values, 'namespace'), where);
  const written = await writeNoticing(plan, where, relative(io.cwd, path) || output, judgeText);
  mustBeRight(written.text, output);
  save(path, output, written.text, flag(values, 'force'));
  const lines = [
    `${output}: ${plural(written.checks, 'check')} for ${plural(written.policies, 'policy', 'policies')}`,
    ...(plan.leftOut.length === 0
      ? []
      : ['Left out:', ...plan.leftOut.map(({ what, why }) => `  ${oneLine(`${what}: ${why}`)}`)]),
    ...(written.notes.length === 0
      ? []
      : ['Look at this:', ...written.notes.map((line) => `  ${oneLine(line)}`)]),
    'Read it: is it what you want? Then:',
    `  jwt-e2e lint --strict ${output}`,
    `  jwt-e2e run ${output}`,
  ];
  io.stdout.write(`${lines.join('\n')}\n`);
  return exitCodes.passed;
}

/** Without a mesh, as `mutate` does. */
export const judgeText: Judge = async (content, isWanted) => {
  const { scenario, errors } = parsed(content);
  if (scenario === undefined || errors.length > 0) return undefined;
  const mutants: JudgedMutant[] = [];
  await forEachPlanned([scenario], undefined, async (planned, options) => {
    mutants.push(...(await judgeScenario(planned, options, isWanted)).mutants);
  });
  return mutants;
};

function parsed(content: string, output = 'first.yaml') {
  return parseScenario(content, output, undefined, knownApps());
}

/** What comes out of policies that nobody has thought of must not be a file that lint refuses. */
function mustBeRight(content: string, output: string): void {
  const { errors } = parsed(content, output);
  if (errors.length === 0) return;
  throw new HarnessError('E_INTERNAL', 'the scenario that these policies lead to has mistakes', {
    hint: 'Please report this, with the policies.',
    details: errors.map(({ message, place }) => `${place?.line}:${place?.column} ${message}`).join('\n'),
  });
}

function refuseToReplace(path: string, output: string, force: boolean): void {
  if (force || !existsSync(path)) return;
  throw new HarnessError('E_USAGE', `${output} is there already`, {
    hint: 'Write to another file with --output FILE, or replace it with --force.',
  });
}

function save(path: string, output: string, content: string, force: boolean): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Not even when it has come into being since.
    writeFileSync(path, content, { flag: force ? 'w' : 'wx' });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') refuseToReplace(path, output, false);
    throw new HarnessError('E_USAGE', `cannot write ${output}: ${nameOfError(thrown)}`, {
      hint: 'Name another file with --output FILE.',
    });
  }
}
