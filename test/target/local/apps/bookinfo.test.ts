import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { closeApps, send, start, type TestApp } from './support.ts';

const kinds = ['bookinfo-productpage', 'bookinfo-details', 'bookinfo-reviews', 'bookinfo-ratings'] as const;
const apps = new Map<string, TestApp>();
beforeAll(async () => {
  for (const kind of kinds) apps.set(kind, await start(kind));
});
afterAll(closeApps);

const json = 'application/json';
const html = 'text/html; charset=utf-8';

describe('productpage', () => {
  test.each([
    ['/', 200, html],
    ['/productpage', 200, html],
    ['/productpage?u=normal', 200, html],
    ['HEAD /productpage', 200, html],
    ['POST /productpage', 405, html],
    ['/productpage/', 404, html],
    ['/health', 200, html],
    ['POST /login', 302, html],
    ['/login', 405, html],
    ['/logout', 302, html],
    ['/static/bootstrap.css', 200, 'text/css; charset=utf-8'],
    ['/static/img/none.txt', 404, html],
    ['/api/v1/products', 200, json],
    ['/api/v1/products/', 404, html],
    ['/api/v1/products/0', 200, json],
    ['/api/v1/products/1', 200, json],
    ['/api/v1/products/abc', 400, json],
    ['/api/v1/products/0/reviews', 200, json],
    ['/api/v1/products/abc/reviews', 404, json],
    ['/api/v1/products/0/ratings', 200, json],
    ['/api/v1/products/0/other', 404, html],
    ['/api/v1%2Fproducts/0', 200, json],
    ['/%70roductpage', 200, html],
    ['/static/../productpage', 404, html],
    ['/./productpage', 404, html],
    ['/%zz', 400, html],
  ])('%s answers %i', async (what, status, type) => {
    const answer = await send(apps.get('bookinfo-productpage')!, what, {
      body: what.startsWith('POST') ? 'username=a' : '',
    });
    expect([answer.status, answer.headers['content-type']]).toEqual([status, type]);
    if (type === json) expect(() => JSON.parse(answer.body)).not.toThrow();
  });

  test('who logs in goes back to where they came from', async () => {
    const app = apps.get('bookinfo-productpage')!;
    const headers = { referer: 'http://gateway/productpage?u=test' };
    expect((await send(app, 'POST /login', { headers })).headers).toMatchObject({
      location: headers.referer,
    });
    expect((await send(app, '/logout')).headers).toMatchObject({
      location: '/productpage',
      'set-cookie': [expect.stringContaining('Max-Age=0')],
    });
  });
});

describe('the services behind it', () => {
  test.each([
    ['bookinfo-details', '/details/7', 200, { id: 7 }],
    ['bookinfo-details', '/details/x', 400, { error: 'please provide numeric product id' }],
    ['bookinfo-details', '/health', 200, { status: 'Details is healthy' }],
    ['bookinfo-reviews', '/reviews/7', 200, { id: '7', reviews: [{}, {}] }],
    ['bookinfo-reviews', '/reviews/x', 404, {}],
    ['bookinfo-reviews', '/health', 200, { status: 'Reviews is healthy' }],
    ['bookinfo-ratings', '/ratings/7', 200, { id: 7, ratings: { Reviewer1: 5, Reviewer2: 4 } }],
    ['bookinfo-ratings', '/ratings/x', 400, {}],
    ['bookinfo-ratings', '/health', 200, { status: 'Ratings is healthy' }],
  ])('%s %s answers %i', async (kind, path, status, expected) => {
    const answer = await send(apps.get(kind)!, path);
    expect([answer.status, answer.headers['content-type']]).toEqual([status, json]);
    expect(JSON.parse(answer.body)).toMatchObject(expected);
  });

  test.each(kinds.slice(1))('%s has none of the paths of the others', async (kind) => {
    const app = apps.get(kind)!;
    for (const other of kinds.slice(1).filter((each) => each !== kind)) {
      expect((await send(app, `/${other.replace('bookinfo-', '')}/0`)).status).toBe(404);
    }
    expect((await send(app, '/productpage')).status).toBe(404);
  });
});
