/** Policies of a scenario that are probably mistaken, with where they stand. */
import { formatPlace, type Place } from '../errors.ts';
import { doubtsAbout, doubtText } from '../policy/doubts.ts';
import { nameOf, policyKinds, whyIdle } from '../policy/selection.ts';
import type { Survey } from '../target/target.ts';
import type { ModelStep } from './predict.ts';

export interface PlacedDoubt {
  readonly place: Place;
  /** A whole sentence that names the policy. */
  readonly text: string;
}

/** @param seen what was said of earlier steps, which is not said again; what is found is added */
export function doubtsOfStep({ applied }: ModelStep, survey: Survey, seen: Set<string>): PlacedDoubt[] {
  const placeOf = new Map(applied.map(({ object, place }) => [object, place]));
  const idle = applied
    .filter(({ object, step }) => policyKinds.includes(object.kind) && !step.selectsNothing)
    .flatMap(({ object, place }) => {
      const why = whyIdle(object, survey);
      return why === undefined ? [] : [{ place, text: `${nameOf(object)} holds for nobody: ${why}` }];
    });
  const doubts = doubtsAbout(survey).flatMap((doubt) => {
    const place = placeOf.get(doubt.policy);
    return place === undefined ? [] : [{ place, text: doubtText(doubt) }];
  });
  return [...idle, ...doubts].filter(({ place, text }) => {
    const key = `${formatPlace(place)} ${text}`;
    return !seen.has(key) && seen.add(key);
  });
}
