/** What the targets kind and cluster share, with the curl of this machine in the place of the one in a pod. */
import { spawn } from 'node:child_process';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FetchMode, MeshFacts } from '../../../src/events.ts';
import { KubeClient, loadKubeConfig } from '../../../src/kube/client.ts';
import { KubernetesTarget } from '../../../src/target/kubernetes/kubernetes-target.ts';
import type { HttpRequest, KeyServerHandle, KubeObject } from '../../../src/target/target.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import type { ExecSession } from '../../support/fake-exec.ts';
import { type HttpServer, startHttpServer, valuesOf } from '../../support/http-server.ts';
import { unaborted } from '../../support/signals.ts';

class SharedTarget extends KubernetesTarget {
  readonly name = 'shared';
  readonly missing = new Map();
  constructor(client: KubeClient) {
    super({
      appsFolder: 'kind/apps',
      images: { httpbin: 'example.com/httpbin:1', curl: 'example.com/curl:1' },
      istioNamespace: 'istio-system',
      gateway: { namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
    });
    this.connect({ data: client, mesh: client });
  }
  async up(): Promise<MeshFacts> {
    return expect.fail('not here');
  }
  async setFetchMode(): Promise<void> {}
  fetchMode(): FetchMode {
    return 'istiod';
  }
  async caCertificate(): Promise<string> {
    return '';
  }
  ingressUrl(): string {
    return 'http://127.0.0.1:31080';
  }
  async startKeyServer(): Promise<KeyServerHandle> {
    return expect.fail('not here');
  }
  async down(): Promise<void> {}
  protected kubectlFlags(): string[] {
    return ['--context', 'my context'];
  }
}

let api: FakeApi;
let web: HttpServer;
let client: KubeClient;
let target: SharedTarget;
const signal = unaborted();
beforeAll(async () => {
  api = await FakeApi.start();
  web = await startHttpServer();
});
beforeEach(() => {
  api.reset();
  web.seen.length = 0;
  client = new KubeClient(loadKubeConfig({ file: api.kubeconfig }));
  target = new SharedTarget(client);
});
afterEach(async () => {
  await client.close();
});
afterAll(async () => {
  await api.stop();
  await web.stop();
});

const ready = { conditions: [{ type: 'Ready', status: 'True' }] };

function pod(name: string, app: string, more: Partial<KubeObject> & { containers?: string[] } = {}): void {
  const { containers = [app, 'istio-proxy'], ...rest } = more;
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'foo', labels: { app } },
    spec: { containers: containers.map((each) => ({ name: each, image: 'x' })) },
    status: ready,
    ...rest,
  });
}

/** Runs the command here, as a container would there; its standard input is not closed. */
function really(session: ExecSession): void {
  const [program = '', ...args] = session.command;
  const child = spawn(program, args, { env: { PATH: process.env.PATH } });
  child.stdout.on('data', (chunk: Buffer) => session.stdout(chunk));
  child.stderr.on('data', (chunk: Buffer) => session.stderr(chunk.toString()));
  child.on('close', (code) => session.exit(code ?? 1));
  const bytes = Number(args.join(' ').match(/head -c (\d+)/)?.[1]);
  void session.stdin(bytes).then((text) => child.stdin.write(text));
}

function request(path: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return { id: 'jwt-e2e/abc-1', method: 'GET', url: `${web.url}${path}`, headers: [], ...more };
}

const sleep = { kind: 'pod', app: 'sleep', namespace: 'foo' } as const;

describe('send', () => {
  test('sends all rounds in one command, and sorts the answers', async () => {
    pod('sleep-0', 'sleep', { status: { conditions: [] } });
    pod('sleep-1', 'sleep');
    api.onExec(really);
    web.handler = (seen, response) => void response.writeHead(seen.url === '/a' ? 200 : 403).end(seen.url);
    const rounds = await target.send(
      sleep,
      [request('/a', { headers: [['Authorization', 'Bearer ü.b.c']] }), request('/b')],
      3,
      signal,
    );
    expect(rounds.map((round) => round.map(({ status, body }) => `${status} ${body}`))).toEqual([
      ['200 /a', '403 /b'],
      ['200 /a', '403 /b'],
      ['200 /a', '403 /b'],
    ]);
    expect(api.exec.sessions).toHaveLength(1);
    expect(api.exec.sessions[0]).toMatchObject({ namespace: 'foo', pod: 'sleep-1', container: 'sleep' });
    expect(valuesOf(web.seen[0], 'user-agent')).toEqual(['jwt-e2e/abc-1']);
  });

  test('says what the container said when it has no curl', async () => {
    pod('sleep-1', 'sleep');
    api.onExec(async (session) => {
      session.stderr('sh: curl: not found\n');
      session.exit(127);
    });
    await expect(target.send(sleep, [request('/')], 1, signal)).rejects.toMatchObject({
      code: 'E_SEND',
      message: 'curl ended after 0 of 1 requests',
      details: expect.stringContaining('curl: not found'),
    });
  });

  test('says that there is nobody to send from', async () => {
    pod('sleep-1', 'sleep', { status: { conditions: [] } });
    await expect(target.send(sleep, [request('/')], 1, signal)).rejects.toMatchObject({
      code: 'E_SEND',
      message: 'no pod of app sleep in namespace foo is ready',
    });
  });
});

