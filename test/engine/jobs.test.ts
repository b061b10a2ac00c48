import { expect, test, vi } from 'vitest';
import { sharingOf } from '../../src/engine/jobs.ts';
import * as several from '../../src/run/several.ts';

test('scenarios of one mesh are divided among as many as fit besides it, or as --jobs says', () => {
  const has = (gibibytes: number, processors: number) =>
    vi.spyOn(several, 'capacityNow').mockReturnValue({ memory: gibibytes * 1024 ** 3, processors });
  has(8, 4);
  expect(sharingOf({}, 1)).toBe(4);
  has(3.1, 16);
  expect(sharingOf({}, 1)).toBe(3);
  has(0.5, 16);
  expect(sharingOf({}, 1)).toBe(1);
  expect(sharingOf({ jobs: '5' }, 1)).toBe(5);
});

test('not those of several meshes, and not where somebody looks at the mesh', () => {
  expect(sharingOf({ jobs: '4' }, 2)).toBe(1);
  expect(sharingOf({ jobs: '4', 'pause-on-failure': true }, 1)).toBe(1);
});
