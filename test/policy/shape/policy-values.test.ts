/** What istiod's webhook and Istio's definitions refuse; test/e2e/local-more/refused.e2e.ts asks real ones. */
import { expect, test } from 'vitest';
import { shapeProblems, whyRefused } from '../../../src/policy/shape/object-shape.ts';
import { refusedPolicies, takenPolicies } from './refused-policies.ts';

test.each(refusedPolicies)('%j is refused', (policy, why) => {
  expect(whyRefused(policy)).toBe(why);
});

test.each(takenPolicies)('%j is taken', (policy) => {
  expect(shapeProblems(policy)).toEqual([]);
});
