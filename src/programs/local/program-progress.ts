/** Says which programs are used and why, and what is missing. */

import { HarnessError } from '../../base/errors.ts';
import type { Report } from '../report.ts';
import type { Choice } from './choices.ts';
import { programFolder } from './program-folder.ts';
import type { Planned } from './program-plan.ts';

/** One Istio, and what of it is here or can be had. */
export interface Attempt {
  readonly choice: Choice;
  readonly planned: readonly Planned[];
}

/** Reports what is not as one would expect from the settings: nothing of it is to be silent. */
export function tellChoice(
  { choice, planned }: Attempt,
  others: { readonly choices: readonly Choice[]; readonly incomplete: readonly Attempt[] },
  options: { readonly folder?: string | undefined; readonly report: Report },
): void {
  const first = others.choices[0];
  if (first !== undefined && first !== choice) {
    const why = others.incomplete.flatMap((attempt) => reasons(attempt.planned)).at(0);
    options.report(
      why === undefined
        ? `Istio ${choice.istio} is used, because all of it is here; --istio ${first.istio} asks for that one`
        : `Istio ${choice.istio} is used, because ${first.istio} cannot be had: ${why}`,
    );
  }
  for (const { program, found, tried } of planned) {
    if (found === undefined) continue;
    if (options.folder !== undefined && !found.origin.includes(programFolder(options.folder))) {
      options.report(
        `${options.folder} has no ${program} that will do; ${found.version} from ${found.origin} is used`,
      );
    } else if (tried.length > 0) {
      const why = tried.map((each) => `${each.source}: ${each.why}`).join('; ');
      options.report(`${program} ${found.version} from ${found.origin} is used, because of ${why}`);
    }
  }
}

/** Names each missing program, every source that was tried and why not, and what to do. */
export function missing(attempts: readonly Attempt[]): HarnessError {
  const lacking = attempts.flatMap(({ planned }) => planned.filter((each) => !each.found && !each.source));
  const names = unique(lacking.map((each) => each.program));
  const tried = lacking.flatMap((each) => each.tried);
  const reasonsBySource = unique(tried.map(({ source, why }) => `${source}: ${why}`));
  const details = reasonsBySource.map((reason) => {
    const concerned = lacking.filter((each) =>
      each.tried.some(({ source, why }) => `${source}: ${why}` === reason),
    );
    return `${unique(concerned.map((each) => each.program)).join(', ')} from ${reason}`;
  });
  const istios = attempts.map(({ choice }) => choice.istio).join(' or ');
  return new HarnessError(
    'E_PROGRAM',
    `there is no ${names.join(', no ')} for the target local with Istio ${istios}`,
    {
      hint: `Do one of these: ${unique([...tried.map((each) => each.remedy), ownFolder]).join('; ')}. "jwt-e2e doctor" shows what there is.`,
      details: details.join('\n'),
    },
  );
}

function unique<T>(all: readonly T[]): T[] {
  return [...new Set(all)];
}

/** The way that is always open. */
export const ownFolder = 'put the programs into a folder and name it with --programs';

function reasons(planned: readonly Planned[]): string[] {
  return planned
    .filter((each) => !each.found && !each.source)
    .flatMap(({ tried }) => tried.map((each) => `${each.source}: ${each.why}`));
}
