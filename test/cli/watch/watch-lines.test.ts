import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { watchingLine } from '../../../src/cli/watch/watch-lines.ts';

test('every folder that is watched is named, once', () => {
  const roots = ['tests', 'policies', 'tests/more', 'policies-of-others'].map((path) =>
    resolve('/work', path),
  );
  expect(watchingLine(roots, '/work', 0)).toBe(
    '\nWatching tests, policies, policies-of-others; Ctrl-C ends.\n',
  );
});
