/** `jwt-e2e init`: a first scenario out of the user's own policies. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { exitCodes, HarnessError } from '../../base/errors.ts';
import { limits, sizeText } from '../../base/files/limits.ts';
import { excessOf } from '../../base/files/yaml-bounds.ts';
import { oneLine } from '../../base/harmless.ts';
import { nameOfError, shellQuote } from '../../base/names.ts';
import { type Plan, planFor } from '../../init/first-plan.ts';
import { type Judge, writeNoticing } from '../../init/requests/noticing.ts';
import { keptFiles } from '../../init/write/kept-files.ts';
import type { Written } from '../../init/write/write.ts';
import { type JudgedMutant, judgeScenario } from '../../mutate/judge.ts';
import { spelled } from '../../report/console/own-command.ts';
import { plural } from '../../report/text.ts';
import type { Whereabouts } from '../../scenario/format/own-files.ts';
import { knownApps } from '../../scenario/known-apps.ts';
import { parseScenario } from '../../scenario/load.ts';
import type { Values } from '../../settings/settings.ts';
import { clusterWords, flag, text } from '../../settings/typed.ts';
import { readPolicySource } from '../models/policy-source.ts';
import { forEachPlanned } from '../models/predictions.ts';
import { type Io, typedCommand } from '../support/io.ts';

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
  const from = { folder: dirname(path), cwd: io.cwd };
  const file = relative(io.cwd, path) || output;
  const { written, more } = flag(values, 'live')
    ? { written: await ofLiveMesh(values, io, file), more: [] }
    : await ofPolicies(values, io, file, from);
  mustBeRight(written.text, output, from);
  save(path, output, written.text, flag(values, 'force'));
  const lines = [
    `${output}: ${plural(written.checks, 'check')} for ${plural(written.policies, 'policy', 'policies')}`,
    ...more,
    ...listed('Look at this:', written.notes),
    'Read it: is it what you want? Then:',
    `  jwt-e2e lint --strict ${shellQuote(output)}`,
    `  jwt-e2e run ${shellQuote(output)}${flag(values, 'live') ? ` --live ${clusterWords(values)}` : ''}`,
  ];
  io.stdout.write(`${spelled(lines.join('\n'), typedCommand)}\n`);
  return exitCodes.passed;
}

interface Outcome {
  readonly written: Written;
  /** Lines for people. */
  readonly more: readonly string[];
}

async function ofPolicies(values: Values, io: Io, file: string, from: Whereabouts): Promise<Outcome> {
  const { objects, files, where } = await readPolicySource('init', values, io);
  const read = planFor(objects, text(values, 'namespace'), where);
  const plan = { ...read, kept: keptFiles(read, files, from) };
  const written = await writeNoticing(plan, where, file, judgeIn(from));
  mustFit(written, plan, where);
  const leftOut = plan.leftOut.map(({ what, why }) => `${what}: ${why}`);
  return {
    written,
    more: [...listed('Left out:', leftOut), ...listed('Copied into it:', plan.kept.copied)],
  };
}

async function ofLiveMesh(values: Values, io: Io, file: string): Promise<Written> {
  if (text(values, 'from') !== undefined) {
    throw new HarnessError('E_USAGE', '--live reads a mesh as it is, and --from files', {
      hint: 'Leave one of them out.',
    });
  }
  const [{ readLive }, { liveScenario }] = await Promise.all([
    import('../models/init-live.ts'),
    import('../../init/live/live-scenario.ts'),
  ]);
  const { survey, where } = await readLive(values);
  return liveScenario(survey, text(values, 'namespace'), where, file, io.env);
}

function listed(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${oneLine(line)}`)];
}

/** Judges without a mesh, as `mutate` does. @param from where the scenario is going to be; default: it has no files beside it */
export function judgeIn(from?: Whereabouts): Judge {
  return async (content, isWanted) => {
    const { scenario, errors } = parseScenario(content, 'first.yaml', undefined, knownApps(), from);
    if (scenario === undefined || errors.length > 0) return undefined;
    const mutants: JudgedMutant[] = [];
    await forEachPlanned([scenario], undefined, async (planned, options) => {
      mutants.push(...(await judgeScenario(planned, options, isWanted)).mutants);
    });
    return mutants;
  };
}

/** Many policies lead to more than a scenario file may have. */
function mustFit({ text: content, checks }: Written, { policies, namespaces }: Plan, where: string): void {
  const excess = [
    excessOf(content)?.message.replace('the file has ', ''),
    Buffer.byteLength(content) > limits.yamlBytes ? `more than ${sizeText(limits.yamlBytes)}` : undefined,
    checks > limits.checks ? `more than ${limits.checks} checks` : undefined,
  ].find((why) => why !== undefined);
  if (excess === undefined) return;
  const some = namespaces.length > 5 ? [...namespaces.slice(0, 5), '…'] : namespaces;
  const choice = namespaces.length > 1 ? `one namespace with --namespace (${some.join(', ')}), or ` : '';
  const what = `a scenario for the ${policies.length} policies in ${where} would be larger than any may be: ${excess}`;
  const hint = `Write several: choose ${choice}a part of the files with --from FILE.`;
  throw new HarnessError('E_USAGE', what, { hint });
}

/** What comes out of policies that nobody has thought of must not be a file that lint refuses. */
function mustBeRight(content: string, output: string, from: Whereabouts): void {
  const { errors } = parseScenario(content, output, undefined, knownApps(), from);
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
