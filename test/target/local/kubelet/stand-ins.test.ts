import { describe, expect, test } from 'vitest';
import { standInFor } from '../../../../src/target/local/kubelet/stand-ins.ts';

describe('an image has a stand-in', () => {
  test.each([
    ['docker.io/mccutchen/go-httpbin:v2.15.0', 'httpbin'],
    ['kennethreitz/httpbin', 'httpbin'],
    ['nginx', 'nginx'],
    ['localhost:5000/mirror/nginx', 'nginx'],
    ['nginx@sha256:0123', 'nginx'],
    ['registry.local:5000/nginx:1.29@sha256:0123', 'nginx'],
    ['docker.io/curlimages/curl:8.16.0', 'sleep'],
    ['istio/examples-bookinfo-productpage-v1:1.20.3', 'bookinfo-productpage'],
    ['istio/examples-bookinfo-ratings-v1', 'bookinfo-ratings'],
  ])('by its repository: %s', (image, expected) => {
    expect(standInFor(image, 'app', {})).toBe(expected);
  });

  test('by the settings, whatever its name', () => {
    const images = { httpbin: 'mirror/a:1', curl: 'mirror/b:2', node: 'mirror/c:3' };
    expect(standInFor('mirror/a:1', 'app', images)).toBe('httpbin');
    expect(standInFor('mirror/b:2', 'app', images)).toBe('sleep');
    // The settings win over the repository.
    expect(standInFor('nginx', 'app', { httpbin: 'nginx' })).toBe('httpbin');
  });

  test('by the container, when one image is for several', () => {
    const images = { 'bookinfo-productpage': 'all', 'bookinfo-reviews': 'all', httpbin: 'all' };
    expect(standInFor('all', 'reviews', images)).toBe('bookinfo-reviews');
    expect(standInFor('all', 'httpbin', images)).toBe('httpbin');
    expect(standInFor('all', 'something', images)).toBe('httpbin');
  });

  test('by the container and the image of Node.js, when it is a program of this product', () => {
    const images = { node: 'mirror/node', nginx: 'nginx' };
    expect(standInFor('mirror/node', 'ext-authz', images)).toBe('ext-authz');
    expect(standInFor('nginx', 'ext-authz', images)).toBe('nginx');
    expect(() => standInFor('mirror/node', 'app', images)).toThrow('cannot run the image mirror/node');
  });
});

test.each(['redis:8', '', 'toString', 'mirror/constructor'])('no other image can be run: "%s"', (image) => {
  expect(() => standInFor(image, 'constructor', {})).toThrow(
    expect.objectContaining({
      code: 'E_NOT_READY',
      message: expect.stringContaining(image || '(none)'),
      hint: expect.stringContaining('--target kind'),
    }),
  );
});
