import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { batch, type Figures, runBatch } from './run.ts';
import { targets } from './targets.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-fuzz-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The short version of `npm run fuzz`: the same inputs each time. */
test.each(targets)('whatever comes as $name, it is taken or refused', async (target) => {
  const figures: Figures = { target: target.name, inputs: 0, refused: 0, slowestMs: 0, cpuMs: 0, memory: 0 };
  const findings = await runBatch(target, 1, folder, figures);
  expect(findings).toEqual([]);
  expect(figures.inputs).toBe(batch);
  // Inputs that are all taken, or all refused at the door, would test little.
  expect(figures.refused).toBeLessThan(batch);
});
