import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { HarmlessOutput } from '../../../src/base/harmless.ts';
import { findPreRelease, matrixCommand, newestPreRelease } from '../../../src/cli/commands/matrix-command.ts';
import type { MatrixEntry } from '../../../src/programs/release-matrix.ts';
import { loadVersions } from '../../../src/programs/versions.ts';
import type { Values } from '../../../src/settings/settings.ts';
import { downloads } from '../../programs/downloads.ts';
import { failure } from '../../programs/oci/fetcher.ts';
import { pushImage } from '../../programs/oci/images.ts';
import { skipped, startRegistry } from '../../programs/oci/registries.ts';
import { unaborted } from '../../support/signals.ts';

async function run(values: Values, env: NodeJS.ProcessEnv = {}) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = {
    stdout: new HarmlessOutput(stdout),
    stderr: new HarmlessOutput(stderr),
    env,
    cwd: process.cwd(),
  };
  const code = await matrixCommand(values, io);
  const jobs = JSON.parse(String(stdout.read())) as MatrixEntry[];
  return {
    code,
    jobs: jobs.map(({ istio, kubernetes, experimental }) => `${istio} ${kubernetes} ${experimental}`),
    stderr: String(stderr.read() ?? ''),
  };
}

/** A registry with these tags, as the value of --hub. */
async function hub(tags: readonly string[] | undefined): Promise<string> {
  const server = await downloads();
  if (tags !== undefined) {
    server.routes.set('/v2/istio/pilot/tags/list?n=1000', (_, response) => {
      response.end(JSON.stringify({ name: 'istio/pilot', tags }));
    });
  }
  return `${server.url.slice('http://'.length)}/istio`;
}

test('versions that were asked for: all jobs of a known one, one experimental job of another', async () => {
  expect(await run({ istio: '1.33.0-rc.0, 1.30.8,1.30.8' })).toEqual({
    code: 0,
    jobs: ['1.30.8 1.36.4 false', '1.30.8 1.34.11 false', '1.33.0-rc.0 1.36.4 true'],
    stderr: '',
  });
});

test.each(['latest', '../1.31.1', '1.31.1/..', '1.31.1;id', '-1.31.1', '1.31.1 x'])(
  'refuses %s',
  async (istio) => {
    const error = await failure(
      matrixCommand({ istio }, { stdout: new PassThrough(), stderr: new PassThrough(), env: {}, cwd: '.' }),
    );
    expect(error.message).toBe(`--istio: "${istio}" is no version of Istio`);
  },
);

test('the newest pre-release comes after what must pass, and must not pass itself', async () => {
  const { jobs } = await run({ 'pre-release': true, hub: await hub(['1.99.0-alpha.0', '1.99.0-alpha.1']) });
  expect(jobs.filter((job) => job.includes('1.99'))).toEqual(['1.99.0-alpha.1 1.36.4 true']);
  expect(jobs.findIndex((job) => job.includes('1.99'))).toBe(
    jobs.findLastIndex((job) => job.endsWith('false')) + 1,
  );
});

test('a registry that does not answer keeps nothing else from being tested', async () => {
  const without = await run({});
  const values = { 'pre-release': true, hub: await hub(undefined) };
  const { jobs, code, stderr } = await run(values);
  expect({ jobs, code }).toEqual({ jobs: without.jobs, code: 0 });
  expect(stderr).toMatch(/^no pre-release of Istio is tested: .*answered 404.*\n$/);
  expect((await run(values, { GITHUB_ACTIONS: 'true' })).stderr).toMatch(/^::warning::no pre-release/);
});

test('who asks for a version gets no pre-release on top', async () => {
  const { jobs } = await run({ istio: '1.29.9', 'pre-release': true, hub: await hub(['1.99.0-alpha.1']) });
  expect(jobs).toEqual(['1.29.9 1.35.8 true']);
});

const known = ['1.31.1', '1.30.5'];

describe('the newest pre-release', () => {
  test.each([
    ['the highest by semver, not by text', ['1.32.0-alpha.2', '1.32.0-alpha.10'], '1.32.0-alpha.10'],
    [
      'a candidate rather than a beta or an alpha',
      ['1.32.0-rc.0', '1.32.0-beta.3', '1.32.0-alpha.9'],
      '1.32.0-rc.0',
    ],
    ['none of a version that was released meanwhile', ['1.32.0-rc.2', '1.32.0'], undefined],
    [
      'that of the next version when there is one',
      ['1.32.0-rc.2', '1.32.0', '1.33.0-alpha.0'],
      '1.33.0-alpha.0',
    ],
    ['none that is older than a known release', ['1.31.0-rc.0', '1.31.1-rc.1'], undefined],
    ['one of a newer patch release', ['1.31.2-rc.0'], '1.31.2-rc.0'],
    [
      'no other builds',
      ['1.32.0-alpha.1-distroless', '1.32-dev', 'latest', '1.32.0-alpha.1.debug'],
      undefined,
    ],
    ['nothing of nothing', [], undefined],
  ])('is %s', (_, tags, expected) => {
    expect(newestPreRelease(tags, known)).toBe(expected);
    expect(newestPreRelease(tags.toReversed(), known)).toBe(expected);
  });
});

test.skipIf(skipped !== undefined)('the newest pre-release is found in a real registry', async () => {
  const registry = await startRegistry();
  for (const tag of ['1.31.1', '1.99.0-alpha.1', '1.99.0-beta.0'])
    await pushImage(registry, 'istio/pilot', { layers: [] }, tag);
  const versions = loadVersions(fileURLToPath(new URL('../../../kind/versions.yaml', import.meta.url)));
  expect(await findPreRelease(versions, `${registry}/istio`, unaborted())).toBe('1.99.0-beta.0');
});

test.each(['', ',', ' , '])('refuses "%s", which would be a workflow without a job', async (istio) => {
  const error = await failure(
    matrixCommand({ istio }, { stdout: new PassThrough(), stderr: new PassThrough(), env: {}, cwd: '.' }),
  );
  expect(error).toMatchObject({ code: 'E_USAGE', message: '--istio names no version' });
});
