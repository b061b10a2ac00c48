/** What GitHub shows beside the code, and above the log, of a run that did not go well. */

import { type CheckResult, type Problem, sourceText } from '../../base/events.ts';
import { oneLine } from '../../base/harmless.ts';
import type { ScenarioResult } from '../result.ts';
import { truncate } from '../text.ts';
import type { Annotation } from './github.ts';

/** Longest line of an annotation, in columns. */
const widest = 400;

/** A wrong answer is an error; none at all a warning. @param where the mesh, when there are several */
export function checkAnnotation(check: CheckResult, next: string | undefined, where = ''): Annotation {
  const failed = check.state === 'failed';
  const { source, hint, code, message, expected, actual, response } = check;
  const from = sourceText(source);
  const got = failed
    ? `expected ${expected}, got ${actual ?? response?.status ?? 'no answer'}`
    : `${code ?? 'E_INTERNAL'}: ${message ?? 'no verdict'}`;
  return {
    level: failed ? 'error' : 'warning',
    title: oneLine(`${check.id}${where}`),
    message: lines([
      got,
      failed ? message : undefined,
      hint === undefined ? undefined : `hint: ${hint}`,
      from === undefined ? undefined : `source: ${from}`,
      next === undefined ? undefined : `next: ${next}`,
    ]),
    place: check.place,
  };
}

/** What kept a scenario from being carried out. */
export function scenarioAnnotation({ info }: ScenarioResult, problem: Problem, where = ''): Annotation {
  return {
    ...problemAnnotation(problem, 'warning'),
    title: oneLine(`${info.id}${where}`),
    place: problem.place ?? info.place,
  };
}

export function problemAnnotation(problem: Problem, level: Annotation['level'] = 'error'): Annotation {
  const { code, message, hint, place } = problem;
  return {
    level,
    title: code,
    message: lines([
      level === 'error' ? message : `${code}: ${message}`,
      hint === undefined ? undefined : `hint: ${hint}`,
    ]),
    place,
  };
}

function lines(parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined)
    .map((part) => truncate(oneLine(part), widest))
    .join('\n');
}
