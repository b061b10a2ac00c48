import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { isClone, moduleFile, productRoot } from '../../../src/base/files/product-files.ts';
import { packageProgram, programName, starter } from '../../../src/engine/product.ts';

test('a clone is known by its sources, and modules are those', () => {
  expect(productRoot).toBe(resolve('.'));
  expect(isClone).toBe(true);
  expect(moduleFile('vitest-plugin/runtime.ts')).toBe(resolve('src/vitest-plugin/runtime.ts'));
});

test('the program that this is can be started again', () => {
  expect(existsSync(starter)).toBe(true);
  expect(programName({ cwd: join(productRoot, 'docs'), env: {} })).toBe('node ../src/cli/bin.mjs');
});

test('a command is spelled as this one was started', () => {
  const cwd = productRoot;
  const script = (name: string) => ({ npm_command: 'run-script', npm_lifecycle_event: name });
  expect(programName({ cwd, env: script('e2e') })).toBe('npm run jwt-e2e --');
  expect(programName({ cwd, env: script('test') })).toBe('node src/cli/bin.mjs');
});

test.each([
  ['/usr/local/bin/jwt-e2e', 'jwt-e2e'],
  ['/work/shop/node_modules/.bin/jwt-e2e', 'npx jwt-e2e'],
  ['/home/me/.npm/_npx/0f1e/node_modules/.bin/jwt-e2e', 'npx istio-jwt-e2e'],
  [undefined, 'npx jwt-e2e'],
])('of the package, when it was started as %s: %s', (file, wanted) => {
  const env = { PATH: '/usr/bin:/usr/local/bin:/work/shop/node_modules/.bin' };
  expect(packageProgram({ env, file })).toBe(wanted);
});
