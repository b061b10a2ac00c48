import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compileFolder } from '../../../src/cli/support/compile-cache.mjs';

const nobody = 65_534;
const isRoot = process.geteuid?.() === 0;
let base: string;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'jwt-e2e-cache-')));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const folderIn = (xdg: string) => compileFolder({ XDG_CACHE_HOME: xdg });
const below = (xdg: string) => join(xdg, 'istio-jwt-e2e', 'compiled');

test('it is made for its user alone', () => {
  expect(folderIn(base)).toBe(below(base));
  expect(statSync(below(base)).mode & 0o777).toBe(0o700);
  expect(folderIn(base)).toBe(below(base));
});

test('without XDG_CACHE_HOME, or with one that is no absolute path, it is in the home folder', () => {
  const folder = join(base, '.cache', 'istio-jwt-e2e', 'compiled');
  expect(compileFolder({ HOME: base })).toBe(folder);
  expect(compileFolder({ HOME: base, XDG_CACHE_HOME: 'relative' })).toBe(folder);
});

test.each([
  ['others can read it', 0o755],
  ['others can write to it', 0o777],
  ['its group can write to it', 0o770],
])('it is left alone when %s', (_, mode) => {
  mkdirSync(below(base), { recursive: true });
  chmodSync(below(base), mode);
  expect(folderIn(base)).toBeUndefined();
});

test('it is left alone when others can put another one in its place', () => {
  chmodSync(base, 0o777);
  expect(folderIn(base)).toBeUndefined();
  // With the sticky bit they cannot.
  chmodSync(base, 0o1777);
  expect(folderIn(base)).toBe(below(base));
});

test.runIf(isRoot)('it is left alone when it, or a folder above it, is of somebody else', () => {
  mkdirSync(below(base), { recursive: true, mode: 0o700 });
  chownSync(below(base), nobody, nobody);
  expect(folderIn(base)).toBeUndefined();
  chownSync(below(base), 0, 0);
  expect(folderIn(base)).toBe(below(base));
  chownSync(join(base, 'istio-jwt-e2e'), nobody, nobody);
  expect(folderIn(base)).toBeUndefined();
});

test('where a link leads is what counts', () => {
  const open = join(base, 'open');
  mkdirSync(open);
  chmodSync(open, 0o777);
  symlinkSync(open, join(base, 'link'));
  expect(folderIn(join(base, 'link'))).toBeUndefined();
});

test('it is done without where it cannot be made', () => {
  expect(folderIn('/dev/null')).toBeUndefined();
  expect(existsSync('/dev/null/istio-jwt-e2e')).toBe(false);
});
