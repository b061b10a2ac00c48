import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { isClone, moduleFile, productRoot } from '../../../src/base/files/product-files.ts';
import { programName, starter } from '../../../src/engine/product.ts';

test('a clone is known by its sources, and modules are those', () => {
  expect(productRoot).toBe(resolve('.'));
  expect(isClone).toBe(true);
  expect(moduleFile('vitest-plugin/runtime.ts')).toBe(resolve('src/vitest-plugin/runtime.ts'));
});

test('the program that this is can be started again', () => {
  expect(existsSync(starter)).toBe(true);
  expect(programName({ cwd: join(productRoot, 'docs'), env: {} })).toBe('node ../src/cli/bin.mjs');
});
