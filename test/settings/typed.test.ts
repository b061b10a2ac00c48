import { describe, expect, test } from 'vitest';
import { loadVersions } from '../../src/programs/versions.ts';
import { count, flag, imagesOf, list, shardOf, text } from '../../src/settings/typed.ts';

const versions = loadVersions('kind/versions.yaml');

test('text, switch and list', () => {
  const values = { hub: 'x', keep: true, reuse: false, tag: ['a'], image: 'curl=x' };
  expect([text(values, 'hub'), text(values, 'keep'), text(values, 'none')]).toEqual([
    'x',
    undefined,
    undefined,
  ]);
  expect([flag(values, 'keep'), flag(values, 'reuse'), flag(values, 'none')]).toEqual([true, false, false]);
  expect([list(values, 'tag'), list(values, 'image'), list(values, 'none')]).toEqual([['a'], ['curl=x'], []]);
});

test('count', () => {
  expect(count({ consecutive: '5' }, 'consecutive', 3)).toBe(5);
  expect(count({}, 'consecutive', 3)).toBe(3);
  for (const wrong of ['0', '-1', '1.5', 'x', '', 'Infinity']) {
    expect(() => count({ consecutive: wrong }, 'consecutive', 3)).toThrow(
      expect.objectContaining({
        code: 'E_USAGE',
        message: `--consecutive must be a whole number above 0, not "${wrong}"`,
      }),
    );
  }
});

test('shard', () => {
  expect(shardOf({})).toBeUndefined();
  expect(shardOf({ shard: '1/3' })).toEqual({ index: 1, count: 3 });
  expect(shardOf({ shard: '12/12' })).toEqual({ index: 12, count: 12 });
  for (const wrong of ['0/3', '4/3', '1', '1/0', 'a/b', '1/3/5', ' 1/3', '']) {
    expect(() => shardOf({ shard: wrong })).toThrow(
      expect.objectContaining({ code: 'E_USAGE', message: `--shard must be such as 1/3, not "${wrong}"` }),
    );
  }
});

describe('images', () => {
  test('are those of kind/versions.yaml unless set', () => {
    expect(imagesOf({}, versions)).toMatchObject(versions.images);
    const digest = `example.com:5000/node@sha256:${'0'.repeat(64)}`;
    const set = imagesOf({ image: ['curl=example.com/curl:1', `node=${digest}`] }, versions);
    expect(set).toMatchObject({ ...versions.images, curl: 'example.com/curl:1', node: digest });
  });

  test('bookinfo stands for its services, and the last one given counts', () => {
    const set = imagesOf({ image: ['bookinfo=all:1', 'bookinfo-details=own:2'] }, versions);
    expect(set).toMatchObject({
      'bookinfo-productpage': 'all:1',
      'bookinfo-reviews': 'all:1',
      'bookinfo-ratings': 'all:1',
      'bookinfo-details': 'own:2',
    });
    expect(set.curl).toBe(versions.images.curl);
  });

  test.each([
    ['curl', '--image must be NAME=IMAGE, not "curl"'],
    ['curl=', '--image must be NAME=IMAGE, not "curl="'],
    ['=x', '--image must be NAME=IMAGE, not "=x"'],
    ['curl=a b', '--image must be NAME=IMAGE, not "curl=a b"'],
    ['wget=x', 'there is no image named "wget"'],
    ['constructor=x', 'there is no image named "constructor"'],
  ])('%s is a mistake', (entry, message) => {
    expect(() => imagesOf({ image: [entry] }, versions)).toThrow(
      expect.objectContaining({ code: 'E_USAGE', message }),
    );
  });

  test('an unknown name is told which there are', () => {
    expect(() => imagesOf({ image: ['wget=x'] }, versions)).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/bookinfo, .*httpbin, .*curl/) }),
    );
  });
});
