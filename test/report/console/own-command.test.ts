import { expect, test } from 'vitest';
import { commandLine } from '../../../src/cli/main.ts';
import { spelled } from '../../../src/report/console/own-command.ts';

test('every command is spelled as it can be typed here, and what is none is left as it is', () => {
  const { commands } = commandLine(() => {});
  const names = commands.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(10);
  for (const name of names)
    expect(spelled(`Try "jwt-e2e ${name} --help".`, 'npx jwt-e2e')).toBe(`Try "npx jwt-e2e ${name} --help".`);
  expect(spelled('jwt-e2e is a program; npx jwt-e2e run is typed', 'npx jwt-e2e')).toBe(
    'jwt-e2e is a program; npx jwt-e2e run is typed',
  );
});
