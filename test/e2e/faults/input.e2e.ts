/** Mistakes in what the user gives are found before anything is done: no mesh is looked for, no report is written. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Folder, jwtE2e } from './command.ts';
import { Draft } from './scenarios.ts';

/** With this nothing that needs an engine could go well. */
const noEngine = { DOCKER_HOST: 'tcp://127.0.0.1:1', JWT_E2E_NO_DOWNLOAD: 'true' };

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

describe('a mistake in a scenario', () => {
  test('an unknown field: exit code 3, its place with a caret, and the field that was meant', async () => {
    const file = new Draft('require-jwt')
      .add(['steps', 0, 'form'], 'sleep.foo')
      .write(folder.path, 'unknown-field');
    const good = new Draft('request-authentication-alone').write(folder.path, 'good');
    const { exitCode, output } = await jwtE2e(folder.path, ['run', file, good], noEngine);
    expect(exitCode, output).toBe(3);
    const [, line, column] = output.match(/^unknown-field\.yaml:(\d+):(\d+): /m) ?? [];
    expect(output).toMatch(/"form"/);
    expect(output).toMatch(/^ {2}\d+ \| {5}form: sleep\.foo$/m);
    expect(output).toMatch(/^ {2}hint: .*"?from"?/m);
    expect([Number(line) > 20, column]).toEqual([true, '5']);
    expect(existsSync(join(folder.path, 'reports'))).toBe(false);
  });

  test('a name in a template that there is not: exit code 3', async () => {
    const file = new Draft('require-jwt')
      .set(['steps', 0, 'apply', 0, 'spec', 'jwtRules', 0, 'jwks'], '${issuers.sampel.jwks}')
      .write(folder.path, 'unknown-name');
    const { exitCode, output } = await jwtE2e(folder.path, ['run', file], noEngine);
    expect(exitCode, output).toBe(3);
    expect(output).toMatch(/^unknown-name\.yaml:\d+:\d+: .*sampel/m);
    expect(output).toContain('sample');
    expect(existsSync(join(folder.path, 'reports'))).toBe(false);
  });
});

describe('wrong usage is exit code 2, with what to write instead', () => {
  test.each([
    ['a flag that there is not', ['run', '--istoi', '1.31.1'], /unknown option '--istoi'[\s\S]*--istio/],
    ['a command that there is not', ['rnu'], /unknown command 'rnu'[\s\S]*run/],
    ['a target that there is not', ['run', '--target', 'kidn'], /--target cannot be "kidn"[\s\S]*kind/],
    ['a number that is none', ['run', '--answer-timeout', 'soon'], /--answer-timeout must be .* not "soon"/],
    ['a part that there is not', ['run', '--shard', '4/3'], /--shard must be such as 1\/3, not "4\/3"/],
    ['a file that there is not', ['run', 'no-such-file.yaml'], /no-such-file\.yaml/],
    ['an image without a name', ['run', '--image', 'nginx'], /--image must be NAME=IMAGE, not "nginx"/],
  ])('%s', async (_, args, message) => {
    const { exitCode, output } = await jwtE2e(folder.path, args, noEngine);
    expect(exitCode, output).toBe(2);
    expect(output).toMatch(message);
    expect(existsSync(join(folder.path, 'reports'))).toBe(false);
  });
});
