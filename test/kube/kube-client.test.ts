import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { KubeClient } from '../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../src/kube/kube-config.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { type FakeApi, failure } from '../support/fake-api.ts';
import { unaborted } from '../support/signals.ts';
import { useFakeApi } from '../support/use-fake-api.ts';

let api: FakeApi;
let client: KubeClient;
useFakeApi((started, connected) => {
  api = started;
  client = connected;
});

const configMaps = '/api/v1/namespaces/foo/configmaps';

describe('request', () => {
  test('authenticates, and trusts the CA that the kubeconfig names by a path beside it', async () => {
    const { body, warnings } = await client.request(configMaps, { signal: unaborted() });
    expect(body).toMatchObject({ kind: 'ConfigMapList', items: [] });
    expect(warnings).toEqual([]);
  });

  test('sends query and body, and leaves out what is undefined in the query', async () => {
    api.rule('PUT', /./, { status: 200, body: { done: true } });
    const { body } = await client.request('/x', {
      method: 'PUT',
      query: { force: true, empty: undefined, text: 'a b&c' },
      body: { text: 'ü' },
      signal: unaborted(),
    });
    expect(body).toEqual({ done: true });
    expect(api.requests[0]).toMatchObject({
      query: { force: 'true', text: 'a b&c' },
      body: { text: 'ü' },
      headers: { 'content-type': 'application/json' },
    });
    expect(api.requests[0]?.query).not.toHaveProperty('empty');
  });

  test('sends text as it is when its format is said', async () => {
    api.rule('POST', /./, { status: 201, body: {} });
    const body = '{"kind": "ConfigMap"}';
    await client.request('/x', {
      method: 'POST',
      contentType: 'application/yaml',
      body,
      signal: unaborted(),
    });
    await client.request('/x', { method: 'POST', body: 'text', signal: unaborted() });
    expect(api.requests).toMatchObject([
      { body: { kind: 'ConfigMap' }, headers: { 'content-type': 'application/yaml' } },
      { body: 'text', headers: { 'content-type': 'application/json' } },
    ]);
  });

  test('gives a body that is not JSON as text', async () => {
    api.rule('GET', /log$/, { status: 200, body: 'line one\nline two\n' });
    expect((await client.request('/log', { signal: unaborted() })).body).toBe('line one\nline two\n');
  });

  test('reads all warnings, with escaped quotes, several in one header, and umlauts', async () => {
    api.rule('GET', /./, {
      status: 200,
      headers: {
        warning: [
          String.raw`299 - "field \"spec.x\" is \\ deprecated"`,
          '299 - "one", 299 istio "two" "Sun, 22 Nov 2026 10:00:00 GMT"',
          Buffer.from('299 - "schlüssel"').toString('latin1'),
          'nonsense',
        ],
      },
    });
    const { warnings } = await client.request('/x', { signal: unaborted() });
    expect(warnings).toEqual([String.raw`field "spec.x" is \ deprecated`, 'one', 'two', 'schlüssel']);
  });

  const away =
    'Internal error occurred: failed calling webhook "validation.istio.io": failed to call webhook: ' +
    'Post "https://istiod.istio-system.svc:443/validate?timeout=10s": connection refused';

  test('asks again while an admission webhook is away', async () => {
    api.rule('PATCH', /./, failure(500, 'InternalError', away), 2);
    api.rule('PATCH', /./, { status: 200, body: { done: true } });
    const { body } = await client.request('/x', { method: 'PATCH', body: {}, signal: unaborted() });
    expect(body).toEqual({ done: true });
    expect(api.requests).toHaveLength(3);
  });

  test('says what the API server says when the webhook stays away, and stops when it is interrupted', async () => {
    api.rule('PATCH', /./, failure(500, 'InternalError', away));
    const call = (signal: AbortSignal) =>
      client.request('/x', { method: 'PATCH', body: {}, signal, timeoutMs: 500 });
    await expect(call(unaborted())).rejects.toMatchObject({ code: 'E_KUBE', status: 500, message: away });
    const asked = api.requests.length;
    expect(asked).toBeGreaterThan(1);
    await expect(call(AbortSignal.timeout(100))).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect(api.requests).toHaveLength(asked + 1);
  });

  const busy = (status: number, retryAfter: string) => ({
    ...failure(status, 'TooManyRequests', 'storage is (re)initializing'),
    headers: { 'retry-after': retryAfter },
  });

  test.each([429, 500, 503])('asks again when the API server says when, with status %i', async (status) => {
    api.rule('GET', /./, busy(status, '1'), 2);
    api.rule('GET', /./, { status: 200, body: { items: [] } });
    const began = performance.now();
    expect((await client.request('/x', { signal: unaborted() })).body).toEqual({ items: [] });
    expect(performance.now() - began).toBeGreaterThan(1900);
    expect(api.requests).toHaveLength(3);
  });

  test('asks again after a moment when it says at once', async () => {
    api.rule('GET', /./, busy(429, '0'));
    const call = client.request('/x', { signal: unaborted(), timeoutMs: 900 });
    await expect(call).rejects.toMatchObject({ status: 429 });
    expect(api.requests.length).toBeGreaterThan(2);
    expect(api.requests.length).toBeLessThan(7);
  });

  test.each([
    ['is asked no longer than a request may take', 429, '1', 700],
    ['that does not say when is asked once', 503, 'soon', 5000],
    ['that has answered is asked once', 404, '1', 5000],
  ])('one that %s', async (_, status, retryAfter, timeoutMs) => {
    api.rule('GET', /./, busy(status, retryAfter));
    const call = client.request('/x', { signal: unaborted(), timeoutMs });
    await expect(call).rejects.toMatchObject({ status, message: 'storage is (re)initializing' });
    expect(api.requests).toHaveLength(1);
  });

  test('a webhook that refuses is asked once', async () => {
    const said = 'admission webhook "validation.istio.io" denied the request: configuration is invalid';
    api.rule('PATCH', /./, failure(400, 'BadRequest', said));
    await expect(
      client.request('/x', { method: 'PATCH', body: {}, signal: unaborted() }),
    ).rejects.toMatchObject({ status: 400 });
    expect(api.requests).toHaveLength(1);
  });

  test('turns a Status into an error that keeps code, reason and message, and says what was asked of whom', async () => {
    api.rule('GET', /./, failure(403, 'Forbidden', 'pods is forbidden'));
    const error = await client.request('/api/v1/pods', { signal: unaborted() }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(KubeError);
    expect(error).toMatchObject({
      code: 'E_KUBE',
      status: 403,
      reason: 'Forbidden',
      message: 'pods is forbidden',
      details: 'GET /api/v1/pods, context fake',
    });
  });

  test.each([
    [{ status: 502, body: 'Bad Gateway' }, 'Bad Gateway'],
    [{ status: 500, body: '' }, 'HTTP 500'],
    [{ status: 404, body: {} }, 'HTTP 404'],
    [{ status: 503, body: 'x'.repeat(2000) }, 'x'.repeat(500)],
  ])('understands an error that is no Status: %j', async (reply, message) => {
    api.rule('GET', /./, reply);
    const error = await client.request('/x', { signal: unaborted() }).catch((thrown) => thrown);
    expect(error).toMatchObject({ status: reply.status, message });
  });

  test('ends after its time, and says of which request and context', async () => {
    api.rule('GET', /./, 'hang');
    await expect(client.request('/slow', { signal: unaborted(), timeoutMs: 50 })).rejects.toMatchObject({
      code: 'E_TIMEOUT',
      message: 'the request to /slow of context fake took longer than 0 s',
    });
  });

  test('ends when the signal is aborted, also one that was aborted before', async () => {
    api.rule('GET', /./, 'hang');
    const controller = new AbortController();
    const pending = client.request('/slow', { signal: controller.signal });
    setTimeout(() => controller.abort('SIGINT'), 20);
    await expect(pending).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    await expect(client.request('/x', { signal: controller.signal })).rejects.toMatchObject({
      code: 'E_INTERRUPTED',
    });
  });

  test('names the context when the connection breaks', async () => {
    api.rule('GET', /./, 'reset');
    await expect(client.request('/x', { signal: unaborted() })).rejects.toMatchObject({
      code: 'E_KUBE',
      message: expect.stringMatching(/^the API server of context fake does not answer: .+/),
      hint: expect.stringContaining('--context'),
    });
  });

  test('says why nobody can be reached under a name with several addresses', async () => {
    // A port that nothing listens on.
    const closed: Server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => closed.once('listening', resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    const file = join(api.folder, 'gone');
    writeFileSync(
      file,
      readFileSync(api.kubeconfig, 'utf8').replace(/server: .*/, `server: https://localhost:${port}`),
    );
    const gone = new KubeClient(loadKubeConfig({ file }));
    await expect(gone.request('/x', { signal: unaborted() })).rejects.toMatchObject({
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await gone.close();
  });

  test('hundreds of requests leave no listener on the signal and cause no warning of Node', async () => {
    const warned = vi.fn();
    process.on('warning', warned);
    const controller = new AbortController();
    const added = vi.spyOn(controller.signal, 'addEventListener');
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    await Promise.all(
      Array.from({ length: 300 }, () => client.request(configMaps, { signal: controller.signal })),
    );
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warned);
    expect(warned).not.toHaveBeenCalled();
    expect(added).toHaveBeenCalledTimes(300);
    expect(removed).toHaveBeenCalledTimes(300);
    expect(api.connections).toBeLessThanOrEqual(16);
  });
});

describe('stream', () => {
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
  });
  const stream = (path: string, signal = unaborted()) =>
    client.stream(path, { watch: true, resourceVersion: '999' }, signal, (line) => lines.push(line));

  test('tells line by line, also while it goes on, and ends when the API server ends it', async () => {
    const streaming = stream(configMaps);
    await expect.poll(() => api.watches).toBe(1);
    api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'grün', namespace: 'foo' } });
    await expect.poll(() => lines.map((line) => JSON.parse(line).object.metadata.name)).toEqual(['grün']);
    api.endWatches();
    await streaming;
    expect(api.requests[0]).toMatchObject({ query: { watch: 'true', resourceVersion: '999' } });
  });

  test('puts together what comes in pieces, and leaves out empty lines', async () => {
    api.rule('GET', /pieces$/, { status: 200, body: `one\n\n${'ü'.repeat(300_000)}\nnot ended` });
    await stream('/pieces');
    expect(lines).toEqual(['one', 'ü'.repeat(300_000)]);
  });

  test('is an error when the answer is one, when the connection breaks, and when a line is too much', async () => {
    api.rule('GET', /refused$/, failure(410, 'Expired', 'too old resource version'));
    await expect(stream('/refused')).rejects.toMatchObject({ status: 410, reason: 'Expired' });
    api.rule('GET', /broken$/, 'reset');
    await expect(stream('/broken')).rejects.toThrow();
    api.rule('GET', /lines$/, { status: 200, body: 'one\ntwo\n' });
    const tooMuch = client.stream('/lines', {}, unaborted(), (line) => {
      throw new Error(`${line} is too much`);
    });
    await expect(tooMuch).rejects.toThrow('one is too much');
  });

  test('ends with the signal', async () => {
    const aborted = new AbortController();
    const streaming = stream(configMaps, aborted.signal);
    await expect.poll(() => api.watches).toBe(1);
    aborted.abort();
    await expect(streaming).rejects.toThrow();
    await expect.poll(() => api.watches).toBe(0);
  });
});

