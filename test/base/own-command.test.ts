import { expect, test } from 'vitest';
import { spelled } from '../../src/base/own-command.ts';

test.each([
  ['Run at once: jwt-e2e run --target cluster', 'Run at once: npx jwt-e2e run --target cluster'],
  [
    '"jwt-e2e doctor" says more, and jwt-e2e --help',
    '"npx jwt-e2e doctor" says more, and npx jwt-e2e --help',
  ],
  ['name it with jwt-e2e.yaml', 'name it with jwt-e2e.yaml'],
  ['npx jwt-e2e run, npm run jwt-e2e -- run', 'npx jwt-e2e run, npm run jwt-e2e -- run'],
  ['npx istio-jwt-e2e run and ./jwt-e2e run', 'npx istio-jwt-e2e run and ./jwt-e2e run'],
  ['a mistake in jwt-e2e itself', 'a mistake in jwt-e2e itself'],
])('%j', (text, wanted) => {
  expect(spelled(text, 'npx jwt-e2e')).toBe(wanted);
});

test('what is spelled once stays, however the program was started', () => {
  for (const program of ['npx jwt-e2e', 'npm run jwt-e2e --', 'node src/cli/bin.mjs', 'npx istio-jwt-e2e']) {
    const once = spelled('jwt-e2e run', program);
    expect(once).toBe(`${program} run`);
    expect(spelled(once, program)).toBe(once);
  }
});