test('the line for a shell goes through kubectl, or to the gateway', () => {
  const plain = request("/it's", { url: "http://httpbin.foo:8000/it's" });
  expect(target.curl(sleep, plain)).toBe(
    "kubectl --context 'my context' exec -n foo deploy/sleep -c sleep -- " +
      "curl --path-as-is --globoff -sS -i 'http://httpbin.foo:8000/it'\\''s'",
  );
  expect(target.curl({ kind: 'ingress' }, { ...plain, url: '/productpage' })).toBe(
    'curl --path-as-is --globoff -sS -i http://127.0.0.1:31080/productpage',
  );
});

describe('proxies', () => {
  const service = (name: string, selector?: Record<string, string>, namespace = 'foo') =>
    api.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: selector === undefined ? {} : { selector },
    });
  const of = async (url: string) => (await target.proxies(sleep, url, signal)).map((proxy) => proxy.pod);

  test('are the ready sidecars behind the Service, however it is named', async () => {
    service('httpbin', { app: 'httpbin' });
    pod('httpbin-1', 'httpbin');
    pod('httpbin-2', 'httpbin', { status: { conditions: [] } });
    pod('httpbin-3', 'httpbin', { containers: ['httpbin'] });
    for (const host of ['httpbin', 'httpbin.foo', 'httpbin.foo.svc', 'httpbin.foo.svc.cluster.local'])
      expect(await of(`http://${host}:8000/headers`)).toEqual(['httpbin-1']);
  });

  test('there are none for what is no Service, has no pods of its own, or is outside', async () => {
    service('external');
    for (const host of ['nobody.foo', 'external.foo', '10.1.2.3', 'keys.example.com'])
      expect(await of(`http://${host}/`)).toEqual([]);
  });

  test('of the ingress gateway are those that are ready', async () => {
    const gateway = (name: string, status: object) =>
      api.put({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
        spec: { containers: [{ name: 'istio-proxy', image: 'x' }] },
        status,
      });
    gateway('gateway-1', ready);
    gateway('gateway-2', {});
    const found = await target.proxies({ kind: 'ingress' }, '', signal);
    expect(found).toEqual([
      { namespace: 'istio-system', pod: 'gateway-1', labels: { istio: 'ingressgateway' }, kind: 'gateway' },
    ]);
  });
});

