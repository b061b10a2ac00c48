/** An API server for tests: real HTTPS, discovery and objects in memory, and whatever trouble a test asks for. */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, stringify } from 'yaml';
import { issueCertificate, makeCa } from '../../src/jwks/certificates.ts';
import type { KubeObject } from '../../src/target/target.ts';
import { type ExecHandler, ExecServer } from './fake-exec.ts';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}
export interface ApiReply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}
/** What a rule answers; `hang` never does, `reset` breaks the connection, undefined goes on as usual. */
export type Answer = ApiReply | 'hang' | 'reset' | undefined;

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}
interface Rule {
  readonly method: string;
  readonly path: RegExp;
  readonly answer: (request: ApiRequest) => Answer | Promise<Answer>;
  left: number;
}

const namespaced = (name: string, kind: string): Resource => ({ name, kind, namespaced: true });

const builtIn: [string, Resource[]][] = [
  [
    'v1',
    [
      namespaced('pods', 'Pod'),
      // A subresource, which must not be taken for the resource.
      { name: 'pods/exec', kind: 'PodExecOptions', namespaced: true },
      namespaced('services', 'Service'),
      namespaced('configmaps', 'ConfigMap'),
      namespaced('secrets', 'Secret'),
      { name: 'namespaces', kind: 'Namespace', namespaced: false },
      { name: 'nodes', kind: 'Node', namespaced: false },
    ],
  ],
  ['discovery.k8s.io/v1', [namespaced('endpointslices', 'EndpointSlice')]],
  ['apps/v1', [namespaced('deployments', 'Deployment'), { ...namespaced('deployments/scale', 'Scale') }]],
  [
    'gateway.networking.k8s.io/v1',
    [namespaced('gateways', 'Gateway'), { name: 'gatewayclasses', kind: 'GatewayClass', namespaced: false }],
  ],
  ...['v1', 'v1beta1'].flatMap((version): [string, Resource[]][] => [
    [
      `security.istio.io/${version}`,
      [
        namespaced('requestauthentications', 'RequestAuthentication'),
        namespaced('authorizationpolicies', 'AuthorizationPolicy'),
        namespaced('peerauthentications', 'PeerAuthentication'),
      ],
    ],
    [
      `networking.istio.io/${version}`,
      [
        namespaced('serviceentries', 'ServiceEntry'),
        namespaced('destinationrules', 'DestinationRule'),
        namespaced('sidecars', 'Sidecar'),
        namespaced('workloadentries', 'WorkloadEntry'),
        namespaced('gateways', 'Gateway'),
        namespaced('virtualservices', 'VirtualService'),
      ],
    ],
  ]),
  ['networking.istio.io/v1alpha3', [namespaced('envoyfilters', 'EnvoyFilter')]],
];

/** A change of an object, as watches tell it. */
interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: string;
  readonly object: KubeObject;
}
interface Watch {
  readonly response: ServerResponse;
  readonly concerns: (key: string) => boolean;
}

/** What the real one lets a client do with a kind. */
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

export class FakeApi {
  /**
   * Also what only matters when several users share a cluster: who manages which object, fields that go with a
   * server-side apply that leaves them out, namespaces that must exist and take what is in them with them.
   */
  realistic = false;
  /** How often a namespace is still seen after it was deleted. */
  lingering = 0;
  readonly folder: string;
  readonly requests: ApiRequest[] = [];
  readonly objects = new Map<string, KubeObject>();
  readonly resources = new Map<string, Resource[]>(builtIn);
  /** What each field manager has applied, by manager and object. */
  readonly #applied = new Map<string, unknown>();
  readonly #exec = new ExecServer();
  readonly #rules: Rule[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #server: ReturnType<typeof createServer>;
  #version = 100;
  #changes: Change[] = [];
  /** Changes up to this version cannot be watched any more. */
  #forgotten = 0;
  readonly #watches = new Set<Watch>();
  /** Called with every object that is created or changed, as a controller of a cluster would see it. */
  onChange: (object: KubeObject) => void = () => {};

