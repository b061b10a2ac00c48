/** What is left of a run on kind whose process is killed: nothing. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { guardRun } from '../../../src/target/kind/guard.ts';
import type { KindSettings } from '../../../src/target/kind/kind-settings.ts';
import { type FakeKind, fakeKind } from '../../support/fake-kind.ts';
import { isRunning } from '../local/processes.ts';

const scenario = resolve('scenarios/documented/require-jwt.yaml');

let folder: string;
let fake: FakeKind;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'killed run-'));
  fake = fakeKind(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(args: readonly string[]) {
  return execa(process.execPath, [resolve('src/cli/bin.mjs'), ...args], {
    cwd: folder,
    reject: false,
    stdin: 'ignore',
    extendEnv: false,
    env: { PATH: process.env.PATH ?? '', HOME: folder },
  });
}

const run = ['run', scenario, '--target', 'kind', '--name', 'mine'];

test('while it creates a cluster: kind is ended, the cluster deleted, and its folder', {
  timeout: 120_000,
}, async () => {
  const running = start([...run, '--kind', fake.kind, '--docker', fake.docker]);
  await vi.waitFor(() => expect(fake.creating()).toBeDefined(), 60_000);
  fake.addCluster('other');
  running.kill('SIGKILL');
  await running;
  const state = join(folder, '.local', 'state', 'istio-jwt-e2e');
  // In whatever order: the folder may be gone before the cluster is.
  await vi.waitFor(() => {
    expect(fake.clusters()).toEqual(['other']);
    expect(isRunning(fake.creating()!)).toBe(false);
    expect(existsSync(join(state, 'mine'))).toBe(false);
    expect(readdirSync(state)).toEqual([]);
  }, 50_000);
});

test('key servers of the run go by their label, and a cluster that is kept stays', async () => {
  fake.addCluster('mine');
  fake.addContainer('mine', 'run1');
  fake.addContainer('mine', 'run2');
  const settings = { name: 'mine', down: ['false'], programs: { docker: fake.docker, kind: fake.kind } };
  await guardRun(settings as unknown as KindSettings, 'jwt-e2e.run=run1', false).end();
  expect(fake.containers()).toEqual(['mine.run2']);
  expect(fake.clusters()).toEqual(['mine']);
});
