/** A mesh that cannot be made is an error that names the cause: exit code 4, a valid report, and nothing left behind. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeOnCluster } from './cluster.ts';
import { type Ended, Folder, jwtE2e, start } from './command.ts';
import { nodesOf, stateFolder } from './objects.ts';
import { Draft } from './scenarios.ts';

const cluster = `jwt-e2e-fault-${process.pid}`;

let folder: Folder;
let scenario: string;
beforeEach(() => {
  folder = new Folder();
  scenario = new Draft('require-jwt').write(folder.path, 'require-jwt');
});
afterEach(() => folder.remove());

function expectOneError(run: Ended, type: string, message: RegExp): void {
  expect(run.exitCode, run.output).toBe(4);
  expect(run.schemaProblems).toEqual([]);
  expect(run.cases.map(({ outcome, type: code }) => `${outcome} ${code}`)).toEqual([`error ${type}`]);
  expect(run.cases[0]?.message).toMatch(message);
  expect(run.output).toMatch(message);
  expect(run.output).toMatch(/^ +hint: /m);
}

async function expectNothingLeft(): Promise<void> {
  expect(await nodesOf(cluster)).toEqual([]);
  expect(existsSync(stateFolder(cluster))).toBe(false);
}

describe('without a Docker engine', () => {
  // Nor the programs of the target local, which auto takes otherwise.
  const noEngine = () => ({
    DOCKER_HOST: 'tcp://127.0.0.1:1',
    JWT_E2E_PROGRAMS: '',
    JWT_E2E_NO_DOWNLOAD: 'true',
    JWT_E2E_NO_BUILD: 'true',
    XDG_CACHE_HOME: join(folder.path, 'cache'),
  });

  test.each([
    [['--target', 'auto'], /^.*there is no mesh to test: neither kind nor local can be had/m],
    [['--target', 'kind'], /no Docker engine answers: docker info .*tcp:\/\/127\.0\.0\.1:1/],
  ])('%s', async (args, message) => {
    const run = await jwtE2e(folder.path, ['run', '--name', cluster, ...args, scenario], noEngine());
    expectOneError(run, 'E_DOCKER', message);
    expect(run.output).toContain('tcp://127.0.0.1:1');
    expect(existsSync(stateFolder(cluster))).toBe(false);
  });
});

test('a program that was set and is not there', async () => {
  const args = ['run', '--target', 'kind', '--kind', './no-such-kind', '--name', cluster, scenario];
  const run = await jwtE2e(folder.path, args);
  expectOneError(run, 'E_PROGRAM', /the kind that was set, \.\/no-such-kind, is not an executable file/);
});

describeOnCluster('with an engine', () => {
  test('a node image that there is not', async () => {
    const args = ['run', '--name', cluster, '--node-image', 'registry.invalid/does/not:exist', scenario];
    const run = await jwtE2e(folder.path, args);
    expectOneError(
      run,
      'E_CLUSTER',
      /kind create cluster failed with exit code 1: .*failed to pull image "registry\.invalid\/does\/not:exist".*(no such host|lookup|dial|connect)/,
    );
    expect(run.output).toContain('--node-image');
    await expectNothingLeft();
  });

  test('an interruption while the cluster is made', async () => {
    const running = start(folder.path, ['run', '--keep', '--name', cluster, scenario]);
    await running.said(`Creating kind cluster "${cluster}"`);
    await new Promise((go) => setTimeout(go, 2000));
    running.kill('SIGTERM');
    const run = await running.ended();
    expect(run.exitCode, run.output).toBe(143);
    expect(run.schemaProblems).toEqual([]);
    expect(run.cases.map(({ outcome, type }) => `${outcome} ${type}`)).toEqual([
      'error E_INTERRUPTED',
      'error interrupted',
    ]);
    await expectNothingLeft();
  });
});
