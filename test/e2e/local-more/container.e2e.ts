/** The target local in a container that may do nothing: what needs no privilege there needs none anywhere. */
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Counts } from '../../../src/base/events.ts';
import { describeOnLocal, haveLocal } from '../local/command.ts';

/** An image with Node.js, as the settings call it. */
const image = process.env.JWT_E2E_TEST_NODE_IMAGE ?? '';
const docker = process.env.JWT_E2E_DOCKER || 'docker';
const container = `jwt-e2e-local-${process.pid}`;

/** What inside.mjs writes as its last line. */
interface Seen {
  readonly exitCode: number;
  readonly counts: Counts | undefined;
  readonly status: Readonly<Record<string, string>>;
  readonly listening: readonly string[];
  readonly running: readonly string[];
  readonly left: readonly string[];
}

async function whySkipped(): Promise<string | undefined> {
  if (image === '') return 'JWT_E2E_TEST_NODE_IMAGE names no image with Node.js that the Docker engine has';
  const { failed, stdout } = await execa(docker, ['info', '--format', '{{.OSType}}'], { reject: false });
  return failed || stdout !== 'linux'
    ? `no Docker engine for Linux containers answers to "${docker}"`
    : undefined;
}

/** Everything from this machine is read-only, and there is no network but the container's own loopback. */
async function runInContainer(...args: readonly string[]): Promise<{ output: string; seen: Seen }> {
  const settings = ['JWT_E2E_PROGRAMS=/programs', 'JWT_E2E_NO_BUILD=true', 'JWT_E2E_NO_DOWNLOAD=true'];
  const places = ['HOME=/tmp', 'XDG_CACHE_HOME=/tmp/cache', 'XDG_STATE_HOME=/tmp/state', 'NO_COLOR=1'];
  const images =
    process.env.JWT_E2E_IMAGE === undefined ? [] : [`JWT_E2E_IMAGE=${process.env.JWT_E2E_IMAGE}`];
  const folders = { repository: resolve('.'), programs: resolve(process.env.JWT_E2E_PROGRAMS ?? '') };
  const { all } = await execa(
    docker,
    [
      ...['run', '--rm', '--name', container, '--user', '65534:65534', '--cap-drop', 'ALL'],
      ...['--security-opt', 'no-new-privileges', '--read-only', '--tmpfs', '/tmp'],
      ...['--network', 'none', '--memory', '2g', '--memory-swap', '2g', '--workdir', '/tmp'],
      ...Object.entries(folders).flatMap(([name, folder]) => ['--volume', `${folder}:/${name}:ro`]),
      ...[...settings, ...places, ...images].flatMap((each) => ['--env', each]),
      ...['--entrypoint', 'node', image, '/repository/test/e2e/local-more/inside.mjs'],
      ...[join('/repository', 'src/cli/bin.mjs'), ...args],
    ],
    { all: true, reject: false },
  );
  const output = String(all);
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  expect(last, output).toMatch(/^\{/);
  return { output, seen: JSON.parse(last) as Seen };
}

describeOnLocal('in a container without privileges', () => {
  let why: string | undefined;
  let run: Awaited<ReturnType<typeof runInContainer>>;
  beforeAll(async () => {
    if (!haveLocal) return;
    why = await whySkipped();
    if (why === undefined) run = await runInContainer('run', '--target', 'local');
  });
  beforeEach((context) => {
    if (why !== undefined) context.skip(why);
  });
  afterAll(async () => {
    // It is gone by itself, unless this has ended early.
    if (haveLocal && why === undefined) await execa(docker, ['rm', '--force', container], { reject: false });
  });

  test('an ordinary user with no capability at all, filtered by seccomp, ran it', () => {
    expect(run.seen.status).toMatchObject({
      Uid: expect.stringMatching(/^65534\b/),
      CapEff: '0000000000000000',
      CapBnd: '0000000000000000',
      NoNewPrivs: '1',
      // SECCOMP_MODE_FILTER: the profile of the engine.
      Seccomp: '2',
    });
  });

  test('all that is documented is proven', () => {
    const { output, seen } = run;
    expect(seen.exitCode, output).toBe(0);
    expect(seen.counts?.passed).toBeGreaterThan(100);
    expect(seen.counts).toMatchObject({ failed: 0, error: 0, skipped: 0, notRun: 0 });
  });

  test('servers outside of the mesh had the ports of their manifests, and nothing left loopback', () => {
    const { listening } = run.seen;
    expect(listening.filter((each) => !each.startsWith('127.'))).toEqual([]);
    // Anybody may listen on these in a container: net.ipv4.ip_unprivileged_port_start is 0 there.
    expect(listening).toContainEqual(expect.stringMatching(/:80$/));
    expect(listening).toContainEqual(expect.stringMatching(/:443$/));
  });

  test('nothing is left running, and no folder of a mesh', () => {
    expect(run.seen.running).toEqual([]);
    expect(run.seen.left.filter((name) => name.startsWith('jwt-e2e-'))).toEqual([]);
  });
});
