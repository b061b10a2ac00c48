import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { findPreRelease, newestPreRelease } from '../../../src/cli/support/pre-release.ts';
import { imageTags } from '../../../src/programs/oci/image.ts';
import { loadVersions } from '../../../src/programs/versions.ts';
import { downloads, quick } from '../../programs/downloads.ts';
import { failure } from '../../programs/oci/fetcher.ts';
import { pushImage } from '../../programs/oci/images.ts';
import { skipped, startRegistry } from '../../programs/oci/registries.ts';

const versions = loadVersions(fileURLToPath(new URL('../../../kind/versions.yaml', import.meta.url)));
const { signal } = new AbortController();
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

test.skipIf(skipped !== undefined)('is found in a real registry', async () => {
  const registry = await startRegistry();
  for (const tag of ['1.31.1', '1.99.0-alpha.1', '1.99.0-beta.0'])
    await pushImage(registry, 'istio/pilot', { layers: [] }, tag);
  expect(await findPreRelease(versions, `${registry}/istio`, { signal })).toBe('1.99.0-beta.0');
});

/** Answers with pages of tags; `link` makes the header of each but the last. */
async function paged(pages: readonly (readonly string[])[], link: (page: number, url: string) => string) {
  const server = await downloads();
  const path = (page: number) => `/v2/istio/pilot/tags/list?n=1000${page === 0 ? '' : `&last=${page}`}`;
  for (const [page, tags] of pages.entries()) {
    server.routes.set(path(page), (_: IncomingMessage, response: ServerResponse) => {
      if (page < pages.length - 1) response.setHeader('Link', link(page + 1, server.url));
      response.end(JSON.stringify({ name: 'istio/pilot', tags: tags.length === 0 ? null : tags }));
    });
  }
  return { image: `${server.url.slice('http://'.length)}/istio/pilot`, asked: server.asked };
}

describe('the tags of a repository', () => {
  test('are read to the last page, whether links are relative or absolute', async () => {
    const links = [
      (page: number) => `</v2/istio/pilot/tags/list?n=1000&last=${page}>; rel="next"`,
      (page: number, url: string) => `<${url}/v2/istio/pilot/tags/list?n=1000&last=${page}>; rel=next`,
    ];
    for (const link of links) {
      const { image } = await paged([['a'], ['b', 'c'], []], link);
      expect(await imageTags({ image, signal, limits: quick })).toEqual(['a', 'b', 'c']);
    }
  });

  test('are asked for at the registry only, wherever a link leads', async () => {
    const { image, asked } = await paged(
      [['a'], ['b']],
      () => '<https://attacker.example/v2/istio/pilot/tags/list?n=1000&last=1>; rel="next"',
    );
    expect(await imageTags({ image, signal, limits: quick })).toEqual(['a', 'b']);
    expect(asked).toHaveLength(2);
  });

  test('that never end are an error', async () => {
    const { image, asked } = await paged(
      [['a'], ['b'], ['c']],
      () => '</v2/istio/pilot/tags/list?n=1000&last=1>; rel="next"',
    );
    const error = await failure(imageTags({ image, signal, limits: quick }));
    expect(error.message).toMatch(/last=1 is page 100 and not the last$/);
    expect(asked).toHaveLength(100);
  });

  test('that are no list are an error that names the registry', async () => {
    const server = await downloads();
    server.routes.set('/v2/istio/pilot/tags/list?n=1000', (_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<html>log in</html>');
    });
    const image = `${server.url.slice('http://'.length)}/istio/pilot`;
    expect((await failure(imageTags({ image, signal, limits: quick }))).message).toContain(
      'with an HTML page',
    );
  });
});
