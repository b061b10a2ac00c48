/** What went wrong, each cause once, with all checks that show it. */
import { formatPlace, type Place } from '../../../base/errors.ts';
import type { Problem } from '../../../base/events.ts';
import { causeKey, messageOf, reasonIn } from '../../cause.ts';
import type { Shown } from '../matrix-view.ts';
import type { View } from '../view.ts';

export interface Cause {
  readonly look: 'failed' | 'error';
  /** One line. */
  readonly message: string;
  readonly code: string | undefined;
  readonly hint: string | undefined;
  readonly details: string | undefined;
  readonly place: Place | undefined;
  /** Where it came up, outside of checks: a step of the set-up, a mesh, a scenario. */
  readonly where: readonly string[];
  readonly checks: readonly Shown[];
}

interface Open extends Omit<Cause, 'where' | 'checks'> {
  readonly where: string[];
  readonly checks: Shown[];
}

/**
 * Wrong answers first, because they are a verdict. A problem that is told more than once, by a phase, by each check
 * that could not be made and at the end of the run, is one cause.
 */
export function causesOf({ result, checks, scenarios, meshes }: View): Cause[] {
  const causes = new Map<string, Open>();
  const cause = (
    from: Problem | (Omit<Problem, 'code'> & { code?: string | undefined }),
    look: Cause['look'],
  ) => {
    const { code, message, hint, details, place } = from;
    const key = causeKey(look, message);
    const known = causes.get(key);
    const open = {
      look,
      message: known === undefined || known.message === message ? message : reasonIn(message),
      code: known?.code ?? code,
      hint: known?.hint ?? hint,
      details: known?.details ?? details,
      place: known?.place ?? place,
      where: known?.where ?? [],
      checks: known?.checks ?? [],
    };
    causes.set(key, open);
    return open;
  };
  const add = (problem: Problem | undefined, where: string) => {
    if (problem === undefined) return;
    const open = cause(problem, 'error');
    if (!open.where.includes(where)) open.where.push(where);
  };
  for (const shown of checks) {
    const { state, hint, code, place } = shown.check;
    if (state !== 'failed' && state !== 'error') continue;
    cause({ code, message: messageOf(shown.check), hint, place }, state).checks.push(shown);
  }
  const name = (id: string) => meshes.find((mesh) => mesh.id === id)?.name ?? id;
  for (const { phase, problem } of result.phases) add(problem, `set-up: ${phase}`);
  for (const { mesh, problem } of result.failedMeshes) add(problem, `mesh: ${name(mesh)}`);
  for (const scenario of scenarios) {
    scenario.results.forEach((run, index) => {
      const on = meshes.length > 1 ? ` on ${meshes[index]?.name}` : '';
      add(run?.problem, `scenario: ${scenario.info.id}${on}`);
    });
  }
  if (result.run.problem !== undefined) add(result.run.problem, 'the run');
  const all = [...causes.values()].map((each) => ({ ...each, place: onePlace(each) }));
  return [...all.filter(({ look }) => look === 'failed'), ...all.filter(({ look }) => look === 'error')];
}

/** Where it is written, unless the checks are written in several places. */
function onePlace({ place, checks }: Open): Place | undefined {
  return new Set(checks.map(({ check }) => formatPlace(check.place))).size > 1 ? undefined : place;
}
