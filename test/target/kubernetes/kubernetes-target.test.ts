/** What the targets kind and cluster share, with the curl of this machine in the place of the one in a pod. */
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FetchMode, MeshFacts } from '../../../src/base/events.ts';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import { appsScope, KubernetesTarget } from '../../../src/target/kubernetes/kubernetes-target.ts';
import type {
  HttpRequest,
  KeyServerHandle,
  KubeObject,
  ObjectKey,
  ProxyRef,
} from '../../../src/target/target.ts';
import { FakeApi, failure } from '../../support/fake-api.ts';
import type { ExecSession } from '../../support/fake-exec.ts';
import { type HttpServer, startHttpServer, valuesOf } from '../../support/http-server.ts';
import { unaborted } from '../../support/signals.ts';

class SharedTarget extends KubernetesTarget {
  readonly name = 'shared';
  readonly missing = new Map();
  /** What it could not put back. */
  readonly warnings: string[] = [];
  /** What {@link survey} has waited for, each time that it waited. */
  readonly settled: string[][] = [];
  constructor(client: KubeClient | undefined, appsFolder = 'kind/apps') {
    super({
      appsFolder,
      images: { httpbin: 'example.com/httpbin:1', curl: 'example.com/curl:1' },
      istioNamespace: 'istio-system',
      gateway: { namespace: 'istio-system', labels: { istio: 'ingressgateway' } },
    });
    if (client === undefined) return;
    this.connect({ data: client, mesh: client }, (warning) => this.warnings.push(warning));
  }
  get isConnected(): boolean {
    return this.connected;
  }
  scopes(): string[] {
    return this.ledger.scopes();
  }
  startAgain(apps: readonly string[]): Promise<void> {
    this.forgetApps();
    return this.prepare(apps, signal);
  }
  undoAll(): Promise<void> {
    return this.undoScenarios(signal);
  }
  ofGateway(): Promise<ProxyRef[]> {
    return this.ingressProxies(signal);
  }
  versions(proxy: ProxyRef): Promise<{ istio?: string; envoy?: string }> {
    return this.proxyVersions(proxy, signal);
  }
  protected override async settle(changed: readonly ObjectKey[], own: AbortSignal): Promise<void> {
    this.settled.push(changed.map(({ kind, name }) => `${kind} ${name}`));
    await super.settle(changed, own);
  }
  async up(): Promise<MeshFacts> {
    return expect.fail('not here');
  }
  async setIstiod(): Promise<void> {}
  /** For which settings istiod or proxies were to start anew, each time. */
  readonly anew: (readonly string[])[] = [];
  onAnew = () => {};
  protected async startAnew(changed: readonly string[]): Promise<void> {
    this.anew.push(changed);
    this.onAnew();
    if (this.failsToStart) throw new Error('no');
  }
  failsToStart = false;
  fetchMode(): FetchMode {
    return 'istiod';
  }
  async caCertificate(): Promise<string> {
    return '';
  }
  protected ownIngressUrl(): string {
    return web.url;
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
    expect(api.exec.sessions[0]?.command).toEqual([
      'sh',
      '-c',
      expect.stringContaining('| timeout 20 curl -q -K -'),
    ]);
    expect(valuesOf(web.seen[0], 'user-agent')).toEqual(['jwt-e2e/abc-1']);
  });

  test('from outside sends to the gateway itself', async () => {
    web.handler = (seen, response) => void response.end(seen.url);
    const rounds = await target.send({ kind: 'ingress' }, [request('/a', { url: '/a' })], 2, signal, limit);
    expect(rounds.map((round) => round.map(({ body }) => body))).toEqual([['/a'], ['/a']]);
    expect(api.requests).toEqual([]);
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

  test('what comes after such a body is not sent any more when the time is over', async () => {
    pod('sleep-1', 'sleep');
    api.onExec(really);
    web.handler = (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(100_000)));
      };
      response.on('drain', more);
      more();
    };
    const alone = await target.send(sleep, [request('/endless')], 1, signal, limit);
    expect(alone).toMatchObject([[{ status: 200, isCut: true }]]);
    expect(api.exec.sessions).toHaveLength(1);
    const real = performance.now.bind(performance);
    const later = vi
      .spyOn(performance, 'now')
      .mockImplementation(() => real() + (api.exec.sessions.length < 2 ? 0 : limit.allMs));
    try {
      const [round] = await target.send(sleep, [request('/endless'), request('/b')], 1, signal, limit);
      expect(round).toMatchObject([
        { status: 200, isCut: true },
        { status: 0, error: expect.stringContaining('it was not sent') },
      ]);
    } finally {
      later.mockRestore();
    }
    expect(api.exec.sessions).toHaveLength(2);
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
      hint: 'Name the app under "apps" of the scenario, or apply it in a step.',
    });
  });
});

