import fc from 'fast-check';
import { expect, test } from 'vitest';
import { challengesOf } from '../../../../src/programs/oci/registry/challenge.ts';

function read(header: string | string[] | undefined) {
  return challengesOf(header).map(({ scheme, parameters }) => ({
    scheme,
    ...Object.fromEntries(parameters),
  }));
}

test("Docker Hub's challenge", () => {
  const header =
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:istio/pilot:pull,push"';
  expect(read(header)).toEqual([
    {
      scheme: 'bearer',
      realm: 'https://auth.docker.io/token',
      service: 'registry.docker.io',
      scope: 'repository:istio/pilot:pull,push',
    },
  ]);
});

test.each([
  ['Basic realm="a, b=\\"c\\""', [{ scheme: 'basic', realm: 'a, b="c"' }]],
  ['BASIC Realm=plain', [{ scheme: 'basic', realm: 'plain' }]],
  [
    'Basic realm="x", Bearer realm = "y" , service="z"',
    [
      { scheme: 'basic', realm: 'x' },
      { scheme: 'bearer', realm: 'y', service: 'z' },
    ],
  ],
  ['Negotiate, Bearer realm="y"', [{ scheme: 'negotiate' }, { scheme: 'bearer', realm: 'y' }]],
  ['Bearer realm="never closed', [{ scheme: 'bearer' }, { scheme: 'realm' }]],
  ['', []],
])('%s', (header, challenges) => {
  expect(read(header)).toEqual(challenges);
});

test('several headers, and none', () => {
  expect(read(['Basic realm="a"', 'Bearer realm="b"']).map((challenge) => challenge.scheme)).toEqual([
    'basic',
    'bearer',
  ]);
  expect(read(undefined)).toEqual([]);
});

test('any text comes to an end', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aB=", \\\t/') }), (text) => {
      challengesOf(text);
    }),
  );
});
