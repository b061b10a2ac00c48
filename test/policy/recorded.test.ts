/** The model against answers that real istiod and Envoy have given: the same as `npm run test:model`, without a mesh. */
import { expect, test } from 'vitest';
import { differencesWithRecord } from './real/record.ts';

test('the model answers as istiod and Envoy once did', { timeout: 60_000 }, () => {
  const { asked, differences } = differencesWithRecord();
  expect(asked).toBeGreaterThan(5_000);
  expect(differences.slice(0, 3)).toEqual([]);
});