test('the line for a shell names the container that has sent, which need not be called as the app is', async () => {
  pod('web-1', 'web', { containers: ['istio-proxy', 'main'] });
  const web = { ...sleep, app: 'web' };
  const started: string[] = [];
  api.onExec((session) => {
    started.push(session.container);
    session.exit(0);
  });
  await target.send(web, [request('/')], 1, signal, limit).catch(() => {});
  expect(started).toContain('main');
  expect(target.curl(web, request('/'))).toContain('exec -n foo deploy/web -c main -- curl');
});

test('the line for a shell goes through kubectl, or to the gateway', () => {
  const plain = request("/it's", { url: "http://httpbin.foo:8000/it's" });
  expect(target.curl(sleep, plain)).toBe(
    "kubectl --context 'my context' exec -n foo deploy/sleep -c sleep -- " +
      "curl --path-as-is --globoff -sS -i 'http://httpbin.foo:8000/it'\\''s'",
  );
  expect(target.curl({ kind: 'ingress' }, { ...plain, url: '/productpage' })).toBe(
    `curl --path-as-is --globoff -sS -i ${web.url}/productpage`,
  );
});

test('the lines to look around with name the proxies, and what of them to look at', () => {
  const kubectl = "kubectl --context 'my context'";
  expect(target.look([httpbin, { ...httpbin, pod: 'gate', kind: 'gateway' }])).toEqual([
    `${kubectl} get requestauthentications,authorizationpolicies -A`,
    `${kubectl} exec -n foo httpbin-1 -c istio-proxy -- pilot-agent request GET 'config_dump?resource=dynamic_listeners&name_regex=virtualInbound'`,
    `${kubectl} exec -n foo gate -c istio-proxy -- pilot-agent request GET 'config_dump?resource=dynamic_listeners'`,
  ]);
});