describe('policies', () => {
  const proxy = { namespace: 'foo', pod: 'httpbin-1', labels: { app: 'httpbin' }, kind: 'sidecar' } as const;

  test('declared are those of its namespace and the root one that select it', async () => {
    const policy = (name: string, namespace: string, spec?: object, kind = 'AuthorizationPolicy') =>
      api.put({
        apiVersion: 'security.istio.io/v1',
        kind,
        metadata: { name, namespace },
        ...(spec === undefined ? {} : { spec }),
      });
    policy('all', 'foo');
    policy('mine', 'foo', { selector: { matchLabels: { app: 'httpbin' } } }, 'RequestAuthentication');
    policy('other', 'foo', { selector: { matchLabels: { app: 'sleep' } } });
    policy('more', 'foo', { selector: { matchLabels: { app: 'httpbin', version: 'v2' } } });
    policy('root', 'istio-system', {});
    policy('elsewhere', 'bar', {});
    policy('waypoint', 'foo', { targetRefs: [{ kind: 'Gateway', name: 'waypoint' }] });
    policy('one-target', 'foo', { targetRef: { kind: 'Gateway', name: 'waypoint' } });
    const found = await target.declaredPolicies(proxy, signal);
    expect(found.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'AuthorizationPolicy all',
      'AuthorizationPolicy root',
      'RequestAuthentication mine',
    ]);
  });

  test('enforced are read from Envoy, with clusters only when a host matters', async () => {
    const commands: string[] = [];
    api.onExec((session) => {
      const path = session.command.at(-1) ?? '';
      commands.push(`${session.pod} ${session.container} ${path}`);
      session.stdout(JSON.stringify({ configs: [] }));
      session.exit(0);
    });
    await target.proxyPolicies(proxy, [], signal);
    await target.proxyPolicies({ ...proxy, kind: 'gateway' }, ['keys.example.com'], signal);
    expect(commands.sort()).toEqual([
      'httpbin-1 istio-proxy config_dump?resource=dynamic_active_clusters',
      'httpbin-1 istio-proxy config_dump?resource=dynamic_listeners',
      'httpbin-1 istio-proxy config_dump?resource=dynamic_listeners&name_regex=virtualInbound',
    ]);
  });

  test('a proxy that does not answer is an error that names it', async () => {
    api.onExec((session) => {
      session.stderr('connection refused');
      session.exit(1);
    });
    await expect(target.proxyPolicies(proxy, [], signal)).rejects.toMatchObject({
      code: 'E_EXEC',
      message: expect.stringContaining('foo/httpbin-1'),
      details: 'connection refused',
    });
  });
});

test('fetches are read from the logs of all pods, since the time asked for', async () => {
  pod('keys-1', 'keys');
  pod('keys-2', 'keys');
  const since = Date.parse('2026-11-22T10:00:00.500Z');
  const line = (time: string, agent: string) =>
    `2026-11-22T10:00:${time}Z 10.0.0.1 - - [22/Nov/2026:10:00:00 +0000] "GET /get_jwks HTTP/1.1" 200 5 "-" "${agent}"`;
  api.rule('GET', /keys-1\/log$/, {
    status: 200,
    body: `${line('00.400000000', 'Go-http-client/1.1')}\n${line('00.600000000', 'Go-http-client/1.1')}\nnoise\n`,
  });
  api.rule('GET', /keys-2\/log$/, failure(400, 'BadRequest', 'is waiting to start'));
  const fetches = await target.podFetches({ namespace: 'foo', app: 'keys' }, '/get_jwks', since, signal);
  expect(fetches).toMatchObject([{ path: '/get_jwks', status: 200, by: 'istiod' }]);
  const asked = api.requests.find((each) => each.path.endsWith('keys-1/log'));
  expect(asked?.query).toMatchObject({
    container: 'keys',
    timestamps: 'true',
    sinceTime: '2026-11-22T09:59:59.500Z',
  });
});

describe('evidence', () => {
  test('is what each proxy has, its lines about the request, and what istiod says of keys', async () => {
    api.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'httpbin', namespace: 'foo' },
      spec: { selector: { app: 'httpbin' } },
    });
    pod('httpbin-1', 'httpbin');
    api.onExec((session) => {
      session.stdout(
        JSON.stringify({
          configs: [{ filters: [{ name: 'envoy.filters.http.rbac', typed_config: { rules: 1 } }] }],
        }),
      );
      session.exit(0);
    });
    api.rule('GET', /httpbin-1\/log$/, { status: 200, body: 'other\nGET / "jwt-e2e/abc-1" 403\n' });
    const files = await target.evidence(
      { origin: sleep, url: 'http://httpbin.foo:8000/', requestId: 'jwt-e2e/abc-1', since: Date.now() },
      signal,
    );
    const content = (part: string) => files.find(({ name }) => name.includes(part))?.content;
    expect(JSON.parse(content('proxy-filters-foo-httpbin-1') ?? '')).toEqual([
      { name: 'envoy.filters.http.rbac', typed_config: { rules: 1 } },
    ]);
    expect(content('access-log-foo-httpbin-1')).toBe('GET / "jwt-e2e/abc-1" 403');
    expect(content('istiod-jwks')).toBe('istiod logged nothing about keys in this time');
  });

  test('what cannot be had is replaced by the reason, and hides nothing else', async () => {
    api.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'httpbin', namespace: 'foo' },
      spec: { selector: { app: 'httpbin' } },
    });
    pod('httpbin-1', 'httpbin');
    api.exec.refuse = 403;
    api.rule('GET', /log$/, failure(500, 'InternalError', 'no logs'));
    const files = await target.evidence(
      { origin: sleep, url: 'http://httpbin.foo:8000/', requestId: 'x', since: Date.now() },
      signal,
    );
    expect(files.map(({ content }) => content.startsWith('could not be read:'))).toEqual([true, true, false]);
  });
});