describe('resource', () => {
  test('is discovered once, for all who ask at the same time and later', async () => {
    const signal = unaborted();
    const found = await Promise.all([
      client.resource('apps/v1', 'Deployment', signal),
      client.resource('apps/v1', 'Deployment', signal),
    ]);
    expect(found[0]).toEqual({ plural: 'deployments', namespaced: true });
    await client.resource('apps/v1', 'Deployment', signal);
    expect(await client.resource('v1', 'Namespace', signal)).toEqual({
      plural: 'namespaces',
      namespaced: false,
    });
    expect(api.log()).toEqual(['GET /apis/apps/v1', 'GET /api/v1']);
  });

  test('sees a kind that was added later, in a group that was known and in one that was not', async () => {
    const signal = unaborted();
    await client.resource('v1', 'Pod', signal);
    const late = { name: 'lates', kind: 'Late', namespaced: true };
    api.resources.set('v1', [...(api.resources.get('v1') ?? []), late]);
    expect(await client.resource('v1', 'Late', signal)).toEqual({ plural: 'lates', namespaced: true });

    await expect(client.resource('new.example.com/v1', 'Late', signal)).rejects.toThrow();
    api.resources.set('new.example.com/v1', [late]);
    expect(await client.resource('new.example.com/v1', 'Late', signal)).toMatchObject({ plural: 'lates' });
  });

  test('says which kind is missing where, and what that means for Istio', async () => {
    await expect(client.resource('v1', 'Unicorn', unaborted())).rejects.toMatchObject({
      code: 'E_KUBE',
      message: 'the API server of context fake has no kind Unicorn in v1',
      hint: undefined,
    });
    await expect(client.resource('telemetry.istio.io/v1', 'Telemetry', unaborted())).rejects.toMatchObject({
      hint: expect.stringContaining('--mesh-context'),
    });
  });

  test('is asked for again after a failure, and is not lost when the first who asked goes away', async () => {
    api.rule('GET', /v1$/, failure(500, 'InternalError', 'etcd is away'), 1);
    await expect(client.resource('v1', 'Pod', unaborted())).rejects.toThrow('etcd is away');
    expect(await client.resource('v1', 'Pod', unaborted())).toMatchObject({ plural: 'pods' });

    api.rule('GET', /apps\/v1$/, 'hang', 1);
    const first = new AbortController();
    const one = client.resource('apps/v1', 'Deployment', first.signal);
    const other = client.resource('apps/v1', 'Deployment', unaborted());
    setTimeout(() => first.abort('SIGINT'), 20);
    await expect(one).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect(await other).toMatchObject({ plural: 'deployments' });
  });
});