test('a target that is not up says so', async () => {
  const down = new SharedTarget(undefined);
  const error = { code: 'E_INTERNAL', message: 'the target is not up' };
  expect(down.isConnected).toBe(false);
  expect(target.isConnected).toBe(true);
  await expect(down.proxyPolicies(httpbin, signal)).rejects.toMatchObject(error);
  await expect(down.undo('scope', signal)).rejects.toMatchObject(error);
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
    api.resources.set('apiextensions.k8s.io/v1', [
      { name: 'customresourcedefinitions', kind: 'CustomResourceDefinition', namespaced: false },
    ]);
    const asked = () => api.requests.filter(({ path }) => path.includes('extensions.istio.io')).length;
    await target.survey(signal);
    const first = asked();
    await target.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }], 'scope', signal);
    await target.survey(signal);
    expect(asked()).toBe(first);
    expect(first).toBeGreaterThan(0);
    const definition = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' };
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' } };
    await target.apply([config, { ...definition, metadata: { name: 'plugins' } }], 'scope', signal);
    api.resources.set('extensions.istio.io/v1alpha1', [
      { name: 'wasmplugins', kind: 'WasmPlugin', namespaced: true },
    ]);
    put('WasmPlugin', 'new', {}, 'extensions.istio.io/v1alpha1');
    expect((await target.survey(signal)).objects).toMatchObject([{ kind: 'WasmPlugin' }]);
  });

  test('tells the pods of applications from those of others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'apps-'));
    const web = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'foo' } };
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'config', namespace: 'foo' } };
    writeFileSync(
      join(folder, 'web.yaml'),
      [web, config].map((each) => JSON.stringify(each)).join('\n---\n'),
    );
    const done = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    api.rule('PATCH', /deployments/, ({ body }) => {
      const spec = { selector: { matchLabels: {} } };
      return { status: 200, body: api.put({ ...(body as KubeObject), spec, status: done }) };
    });
    const own = new SharedTarget(client, folder);
    await own.prepare(['web'], signal);
    await own.apply([{ ...web, metadata: { ...web.metadata, name: 'other' } }], 'scope', signal);
    for (const name of ['web', 'config', 'other']) pod(`${name}-6b4-x2`, name);
    const { pods } = await own.survey(signal);
    expect(pods.filter(({ isApp }) => isApp).map(({ name }) => name)).toEqual(['web-6b4-x2']);
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
    api.requests.length = 0;
    await target.mark('m2', [httpbin], signal);
    // It is asked of the API server twice a second.
    expect(api.log()).toEqual([expect.stringMatching(/^PATCH .*jwt-e2e-marker$/)]);
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

  test('so is a Secret, in its namespace only, also when one of the pods is gone by now', async () => {
    const spec = { containers: [], volumes: [{ name: 'a', secret: { secretName: 'keys' } }] };
    pod('gone', 'a', { spec });
    pod('there', 'a', { spec });
    pod('away', 'a', { spec, metadata: { name: 'away', namespace: 'bar' } });
    pod('default', 'a', { spec, metadata: { name: 'default', namespace: 'default' } });
    api.rule('GET', /pods\/gone$/, failure(404, 'NotFound', 'gone'));
    const refreshed = () =>
      api
        .log('PATCH')
        .map((each) => each.split('/pods/')[1])
        .filter(Boolean);
    await target.apply([{ ...configMap('one'), kind: 'Secret' }], 'scope', signal);
    expect(refreshed()).toEqual(['there']);
    await target.apply([{ ...configMap('one'), metadata: { name: 'keys' } }], 'scope', signal);
    expect(refreshed()).toEqual(['there', 'default']);
    const policy = { apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy' };
    await target.apply([{ ...policy, metadata: configMap('').metadata }], 'scope', signal);
    expect(refreshed()).toEqual(['there', 'default']);
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

  test('mesh settings of scenarios that hold only from a start on have things start anew, also without them again', async () => {
    const installed = '{"accessLogFile":   "/dev/stdout"}';
    const metadata = { name: 'istio', namespace: 'istio-system' };
    api.put({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...{ data: { mesh: installed } } });
    pod('istiod-1', 'istiod', {
      metadata: { name: 'istiod-1', namespace: 'istio-system', labels: { app: 'istiod' } },
    });
    api.onExec((session) => {
      const { mesh = '{}' } = (api.get('v1', 'ConfigMap', 'istio', 'istio-system')?.data ?? {}) as {
        mesh?: string;
      };
      session.stdout(mesh);
      session.exit(0);
    });
    const defaultConfig = { gatewayTopology: { numTrustedProxies: 1 } };
    const note = () =>
      api.get('v1', 'ConfigMap', 'istio', 'istio-system')?.metadata.annotations?.['jwt-e2e/mesh-before'];
    const noted: unknown[] = [];
    target.onAnew = () => noted.push(note());
    await target.setMeshConfig({ trustDomainAliases: ['a'] }, signal);
    expect(target.anew).toEqual([]);
    await target.setMeshConfig({ trustDomain: 'a', defaultConfig }, signal);
    await target.setMeshConfig({ trustDomain: 'a', trustDomainAliases: ['b'] }, signal);
    await target.setMeshConfig({}, signal);
    const proxies = 'defaultConfig.gatewayTopology.numTrustedProxies';
    expect(target.anew.splice(0)).toEqual([['trustDomain', proxies], [proxies], ['trustDomain']]);
    // Who is killed while they start leaves word of it to the next run.
    expect(noted).toEqual([installed, installed, installed]);
    expect(note()).toBeUndefined();
    expect(api.get('v1', 'ConfigMap', 'istio', 'istio-system')?.data).toEqual({ mesh: installed });
    // What has not started anew has to, also when nothing else changes.
    target.failsToStart = true;
    await expect(target.setMeshConfig({ trustDomain: 'a' }, signal)).rejects.toThrow('no');
    target.failsToStart = false;
    await target.setMeshConfig({ trustDomain: 'a' }, signal);
    await target.setMeshConfig({ trustDomain: 'a' }, signal);
    expect(target.anew).toEqual([['trustDomain'], ['trustDomain']]);
  });

  test('warnings are those of the API server, and those about settings that hold later', async () => {
    const metadata = { name: 'istiod-1', namespace: 'istio-system', labels: { app: 'istiod' } };
    pod('istiod-1', 'istiod', { metadata });
    let shown: object = { trustDomain: 'a' };
    api.onExec((session) => {
      session.stdout(JSON.stringify(shown));
      session.exit(0);
    });
    api.rule('PATCH', /configmaps\/istio$/, ({ body }) => ({
      status: 200,
      body: api.put(body as KubeObject),
      headers: { warning: '299 - "so-so"' },
    }));
    const mesh = { ...configMap(''), metadata: { name: 'istio', namespace: 'istio-system' } };
    const later = expect.stringContaining('start from now on: trustDomain');
    expect(await target.apply([{ ...mesh, data: { mesh: 'trustDomain: a' } }], 's', signal)).toMatchObject([
      { change: 'created', warnings: ['so-so', later] },
    ]);
    shown = {};
    const key = { apiVersion: 'v1', kind: 'ConfigMap', ...mesh.metadata };
    expect(await target.delete([key], 's', signal)).toMatchObject([{ change: 'deleted', warnings: [later] }]);
  });

  test('what cannot be put back is told', async () => {
    api.put(configMap('theirs'));
    await target.apply([configMap('ours')], 'scope', signal);
    api.remove('v1', 'ConfigMap', 'keys', 'foo');
    await target.undo('scope', signal);
    expect(target.warnings).toEqual([
      'ConfigMap foo/keys was deleted by somebody else meanwhile: it is not put back',
    ]);
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

describe('applications', () => {
  let own: SharedTarget;
  const object = (apiVersion: string, kind: string, name: string) => ({
    apiVersion,
    kind,
    metadata: { name, namespace: 'foo' },
  });
  const route = (name: string) => object('networking.istio.io/v1', 'VirtualService', name);
  beforeEach(() => {
    const folder = mkdtempSync(join(tmpdir(), 'apps-'));
    const write = (name: string, ...objects: object[]) =>
      writeFileSync(
        join(folder, `${name}.yaml`),
        objects.map((each) => JSON.stringify(each)).join('\n---\n'),
      );
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } };
    const [one, two] = ['one', 'two'].map((name) => object('v1', 'ConfigMap', name));
    const gateway = object('gateway.networking.k8s.io/v1', 'Gateway', 'gateway-one');
    write('one', one!, namespace, route('one'), gateway);
    write('two', two!, namespace, route('two'));
    write('plain', object('v1', 'ConfigMap', 'plain'));
    api.realistic = true;
    own = new SharedTarget(client, folder);
  });
  const there = () =>
    [...api.objects.values()].map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted();
  const changes = () => api.log('PATCH', 'DELETE').map((each) => each.split('/').slice(-2).join('/'));

  test('have their namespaces first, each once, and their routes last', async () => {
    await own.prepare(['one', 'two', 'plain'], signal);
    const all = changes();
    expect(all[0]).toBe('namespaces/foo');
    expect(all.slice(1, 4).toSorted()).toEqual(['configmaps/one', 'configmaps/plain', 'configmaps/two']);
    expect(all.slice(4)).toEqual(['virtualservices/one', 'gateways/gateway-one', 'virtualservices/two']);
    expect(own.scopes()).toEqual([appsScope, 'routes of one', 'routes of two']);
  });

  test('stay when others are wanted, and their routes do not', async () => {
    await own.prepare(['one'], signal);
    await own.apply([object('v1', 'ConfigMap', 'of-a-scenario')], 'scenario', signal);
    api.requests.length = 0;
    await own.prepare(['one', 'plain'], signal);
    expect(changes()).toEqual(['configmaps/plain']);
    api.requests.length = 0;
    await own.prepare(['two'], signal);
    expect(changes()).toEqual([
      'namespaces/foo',
      'configmaps/two',
      'gateways/gateway-one',
      'virtualservices/one',
      'virtualservices/two',
    ]);
    expect(there()).toEqual([
      'ConfigMap of-a-scenario',
      'ConfigMap one',
      'ConfigMap plain',
      'ConfigMap two',
      'Namespace foo',
      'VirtualService two',
    ]);
  });

  test('that were changed are applied anew, without their routes until they are wanted again', async () => {
    await own.prepare(['one', 'two'], signal);
    api.requests.length = 0;
    await own.reload(['one', 'plain'], signal);
    expect(changes()).toEqual([
      'gateways/gateway-one',
      'virtualservices/one',
      'namespaces/foo',
      'configmaps/one',
    ]);
    api.requests.length = 0;
    await own.prepare(['one', 'two'], signal);
    expect(changes()).toEqual(['virtualservices/one', 'gateways/gateway-one']);
  });

  test('are looked at again when others may have deleted them', async () => {
    await own.prepare(['one'], signal);
    api.remove('v1', 'ConfigMap', 'one', 'foo');
    await own.prepare(['one'], signal);
    expect(there()).not.toContain('ConfigMap one');
    await own.startAgain(['one']);
    expect(there()).toContain('ConfigMap one');
  });

  test('stay when scenarios are undone, with the marker and routes', async () => {
    api.put({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } });
    await own.prepare(['one'], signal);
    await own.mark('m1', [], signal);
    await own.apply([object('v1', 'ConfigMap', 'of-a-scenario')], 'scenario', signal);
    await own.undoAll();
    expect(there()).toEqual(['ConfigMap one', 'Namespace foo', 'Namespace istio-system']);
    expect(own.scopes()).toEqual([appsScope]);
  });
});

describe('what proxies and pods say of themselves', () => {
  const gateway: ProxyRef = { ...httpbin, pod: 'gate', kind: 'gateway' };

  test('are the versions of Istio and Envoy, as far as they say', async () => {
    let info: object = {
      version: 'abc/1.40.0/Clean/RELEASE/BoringSSL',
      node: { metadata: { ISTIO_VERSION: '1.32.0' } },
    };
    api.onExec((session) => {
      expect(session.command.at(-1)).toBe('server_info');
      session.stdout(JSON.stringify(info));
      session.exit(0);
    });
    expect(await target.versions(gateway)).toEqual({ istio: '1.32.0', envoy: '1.40.0' });
    for (const less of [{}, { node: {}, version: 'abc' }, { node: { metadata: {} } }]) {
      info = less;
      expect(await target.versions(gateway)).toStrictEqual({});
    }
  });

  test('are the proxies of the ingress gateway that are ready', async () => {
    const metadata = { name: 'gate', namespace: 'istio-system', labels: { istio: 'ingressgateway' } };
    pod('gate', 'gate', { metadata });
    pod('starting', 'gate', { metadata: { ...metadata, name: 'starting' }, status: {} });
    expect(await target.ofGateway()).toMatchObject([{ pod: 'gate', kind: 'gateway' }]);
  });

  test('is who asked for keys since', async () => {
    pod('keys-1', 'keys', { spec: { containers: [] } });
    let log = '';
    api.rule('GET', /keys-1\/log$/, () => ({ status: 200, body: log }));
    const pods = { namespace: 'foo', app: 'keys' };
    const end = await target.podLogEnd(pods, signal);
    expect(await target.podFetches(pods, '/jwks', end, signal)).toEqual([]);
    log =
      '2001-01-01T00:00:00Z 10.0.0.1 - - [01/Jan/2001:00:00:00 +0000] "GET /jwks HTTP/1.1" 200 5 "-" "Go-http-client/1.1"\n';
    expect(await target.podFetches(pods, '/jwks', end, signal)).toMatchObject([{ by: 'istiod' }]);
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
  let wait = new AbortController();
  api.rule('GET', /\/namespaces\/foo\/endpointslices$/, () => {
    asked += 1;
    if (asked > 2) wait.abort();
    return undefined;
  });
  const listed = () => {
    asked = 0;
    wait = new AbortController();
    return target.survey(wait.signal).then(
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
  expect(target.settled).toEqual(Array(4).fill(['Service web']));
});

test('waits for all that has changed since it looked around last', async () => {
  const service = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'foo' },
    spec: {},
  });
  api.put(service('there'));
  await target.survey(signal);
  await target.apply([service('a'), service('b')], 'scope', signal);
  await target.delete(
    [{ apiVersion: 'v1', kind: 'Service', name: 'there', namespace: 'foo' }],
    'other',
    signal,
  );
  await target.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } }], 'scope', signal);
  await target.survey(signal);
  await target.survey(signal);
  expect(target.settled).toEqual([['Service a', 'Service b', 'Service there']]);
});
