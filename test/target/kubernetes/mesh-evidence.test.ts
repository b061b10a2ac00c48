import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/files/limits.ts';
import type { Clients } from '../../../src/target/kubernetes/client-for.ts';
import {
  collectEvidence,
  filterDump,
  isAbout,
  jwksLines,
} from '../../../src/target/kubernetes/mesh-evidence.ts';
import type { ProxyRef } from '../../../src/target/target.ts';
import type { FakeApi } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';
import { useFakeApi } from '../../support/use-fake-api.ts';

let api: FakeApi;
let clients: Clients;
useFakeApi((server, client) => {
  api = server;
  clients = { data: client, mesh: client };
});

test('lines of an access log are those of one request, also when the number of another begins alike', () => {
  const line = (id: string) => `"GET /headers HTTP/1.1" 200 - via_upstream - "-" "${id}" "x"`;
  expect(isAbout(line('jwt-e2e/abc-1'), 'jwt-e2e/abc-1')).toBe(true);
  expect(isAbout(line('jwt-e2e/abc-12'), 'jwt-e2e/abc-1')).toBe(false);
  expect(isAbout(line('jwt-e2e/abc-2'), 'jwt-e2e/abc-1')).toBe(false);
  expect(isAbout('1 jwt-e2e/abc-1', 'jwt-e2e/abc-1')).toBe(true);
  expect(isAbout('jwt-e2e/abc-1 7', 'jwt-e2e/abc-1')).toBe(true);
  expect(isAbout(line('whatever'), '')).toBe(true);
  expect(isAbout('127.0.0.1 - -', '')).toBe(true);
});

test('of a dump of listeners there are only the filters that judge, wherever they are, and each once', () => {
  const filter = (name: string, config: unknown) => ({ name: `envoy.filters.http.${name}`, config });
  const jwt = filter('jwt_authn', { inner: filter('rbac', 'part of the one around it') });
  const [allow, deny] = [filter('rbac', 'ALLOW'), filter('rbac', 'DENY')];
  const dump = {
    name: 'envoy.filters.http',
    nothing: null,
    configs: [
      { listener: { name: 'one', chains: [[jwt, filter('router', 1), allow]] } },
      { name: 7, more: deny },
      { listener: { name: 'two', chains: [[jwt, allow]] } },
    ],
  };
  expect(filterDump(JSON.stringify(dump))).toBe(JSON.stringify([jwt, allow, deny], undefined, 2));
});

test('of the log of istiod there is what is about keys', () => {
  const about = [
    'info Failed to fetch JWKS from https://a',
    'warn no such jwt rule',
    'error: Public key of issuer a',
  ];
  expect(jwksLines(['info ads: push', about[0]!, '', ...about.slice(1)])).toBe(about.join('\n'));
  expect(jwksLines(['info ads: push', ''])).toBe('istiod logged nothing about keys in this time');
});

describe('logs', () => {
  const signal = unaborted();
  const proxies: ProxyRef[] = ['web-1', 'web-2'].map((pod) => ({
    namespace: 'foo',
    pod,
    labels: {},
    kind: 'sidecar',
  }));
  const since = Date.now() - 10_500;
  const collect = async () => {
    const query = { proxies, requestId: 'jwt-e2e/a-1', since };
    const files = await collectEvidence(clients, 'istio-system', query, signal);
    return Object.fromEntries(files.map(({ name, content }) => [name, content]));
  };
  function istiod(name: string, more: object = {}): void {
    const metadata = { name, namespace: 'istio-system', labels: { app: 'istiod' }, ...more };
    api.put({ apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [] } });
  }

  test('are those of every proxy and of every istiod, from a second before the request on', async () => {
    istiod('istiod-1');
    istiod('istiod-2');
    istiod('other', { labels: { app: 'kiali' } });
    const logs: Record<string, string> = {
      'web-1': 'GET /a "jwt-e2e/a-1" 403\nGET /b "jwt-e2e/a-2" 200\nGET /c "jwt-e2e/a-1" 401\n',
      'web-2': 'GET /a "jwt-e2e/a-2" 200\n',
      'istiod-1': 'jwks one\npush\n',
      'istiod-2': 'push\njwks two\n',
    };
    api.rule('GET', /\/log$/, ({ path }) => ({ status: 200, body: logs[path.split('/').at(-2)!] ?? 'jwks' }));
    expect(await collect()).toEqual({
      'proxy-filters-foo-web-1.json': expect.stringContaining('could not be read: '),
      'access-log-foo-web-1.txt': 'GET /a "jwt-e2e/a-1" 403\nGET /c "jwt-e2e/a-1" 401',
      'proxy-filters-foo-web-2.json': expect.stringContaining('could not be read: '),
      'access-log-foo-web-2.txt': 'no line for jwt-e2e/a-1',
      'istiod-jwks.txt': 'jwks one\njwks two',
    });
    const asked = api.requests.filter(({ path }) => path.endsWith('/log'));
    expect(asked.map(({ path, query }) => `${path.split('/').at(-2)} ${query.container}`).toSorted()).toEqual(
      ['istiod-1 discovery', 'istiod-2 discovery', 'web-1 istio-proxy', 'web-2 istio-proxy'],
    );
    // 11.5 seconds ago, or a little more by now.
    for (const { query } of asked) expect(Number(query.sinceSeconds)).toBeGreaterThanOrEqual(12);
  });

  test('of which one is too long to be read say so', async () => {
    istiod('istiod-1');
    istiod('istiod-2');
    const long = { status: 200, body: 'x'.repeat(limits.log) };
    api.rule('GET', /(web|istiod)-2\/log$/, long);
    api.rule('GET', /log$/, { status: 200, body: 'x' });
    const note = '\n(of a log, only the first 32 MiB since then were read)';
    expect(await collect()).toMatchObject({
      'access-log-foo-web-1.txt': 'no line for jwt-e2e/a-1',
      'access-log-foo-web-2.txt': `no line for jwt-e2e/a-1${note}`,
      'istiod-jwks.txt': `istiod logged nothing about keys in this time${note}`,
    });
  });
});