describe('apply', () => {
  const configMap = (value: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'keys', namespace: 'foo' },
    data: { value },
  });

  test('a changed ConfigMap is made to reach the pods that mount it', async () => {
    const volumes = [{ name: 'configuration', configMap: { name: 'keys' } }];
    pod('mounting-1', 'a', { spec: { containers: [], volumes } });
    pod('other-1', 'b', { spec: { containers: [] } });
    await target.apply([configMap('one')], 'scope', signal);
    await target.apply([configMap('two')], 'scope', signal);
    const annotation = (name: string) =>
      api.get('v1', 'Pod', name, 'foo')?.metadata.annotations?.['jwt-e2e/refreshed-at'];
    expect(annotation('mounting-1')).toMatch(/^\d{4}-/);
    expect(annotation('other-1')).toBeUndefined();
    api.requests.length = 0;
    await target.apply([configMap('two')], 'scope', signal);
    expect(api.log('PATCH')).toEqual(['PATCH /api/v1/namespaces/foo/configmaps/keys']);
  });

  test('mesh settings are taken before anything comes after them, also when they are put back', async () => {
    const metadata = { name: 'istiod-1', namespace: 'istio-system', labels: { app: 'istiod' } };
    pod('istiod-1', 'istiod', { metadata });
    const object = { ...configMap(''), metadata: { name: 'istio', namespace: 'istio-system' } };
    const key = { ...object.metadata, apiVersion: 'v1', kind: 'ConfigMap' };
    const seen: unknown[] = [];
    let shown = {};
    api.onExec((session) => {
      const there = api.get('v1', 'ConfigMap', 'istio', 'istio-system')?.data;
      seen.push([there, api.get('v1', 'ConfigMap', 'after', 'foo') !== undefined]);
      session.stdout(JSON.stringify(shown));
      session.exit(0);
      shown = there === undefined ? {} : { trustDomainAliases: ['a'] };
    });
    const mesh = { mesh: 'trustDomainAliases: [a]' };
    const after = { ...configMap(''), metadata: { name: 'after', namespace: 'foo' } };
    await target.apply([{ ...object, data: mesh }, after], 's', signal);
    expect(seen.splice(0)).toEqual([
      [mesh, false],
      [mesh, false],
    ]);
    await target.delete([key], 's', signal);
    expect(seen.splice(0)).toEqual([
      [undefined, true],
      [undefined, true],
    ]);
    await target.apply([{ ...object, data: mesh }], 'other', signal);
    seen.length = 0;
    await target.undo('other', signal);
    expect(seen).toHaveLength(2);
  });

  test('those before one that is refused stay, and are undone', async () => {
    api.rule('PATCH', /requestauthentications/, failure(422, 'Invalid', 'no'));
    const authentication = {
      apiVersion: 'security.istio.io/v1',
      kind: 'RequestAuthentication',
      metadata: { name: 'jwt', namespace: 'foo' },
    };
    await expect(target.apply([configMap('one'), authentication], 'scope', signal)).rejects.toMatchObject({
      code: 'E_REFUSED',
    });
    expect(api.get('v1', 'ConfigMap', 'keys', 'foo')).toBeDefined();
    await target.undo('scope', signal);
    expect(api.get('v1', 'ConfigMap', 'keys', 'foo')).toBeUndefined();
  });

  test('applications are applied once, and again when they did not start', async () => {
    const done = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    api.rule('GET', /deployments\/sleep$/, failure(500, 'InternalError', 'etcd is away'), 1);
    await expect(target.prepare(['sleep'], signal)).rejects.toThrow('etcd is away');
    api.rule('PATCH', /deployments\/sleep$/, (asked) => {
      const stored = api.put({ ...(asked.body as KubeObject), status: done });
      return { status: 200, body: stored };
    });
    await target.prepare(['sleep'], signal);
    api.requests.length = 0;
    await target.prepare(['sleep'], signal);
    expect(api.log()).toEqual([]);
    // Its manifest has changed; the other one does not run.
    await target.reload(['sleep', 'httpbin'], signal);
    expect(api.log('PATCH').join('\n')).toContain('deployments/sleep');
    expect(api.log().join('\n')).not.toContain('httpbin');
    api.requests.length = 0;
    await target.prepare(['sleep'], signal);
    expect(api.log()).toEqual([]);
  });
});
