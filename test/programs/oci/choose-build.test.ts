import { expect, test } from 'vitest';
import { checkBuild, chooseBuild } from '../../../src/programs/oci/choose-build.ts';
import { failure } from './fetcher.ts';

const build = (os: string, architecture: string, variant?: string) => ({
  mediaType: '',
  digest: [os, architecture, variant].join('/'),
  size: 1,
  platform: { os, architecture, variant },
});

test('a build is chosen that every processor of the architecture can run', () => {
  const entries = [
    { mediaType: '', digest: 'no platform', size: 1 },
    build('windows', 'amd64'),
    build('linux', 'amd64', 'v3'),
    build('linux', 'amd64', ''),
    build('linux', 'arm64', 'v9'),
    build('linux', 'arm64', 'v8'),
  ];
  expect(chooseBuild(entries, 'linux-amd64', 'x').digest).toBe('linux/amd64/');
  expect(chooseBuild(entries, 'linux-arm64', 'x').digest).toBe('linux/arm64/v8');
});

test('without one, the error tells what there is', async () => {
  const choose = async (...entries: ReturnType<typeof build>[]) => chooseBuild(entries, 'linux-amd64', 'x');
  const other = await failure(choose(build('linux', 'amd64', 'v3'), build('unknown', 'unknown')));
  const none = await failure(choose());

  expect(other.message).toBe('x has no build for linux/amd64');
  expect(other.hint).toBe('there is linux/amd64/v3');
  expect(none.hint).toBe('its index names no platform');
});

test.each(['', '{}', '[]', '{"os":"linux"}'])('a configuration that names no platform: %s', async (text) => {
  const check = async () => checkBuild(Buffer.from(text), 'linux-amd64', 'x');
  expect((await failure(check())).message).toBe('the configuration of x does not say what it was built for');
});
