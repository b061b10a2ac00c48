/** A run whose tokens somebody else makes. */
import { expect, test } from 'vitest';
import { FakeTarget } from '../support/fake-target.ts';
import { run, scenarioSource, sendStep } from './support.ts';

const source = scenarioSource(
  'outside',
  sendStep('s').replace('[no token, valid]', '[mine, printed]'),
).replace(
  'tokens: {',
  `tokens: { mine: { raw: "\${env.TOKEN}" }, printed: { from: { command: [echo, printed-token-of-mine] } },`,
);

const tokenSources = { commands: true, env: [], variables: { TOKEN: 'opaque-token-of-mine' } };

test('they are sent, and are in nothing that is told', async () => {
  const target = new FakeTarget();
  const { checks, events } = await run([source], { target, options: { tokenSources } });
  expect(checks.map(({ state }) => state)).toEqual(['passed', 'passed']);
  const sent = target.seen.flatMap(({ headers }) => headers.map(([, value]) => value));
  expect(sent).toContain('Bearer opaque-token-of-mine');
  expect(sent).toContain('Bearer printed-token-of-mine');
  expect(JSON.stringify(events)).not.toMatch(/(opaque|printed)-token-of-mine/);
});

test.each([
  [
    { ...tokenSources, variables: {} },
    'token "mine" needs the variable TOKEN of the environment, which is not set',
  ],
  [
    { ...tokenSources, commands: false },
    'token "printed" comes from the program echo, and programs were not allowed',
  ],
])('without them there is no verdict (%#)', async (sources, message) => {
  const { checks, exitCode } = await run([source], { options: { tokenSources: sources } });
  expect(checks.map(({ state, code }) => [state, code])).toEqual(Array(2).fill(['error', 'E_TOKEN']));
  expect(checks[0]?.message).toContain(message);
  expect(exitCode).toBe(4);
});
