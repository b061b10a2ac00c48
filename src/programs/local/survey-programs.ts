/** Says what of the programs of the target local is here, can be had, or is missing. */

import type { MeshProgram } from './build/source.ts';
import { choicesOf, type Workshop, workshop } from './choices.ts';
import { contextOf, firstComplete, type MeshProgramOptions } from './find-mesh-programs.ts';
import { isComplete, type Planned, plan } from './program-plan.ts';
import { type Attempt, ownFolder } from './program-progress.ts';

/** A program, of the target local or, by another `Name`, of anything else. */
export interface ProgramState<Name extends string = MeshProgram> {
  readonly name: Name;
  readonly state: 'here' | 'obtainable' | 'missing';
  /** When it is here. */
  readonly version?: string | undefined;
  /** When it is here, where it came from. */
  readonly origin?: string | undefined;
  /** The path; or where it can be had from; or every source, and why not. */
  readonly where: string;
  /** What to do to have it, when it is not here. */
  readonly remedy?: string | undefined;
  /** Better sources that it does not come from, and why. */
  readonly why?: string | undefined;
}

/**
 * Looks at all programs that {@link findMeshPrograms} would find with the same options. Hosts are asked whether they
 * answer; nothing is downloaded or built.
 *
 * @throws HarnessError E_PROGRAM where the target local does not run at all; E_SETTINGS; E_INTERRUPTED
 */
export async function surveyMeshPrograms(
  options: MeshProgramOptions,
  tools: Workshop = workshop,
): Promise<readonly ProgramState[]> {
  const choices = await choicesOf(contextOf(options), options, tools);
  const complete = await firstComplete(choices);
  if (complete !== undefined) return complete.planned.map(stateOf);
  const attempts: Attempt[] = [];
  for (const choice of choices) {
    const planned = await plan(choice, new Map());
    if (isComplete(planned)) return planned.map(stateOf);
    attempts.push({ choice, planned });
  }
  // The one that lacks least is the one that is worth mending; but every way to a program is worth knowing.
  const lacks = ({ planned }: Attempt) => planned.filter((each) => !each.found && !each.source).length;
  const nearest = [...attempts].sort((one, other) => lacks(one) - lacks(other))[0];
  const tried = (program: MeshProgram) =>
    attempts.flatMap(({ planned }) =>
      planned.filter((each) => each.program === program).flatMap((each) => each.tried),
    );
  return nearest?.planned.map((each) => stateOf({ ...each, tried: tried(each.program) })) ?? [];
}

function stateOf({ program, found, source, tried }: Planned): ProgramState {
  const failed = [...new Set(tried.map((each) => `${each.source}: ${each.why}`))].join('; ');
  const why = failed === '' ? {} : { why: failed };
  if (found !== undefined) {
    const { version, path: where, origin } = found;
    return { name: program, state: 'here', version, origin, where, ...why };
  }
  if (source !== undefined) {
    return { name: program, state: 'obtainable', where: source.label, remedy: 'jwt-e2e fetch', ...why };
  }
  return {
    name: program,
    state: 'missing',
    where: failed,
    remedy: [...new Set(tried.map((each) => each.remedy)), ownFolder].join('; or '),
  };
}
