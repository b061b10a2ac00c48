/**
 * The container image, built from the Dockerfile and run as the documentation says. JWT_E2E_TEST_IMAGE_BUILD has the
 * arguments of `docker build`, separated by blanks: `--pull` takes the public images, `--build-arg NODE_IMAGE=…` others.
 */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

const given = process.env.JWT_E2E_TEST_IMAGE_BUILD;
const program = process.env.JWT_E2E_DOCKER || 'docker';
const tag = `jwt-e2e-image-test:${process.pid}`;
const container = `jwt-e2e-image-test-${process.pid}`;
/** As the documentation has it, with even less: no network and no capability. */
const confined = [
  ...['run', '--rm', '--name', container, '--read-only', '--tmpfs', '/tmp', '--network', 'none'],
  ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
];
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

async function docker(...args: readonly string[]) {
  const { exitCode, all } = await execa(program, args, { all: true, reject: false });
  return { exitCode, output: String(all) };
}

/** Layers of the stages of a build, which nobody else has: they have no name, and are not of somebody else's build. */
async function unnamed(): Promise<readonly string[]> {
  return (await docker('images', '--quiet', '--filter', 'dangling=true')).output.split('\n').filter(Boolean);
}

describe('the container image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'jwt-e2e-image-'));
  let stages: readonly string[] = [];

  beforeAll(async () => {
    if (given === undefined) return;
    mkdirSync(join(folder, 'policies'));
    cpSync('scenarios/documented/require-jwt.yaml', join(folder, 'policies/require-jwt.yaml'));
    // The user of the container is another one than the one of this test.
    chmodSync(folder, 0o777);
    const before = await unnamed();
    const { exitCode, output } = await docker(
      'build',
      '--tag',
      tag,
      ...given.split(' ').filter(Boolean),
      '.',
    );
    expect(exitCode, output).toBe(0);
    const made = new Set([...output.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].map(([, id]) => id));
    stages = (await unnamed()).filter((id) => made.has(id) && !before.includes(id));
  }, 900_000);

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    if (given === undefined) return;
    await docker('rm', '--force', container);
    for (const image of [tag, ...stages]) await docker('rmi', image);
  });

  beforeEach((context) => {
    context.skip(given === undefined, 'JWT_E2E_TEST_IMAGE_BUILD has no arguments for docker build');
  });

  test('runs the scenarios of a folder, read-only, without a network, as a user who owns nothing', async () => {
    const line = ['--volume', `${folder}:/work`, tag, 'run', 'policies/', '--target', 'local'];
    const { exitCode, output } = await docker(...confined, ...line);
    expect(exitCode, output).toBe(0);
    expect(output).toContain('6 checks in 1 scenario: 6 passed');
    const results = JSON.parse(readFileSync(join(folder, 'reports/results.json'), 'utf8'));
    expect(results).toMatchObject({ counts: { passed: 6 }, exitCode: 0 });
    expect(statSync(join(folder, 'reports/report.html')).uid).toBe(1000);
  });

  test('runs as any other user, and gives no verdict where its reports cannot be written', async () => {
    const line = ['--user', '4242:4242', '--volume', `${folder}/policies:/work:ro`, tag, 'run', '.'];
    const { exitCode, output } = await docker(...confined, ...line);
    expect(output).toContain('6 passed');
    expect(output).toContain('cannot write reports/junit.xml');
    expect(exitCode).toBe(4);
  });

  test('cleans up and ends when it is stopped', async () => {
    const detached = confined.map((each) => (each === '--rm' ? '--detach' : each));
    await docker(...detached, '--workdir', '/tmp', tag, 'run', '--profile', 'all', '--target', 'local');
    const said = async () => (await docker('logs', container)).output;
    await vi.waitFor(async () => expect(await said()).toContain(' on local '), {
      timeout: 60_000,
      interval: 200,
    });
    await docker('stop', '--time', '30', container);
    expect(await said()).toContain('SIGTERM: cleaning up');
    const { output } = await docker('inspect', '--format', '{{.State.ExitCode}}', container);
    expect(output).toBe('143');
    await docker('rm', container);
  });

  test('has the programs and the command, and nothing of what they were made from', async () => {
    const shell = ['--entrypoint', 'sh', tag, '-c'];
    const gone = ['/src', '/root/.npm', '/opt/jwt-e2e/node_modules/typescript', '/opt/istio-mesh/istioctl'];
    const left = `for each in ${gone.join(' ')}; do [ ! -e "$each" ] || echo "$each"; done`;
    const { output } = await docker(...confined, ...shell, `ls /opt/istio-mesh; ${left}; jwt-e2e --version`);
    expect(output.split('\n')).toEqual([
      ...['crds.yaml', 'envoy', 'etcd', 'kube-apiserver', 'pilot-discovery', version],
    ]);
    const config = await docker('inspect', '--format', '{{json .Config.Entrypoint}} {{.Config.User}}', tag);
    expect(config.output).toBe('["jwt-e2e"] 1000:1000');
    // Nobody but root may change what is in it.
    const writable = 'find /opt -not -type l -perm /022 -o -not -user root | head';
    expect((await docker(...confined, ...shell, writable)).output).toBe('');
  });
});