describe('loadKubeConfig', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  afterEach(() => vi.unstubAllEnvs());

  test('selects a context, which names the client', () => {
    const other = new KubeClient(loadKubeConfig({ file: api.kubeconfig, context: 'other' }));
    expect([client.name, other.name]).toEqual(['fake', 'other']);
  });

  test('says which contexts there are', () => {
    expect(() => loadKubeConfig({ file: api.kubeconfig, context: 'prod' })).toThrow(
      expect.objectContaining({
        code: 'E_SETTINGS',
        message: 'kubeconfig has no context "prod"',
        hint: 'It has: fake, other.',
      }),
    );
  });

  test('says that a file is missing or is no kubeconfig, with its name', () => {
    expect(() => loadKubeConfig({ file: join(folder, 'none') })).toThrow(
      expect.objectContaining({
        code: 'E_SETTINGS',
        message: `kubeconfig ${join(folder, 'none')} does not exist`,
      }),
    );
    writeFileSync(join(folder, 'broken'), 'clusters: [');
    expect(() => loadKubeConfig({ file: join(folder, 'broken') })).toThrow(/cannot read kubeconfig .*broken/);
    writeFileSync(join(folder, 'empty'), 'apiVersion: v1\nkind: Config\n');
    expect(() => loadKubeConfig({ file: join(folder, 'empty') })).toThrow(
      expect.objectContaining({
        code: 'E_SETTINGS',
        message: 'kubeconfig has no current context',
        hint: expect.stringContaining('--context'),
      }),
    );
    expect(() => loadKubeConfig({ file: join(folder, 'empty'), context: 'x' })).toThrow(
      expect.objectContaining({ hint: 'It has no contexts at all.' }),
    );
  });

  test('takes KUBECONFIG, and says when it names no file or when there is nothing at all', () => {
    vi.stubEnv('KUBECONFIG', api.kubeconfig);
    expect(loadKubeConfig({}).getCurrentContext()).toBe('fake');
    vi.stubEnv('KUBECONFIG', join(folder, 'none'));
    expect(() => loadKubeConfig({})).toThrow(expect.objectContaining({ code: 'E_SETTINGS' }));
    vi.stubEnv('KUBECONFIG', '');
    mkdirSync(join(folder, 'home'), { recursive: true });
    vi.stubEnv('HOME', join(folder, 'home'));
    expect(() => loadKubeConfig({})).toThrow(
      expect.objectContaining({ code: 'E_SETTINGS', message: 'there is no kubeconfig' }),
    );
  });
});