  private constructor(folder: string, tls: { certPem: string; keyPem: string }) {
    this.folder = folder;
    this.#server = createServer({ cert: tls.certPem, key: tls.keyPem }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) =>
      this.#exec.upgrade(request, socket as Socket, head),
    );
  }

  static async start(): Promise<FakeApi> {
    const ca = await makeCa('fake API server');
    const tls = await issueCertificate(ca, { dnsNames: ['localhost'], ips: ['127.0.0.1'] });
    const folder = mkdtempSync(join(tmpdir(), 'fake-api-'));
    writeFileSync(join(folder, 'ca.pem'), ca.certPem);
    const api = new FakeApi(folder, tls);
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    writeFileSync(api.kubeconfig, stringify(api.#kubeconfig()));
    return api;
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** A file with the contexts `fake` (current) and `other`; the CA is beside it, by a relative path. */
  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  #kubeconfig() {
    return {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'fake',
      clusters: [{ name: 'fake', cluster: { server: this.url, 'certificate-authority': 'ca.pem' } }],
      users: [{ name: 'tester', user: { token: 'bearer-of-the-tester' } }],
      contexts: ['fake', 'other'].map((name) => ({ name, context: { cluster: 'fake', user: 'tester' } })),
    };
  }

  /** Answers matching requests with this instead, so many times. */
  rule(
    method: string,
    path: RegExp,
    answer: Answer | Rule['answer'],
    times = Number.POSITIVE_INFINITY,
  ): void {
    this.#rules.push({
      method,
      path,
      answer: typeof answer === 'function' ? answer : () => answer,
      left: times,
    });
  }

  /** What commands in containers do. */
  onExec(handler: ExecHandler, protocols?: readonly string[]): void {
    this.#exec.handle(handler, protocols);
  }

  get exec(): ExecServer {
    return this.#exec;
  }

  /** Puts an object there, as a controller would. */
  put(object: KubeObject): KubeObject {
    const path = this.pathOf(object.apiVersion, object.kind, object.metadata.namespace, object.metadata.name);
    const stored = structuredClone(object);
    stored.metadata = { uid: `uid-${this.#version}`, ...stored.metadata, resourceVersion: this.#next() };
    this.#save(path, stored);
    return stored;
  }

  get(apiVersion: string, kind: string, name: string, namespace?: string): KubeObject | undefined {
    return this.objects.get(this.pathOf(apiVersion, kind, namespace, name));
  }

  /** Takes an object away, as a controller would. */
  remove(apiVersion: string, kind: string, name: string, namespace?: string): void {
    this.#remove(this.pathOf(apiVersion, kind, namespace, name));
  }

  /** All objects of a kind. */
  all(kind: string): KubeObject[] {
    return [...this.objects.values()].filter((object) => object.kind === kind);
  }

  /** How many watches are open. */
  get watches(): number {
    return this.#watches.size;
  }

  /** Ends all watches, as the real one does from time to time; `cut` breaks their connections. */
  endWatches(how: 'end' | 'cut' = 'end'): void {
    const all = [...this.#watches];
    this.#watches.clear();
    for (const { response } of all) {
      if (how === 'end') response.end();
      else response.destroy();
    }
  }

  /** Sends all watches a line, such as a bookmark. */
  tellWatches(event: object): void {
    for (const { response } of this.#watches) response.write(`${JSON.stringify(event)}\n`);
  }

  /** Forgets what has changed until now: who watches from before must list again. */
  compact(): void {
    this.#changes = [];
    this.#forgotten = Number(this.#next());
  }

  /** Requests of a method, as `METHOD path`. */
  log(...methods: string[]): string[] {
    return this.requests
      .filter((each) => methods.length === 0 || methods.includes(each.method))
      .map((each) => `${each.method} ${each.path}`);
  }

  /** Forgets everything but the address. */
  reset(): void {
    this.endWatches('cut');
    this.compact();
    this.onChange = () => {};
    this.realistic = false;
    this.lingering = 0;
    this.#applied.clear();
    this.requests.length = 0;
    this.#rules.length = 0;
    this.objects.clear();
    this.resources.clear();
    for (const [apiVersion, resources] of builtIn) this.resources.set(apiVersion, resources);
    this.#exec.reset();
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** One key for all versions of a group, as one object is served in all of them. */
  pathOf(apiVersion: string, kind: string, namespace: string | undefined, name: string): string {
    const resource = this.resources.get(apiVersion)?.find((each) => each.kind === kind);
    if (resource === undefined) throw new Error(`the fake has no ${kind} in ${apiVersion}`);
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : 'core';
    return [group, resource.namespaced ? (namespace ?? 'default') : '', resource.name, name].join('|');
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'https://fake');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const isYaml = request.headers['content-type'] === 'application/yaml';
    const seen: ApiRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      body: text === '' ? undefined : isYaml ? parse(text) : JSON.parse(text),
    };
    this.requests.push(seen);
    const rule = this.#rules.find(
      (each) => each.left > 0 && each.method === seen.method && each.path.test(seen.path),
    );
    if (rule !== undefined) rule.left -= 1;
    const answer = await rule?.answer(seen);
    if (answer === undefined && seen.method === 'GET' && seen.query.watch === 'true') {
      this.#watch(seen, response);
      return;
    }
    if (answer === 'hang') return;
    if (answer === 'reset') {
      request.socket.destroy();
      return;
    }
    const { status, body, headers } = answer ?? this.#answer(seen);
    const raw = typeof body === 'string' ? body : JSON.stringify(body ?? {});
    response.writeHead(status, {
      'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
      ...headers,
    });
    response.end(raw);
  }

  #answer(request: ApiRequest): ApiReply {
    const { version, ns, plural, name, sub } = request.path.match(pathPattern)?.groups ?? {};
    const resources = this.resources.get(version ?? '');
    if (request.path === '/version') return { status: 200, body: { gitVersion: 'v1.34.4' } };
    if (request.headers.authorization !== 'Bearer bearer-of-the-tester')
      return failure(401, 'Unauthorized', 'Unauthorized');
    if (request.path === '/apis')
      return { status: 200, body: { kind: 'APIGroupList', groups: this.#groups() } };
    if (resources === undefined) return { status: 404, body: '404 page not found\n' };
    if (plural === undefined) {
      const all = resources.map((each) => ({ verbs: each.name.includes('/') ? ['get'] : verbs, ...each }));
      return { status: 200, body: { kind: 'APIResourceList', groupVersion: version, resources: all } };
    }
    if (plural === 'finalize' && ns !== undefined) {
      this.#remove(this.pathOf('v1', 'Namespace', undefined, ns));
      return { status: 200, body: request.body };
    }
    const resource = resources.find((each) => each.name === plural);
    if (version === undefined || resource === undefined) return { status: 404, body: '404 page not found\n' };
    if (name === undefined && request.method === 'GET') return this.#list(request, version, resource, ns);
    if (name === undefined && request.method === 'DELETE') {
      for (const key of this.#keysOf(version, resource, ns)) this.#remove(key);
      return { status: 200, body: { kind: 'Status', status: 'Success' } };
    }
    if (sub === 'status' && request.method === 'PATCH') {
      const key = this.pathOf(version, resource.kind, ns, name ?? '');
      const before = this.objects.get(key);
      if (before === undefined) return failure(404, 'NotFound', `${plural} "${name}" not found`);
      const { status } = request.body as { status: unknown };
      const after = this.#stored({ ...before, status: merge(before.status, status) }, before);
      this.#save(key, after);
      return { status: 200, body: after };
    }
    const own = name ?? (request.body as KubeObject).metadata.name;
    return this.#change(request, version, resource, ns, own);
  }

  #list(request: ApiRequest, version: string, resource: Resource, ns: string | undefined): ApiReply {
    const wanted = (request.query.labelSelector ?? '').split(',').filter(Boolean);
    const items = this.#keysOf(version, resource, ns)
      .flatMap((key) => this.objects.get(key) ?? [])
      .filter((object) =>
        wanted.every((each) => {
          const [label = '', value] = each.split('=');
          const has = object.metadata.labels?.[label];
          return value === undefined ? has !== undefined : has === value;
        }),
      )
      // Lists of a real API server leave these out.
      .map(({ apiVersion: _, kind: __, ...item }) => item);
    const metadata = { resourceVersion: String(this.#version) };
    return { status: 200, body: { kind: `${resource.kind}List`, apiVersion: version, metadata, items } };
  }

  #keysOf(version: string, resource: Resource, ns: string | undefined): string[] {
    return [...this.objects.keys()].filter(concerning(version, resource, ns));
  }

  /** All groups with their versions, the preferred one first. */
  #groups(): object[] {
    const groups = new Map<string, { groupVersion: string }[]>();
    for (const groupVersion of this.resources.keys()) {
      const [group = ''] = groupVersion.split('/');
      if (groupVersion.includes('/')) groups.set(group, [...(groups.get(group) ?? []), { groupVersion }]);
    }
    return [...groups].map(([name, versions]) => ({ name, versions, preferredVersion: versions[0] }));
  }

  #watch(request: ApiRequest, response: ServerResponse): void {
    const { version = '', ns, plural } = request.path.match(pathPattern)?.groups ?? {};
    const resource = this.resources.get(version)?.find((each) => each.name === plural);
    if (resource === undefined) throw new Error(`the fake cannot watch ${request.path}`);
    const since = Number(request.query.resourceVersion);
    const watch = { response, concerns: concerning(version, resource, ns) };
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (since < this.#forgotten) {
      const { body } = failure(410, 'Expired', 'too old resource version');
      response.end(`${JSON.stringify({ type: 'ERROR', object: body })}\n`);
      return;
    }
    this.#watches.add(watch);
    response.on('close', () => this.#watches.delete(watch));
    for (const change of this.#changes) if (change.version > since) tell(watch, change);
  }

  /** Stores an object and tells everyone who watches. */
  #save(key: string, object: KubeObject): void {
    const type = this.objects.has(key) ? 'MODIFIED' : 'ADDED';
    this.objects.set(key, object);
    this.#tell({ version: Number(object.metadata.resourceVersion), type, key, object });
    this.onChange(object);
  }

  #tell(change: Change): void {
    this.#changes.push(change);
    for (const watch of this.#watches) tell(watch, change);
  }

  #change(
    request: ApiRequest,
    version: string,
    resource: Resource,
    ns: string | undefined,
    name: string,
  ): ApiReply {
    const key = this.pathOf(version, resource.kind, ns, name);
    const before = this.objects.get(key);
    const missing = failure(404, 'NotFound', `${resource.name} "${name}" not found`);
    const body = request.body as KubeObject;
    const place = { name, ...(resource.namespaced ? { namespace: ns ?? 'default' } : {}) };
    const save = (changed: KubeObject, status: number): ApiReply => {
      const object = this.realistic ? this.#managed(changed, before, request) : changed;
      const { resourceVersion: _, ...metadata } = { ...object.metadata, ...place };
      const { resourceVersion: __, ...old } = before?.metadata ?? { name };
      if (before !== undefined && isDeepStrictEqual({ ...object, metadata }, { ...before, metadata: old }))
        return { status: 200, body: before };
      const after = this.#stored({ ...object, metadata }, before);
      if (request.query.dryRun !== 'All') this.#save(key, after);
      return { status, body: after };
    };
    const home = resource.namespaced ? this.pathOf('v1', 'Namespace', undefined, ns ?? 'default') : key;
    if (this.realistic && before === undefined && ['PATCH', 'POST'].includes(request.method)) {
      if (resource.namespaced && !this.objects.has(home) && (ns ?? 'default') !== 'default')
        return failure(404, 'NotFound', `namespaces "${ns}" not found`);
    }
    switch (request.method) {
      case 'GET':
        if (before?.metadata.deletionTimestamp !== undefined && this.lingering-- <= 0) this.#remove(key);
        return before === undefined ? missing : { status: 200, body: { ...before, apiVersion: version } };
      case 'DELETE':
        if (before === undefined) return missing;
        if (!isMeant(before, request.body))
          return failure(409, 'Conflict', 'the UID in the precondition does not match');
        if (resource.kind === 'Namespace' && this.lingering > 0) {
          before.metadata.deletionTimestamp ??= '2026-01-01T00:00:00Z';
        } else this.#remove(key);
        return { status: 200, body: { kind: 'Status', status: 'Success' } };
      case 'PATCH':
        if (before === undefined && !request.headers['content-type']?.includes('apply')) return missing;
        if (![undefined, before?.metadata.resourceVersion].includes(body.metadata?.resourceVersion))
          return failure(409, 'Conflict', 'the object has been modified');
        return save(
          merge(this.#withoutLeftOut(before, key, request) ?? {}, body) as KubeObject,
          before === undefined ? 201 : 200,
        );
      case 'POST':
        if (before !== undefined) return failure(409, 'AlreadyExists', `${name} already exists`);
        return save(body, 201);
      case 'PUT':
        if (before === undefined) return missing;
        if (body.metadata.resourceVersion !== before.metadata.resourceVersion)
          return failure(409, 'Conflict', 'the object has been modified');
        return save({ ...body, metadata: { ...body.metadata, uid: before.metadata.uid ?? '' } }, 200);
      default:
        return failure(405, 'MethodNotAllowed', request.method);
    }
  }

  /** The object without the fields that this manager has applied before and now leaves out. */
  #withoutLeftOut(before: KubeObject | undefined, key: string, request: ApiRequest): KubeObject | undefined {
    if (!this.realistic || !isApply(request)) return before;
    const last = `${request.query.fieldManager}|${key}`;
    const left = without(before, this.#applied.get(last), request.body) as KubeObject | undefined;
    if (request.query.dryRun !== 'All') this.#applied.set(last, request.body);
    return left;
  }

  /** The object with metadata.managedFields, in the form of the real ones but without the fields themselves. */
  #managed(object: KubeObject, before: KubeObject | undefined, request: ApiRequest): KubeObject {
    const body = request.body as KubeObject;
    if (body.metadata?.managedFields !== undefined) return object;
    const manager = request.query.fieldManager ?? 'unknown';
    const operation = isApply(request) ? 'Apply' : 'Update';
    const same = (each: { manager: string; operation: string }) =>
      each.manager === manager && each.operation === operation;
    const all = (before?.metadata.managedFields ?? []) as { manager: string; operation: string }[];
    const managedFields = all.some(same) ? all : [...all, { manager, operation }];
    return { ...object, metadata: { ...object.metadata, managedFields } };
  }

  /** Removes an object; a namespace with everything in it. */
  #remove(key: string): void {
    const before = this.objects.get(key);
    this.objects.delete(key);
    if (before !== undefined) {
      const object = { ...before, metadata: { ...before.metadata, resourceVersion: this.#next() } };
      this.#tell({ version: this.#version, type: 'DELETED', key, object });
    }
    const [group, , plural, name] = key.split('|');
    if (!this.realistic || group !== 'core' || plural !== 'namespaces') return;
    for (const each of [...this.objects.keys()]) if (each.split('|')[1] === name) this.#remove(each);
  }

  #stored(object: KubeObject, before: KubeObject | undefined): KubeObject {
    const uid = before?.metadata.uid ?? `uid-${this.#version}`;
    return { ...object, metadata: { ...object.metadata, uid, resourceVersion: this.#next() } };
  }
}

const pathPattern =
  /^\/(?:api|apis)\/(?<version>v1|[^/]+\/[^/]+)(?:\/namespaces\/(?<ns>[^/]+)(?=\/))?(?:\/(?<plural>[^/]+)(?:\/(?<name>[^/]+)(?:\/(?<sub>status))?)?)?$/;

/** Whether a key is that of an object of this kind, in this namespace or in all. */
function concerning(version: string, resource: Resource, ns: string | undefined) {
  const wanted = version.includes('/') ? version.split('/')[0] : 'core';
  return (key: string): boolean => {
    const [group, namespace, plural] = key.split('|');
    return group === wanted && plural === resource.name && (ns === undefined || namespace === ns);
  };
}

function tell({ response, concerns }: Watch, { type, key, object }: Change): void {
  if (concerns(key)) response.write(`${JSON.stringify({ type, object })}\n`);
}

/** An error as the API server writes it. */
export function failure(code: number, reason: string, message: string): ApiReply {
  return {
    status: code,
    body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
  };
}

/** Whether a deletion is bound to this object, if it is bound to one. */
function isMeant({ metadata }: KubeObject, options: unknown): boolean {
  const only = (options as { preconditions?: Record<string, string> } | undefined)?.preconditions ?? {};
  return Object.entries(only).every(([name, value]) => metadata[name as 'uid'] === value);
}

function merge(base: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(base as Record<string, unknown>) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merge(typeof result[name] === 'object' ? result[name] : {}, value);
  }
  return result;
}

function isApply(request: ApiRequest): boolean {
  return request.headers['content-type']?.includes('apply') ?? false;
}

/** The value without what was in `last` and is not in `now`, as server-side apply does it. */
function without(value: unknown, last: unknown, now: unknown): unknown {
  if (!isMap(value) || !isMap(last)) return value;
  const next = isMap(now) ? now : {};
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !(name in last) || name in next || isMap(last[name]))
      .map(([name, item]) => [name, without(item, last[name], next[name])]),
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
