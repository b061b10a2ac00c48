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
const limit = { requestMs: 5_000, allMs: 20_000 };
const httpbin = { namespace: 'foo', pod: 'httpbin-1', labels: {}, kind: 'sidecar' } as const;

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
      limit,
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

  test('a body without an end is cut, and the others have their answers all the same', async () => {
    pod('sleep-1', 'sleep');
    api.onExec(really);
    web.handler = ({ url }, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(100_000)));
      };
      if (url !== '/endless') response.end(url);
      else more();
      response.on('drain', more);
    };
    const rounds = await target.send(
      sleep,
      [request('/a'), request('/endless'), request('/b')],
      2,
      signal,
      limit,
    );
    const seen = rounds.map((round) => round.map(({ status, body, isCut }) => [status, body.length, isCut]));
    const round = [
      [200, 2, undefined],
      [200, 64 * 1024, true],
      [200, 2, undefined],
    ];
    expect(seen).toEqual([round, round]);
    expect(api.exec.sessions).toHaveLength(3);
  });

  test('says what the container said when it has no curl', async () => {
    pod('sleep-1', 'sleep');
    api.onExec(async (session) => {
      session.stderr('sh: curl: not found\n');
      session.exit(127);
    });
    await expect(target.send(sleep, [request('/')], 1, signal, limit)).rejects.toMatchObject({
      code: 'E_SEND',
      message: 'curl ended after 0 of 1 requests',
      details: expect.stringContaining('curl: not found'),
    });
  });

  test('says that there is nobody to send from', async () => {
    pod('sleep-1', 'sleep', { status: { conditions: [] } });
    await expect(target.send(sleep, [request('/')], 1, signal, limit)).rejects.toMatchObject({
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

describe('survey', () => {
  const put = (kind: string, name: string, more: Partial<KubeObject> = {}, apiVersion = 'v1') =>
    api.put({ apiVersion, kind, metadata: { name, namespace: 'foo' }, ...more });

  test('tells of each pod what policies and routes go by, and leaves out what is ending or has ended', async () => {
    pod('httpbin-1', 'httpbin', { status: { ...ready, podIP: '10.0.0.7' } });
    pod('httpbin-2', 'httpbin', { containers: ['httpbin'], status: {} });
    pod('gate', 'gate', { containers: ['istio-proxy'] });
    pod('done', 'job', { status: { phase: 'Succeeded' } });
    pod('ambient', 'some', {
      containers: ['some'],
      metadata: {
        name: 'ambient',
        namespace: 'foo',
        annotations: { 'ambient.istio.io/redirection': 'enabled' },
      },
    });
    pod('ending', 'httpbin', {
      metadata: { name: 'ending', namespace: 'foo', deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    const { pods, rootNamespace, ingress } = await target.survey(signal);
    expect({ rootNamespace, ingress }).toEqual({
      rootNamespace: 'istio-system',
      ingress: { namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
    });
    expect(
      pods.map(({ name, proxy, isReady, ip, isAmbient }) => [name, proxy, isReady, ip, isAmbient]).sort(),
    ).toEqual([
      ['ambient', undefined, true, undefined, true],
      ['gate', 'gateway', true, undefined, false],
      ['httpbin-1', 'sidecar', true, '10.0.0.7', false],
      ['httpbin-2', undefined, false, undefined, false],
    ]);
  });

  test('a pod with a native sidecar has one, however many containers it has besides', async () => {
    pod('native', 'app', {
      spec: {
        containers: [{ name: 'app', image: 'x' }],
        initContainers: [{ name: 'istio-proxy', image: 'x', restartPolicy: 'Always' }],
      },
    });
    expect((await target.survey(signal)).pods).toMatchObject([{ name: 'native', proxy: 'sidecar' }]);
  });

  test('has Services, policies and routes, and not the marker', async () => {
    put('Service', 'httpbin');
    put('RequestAuthentication', 'jwt', {}, 'security.istio.io/v1beta1');
    await target.mark('m1', [], signal);
    const { objects } = await target.survey(signal);
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual([
      'RequestAuthentication jwt',
      'Service httpbin',
    ]);
  });

  test('says what this user may not see', async () => {
    api.rule('GET', /virtualservices$/, failure(403, 'Forbidden', 'no'));
    expect((await target.survey(signal)).hidden).toEqual(['VirtualService']);
  });

  test('does not ask twice for kinds that are not there, until definitions are applied', async () => {
    api.resources.delete('extensions.istio.io/v1alpha1');
    const asked = () => api.requests.filter(({ path }) => path.includes('extensions.istio.io')).length;
    await target.survey(signal);
    const first = asked();
    await target.survey(signal);
    expect(asked()).toBe(first);
    expect(first).toBeGreaterThan(0);
  });
});

describe('mark', () => {
  const marker = () =>
    api.get('security.istio.io/v1beta1', 'AuthorizationPolicy', 'jwt-e2e-marker', 'istio-system');

  test('puts a dry run with the value into the root namespace, and another value in its place', async () => {
    await target.mark('m1', [httpbin], signal);
    expect(marker()).toMatchObject({
      metadata: { annotations: { 'istio.io/dry-run': 'true' } },
      spec: { action: 'DENY', rules: [{ from: [{ source: { namespaces: ['m1'] } }] }] },
    });
    await target.mark('m2', [httpbin], signal);
    expect(marker()).toMatchObject({ spec: { rules: [{ from: [{ source: { namespaces: ['m2'] } }] }] } });
  });
});

describe('policies', () => {
  test('enforced are read from Envoy, of a sidecar those of its inbound listener', async () => {
    const commands: string[] = [];
    api.onExec((session) => {
      const path = session.command.at(-1) ?? '';
      commands.push(`${session.pod} ${session.container} ${path}`);
      session.stdout(JSON.stringify({ configs: [] }));
      session.exit(0);
    });
    await target.proxyPolicies(httpbin, signal);
    await target.proxyPolicies({ ...httpbin, kind: 'gateway' }, signal);
    expect(commands.sort()).toEqual([
      'httpbin-1 istio-proxy config_dump?resource=dynamic_listeners',
      'httpbin-1 istio-proxy config_dump?resource=dynamic_listeners&name_regex=virtualInbound',
    ]);
  });

  test('a proxy that does not answer is an error that names it', async () => {
    api.onExec((session) => {
      session.stderr('connection refused');
      session.exit(1);
    });
    await expect(target.proxyPolicies(httpbin, signal)).rejects.toMatchObject({
      code: 'E_EXEC',
      message: expect.stringContaining('foo/httpbin-1'),
      details: 'connection refused',
    });
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
      { proxies: [httpbin], requestId: 'jwt-e2e/abc-1', since: Date.now() },
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
    const files = await target.evidence({ proxies: [httpbin], requestId: 'x', since: Date.now() }, signal);
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

test('looks around once Services have the pods of what was applied, deleted and put back', async () => {
  const service: KubeObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'foo' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  };
  const key = { apiVersion: 'v1', kind: 'Service', name: 'web', namespace: 'foo' };
  api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } });
  pod('web-1', 'web');
  let asked = 0;
  api.rule('GET', /\/namespaces\/foo\/endpointslices$/, () => {
    asked += 1;
    return undefined;
  });
  const listed = () => {
    asked = 0;
    const wait = AbortSignal.timeout(300);
    return target.survey(wait).then(
      () => `after ${asked}`,
      () => 'not yet',
    );
  };
  await target.apply([service], 'scope', signal);
  expect(await listed()).toBe('not yet');
  api.put({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-x', namespace: 'foo', labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints: [{ conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'web-1' } }],
  } as unknown as KubeObject);
  expect(await listed()).toBe('after 1');
  expect(await listed()).toBe('after 0');
  await target.delete([key], 'scope', signal);
  expect(await listed()).toBe('after 1');
  await target.undo('scope', signal);
  expect(await listed()).toBe('after 1');
});
