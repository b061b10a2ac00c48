import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { HarnessError } from '../../../../src/base/errors.ts';
import type { Unstamped } from '../../../../src/base/events.ts';
import { timeouts } from '../../../../src/base/timeouts.ts';
import { pause } from '../../../../src/base/wait.ts';
import { MeshHost } from '../../../../src/target/local/host/host.ts';
import { findKept, stateFileOf, writeState } from '../../../../src/target/local/host/kept.ts';
import { type KeptSettings, RemoteTarget } from '../../../../src/target/local/host/remote.ts';
import { unaborted } from '../../../support/signals.ts';
import { hostConfig, object, type Stub, stubTarget } from '../stub-target.ts';

// A host and its runs in one process; they know each other by the Unix socket only.
let state: string;
let host: MeshHost;
let stub: Stub;
let exited: number;
let log: string[];
const runs: RemoteTarget[] = [];
beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'state-'));
  vi.stubEnv('XDG_STATE_HOME', state);
  const own: string[] = [];
  log = own;
  exited = 0;
  const exit = () => {
    exited += 1;
  };
  host = new MeshHost(hostConfig('dev', stateFileOf('dev')), exit, (_, progress) => {
    stub = stubTarget(progress, (line) => own.push(line));
    return stub.target;
  });
  mkdirSync(dirname(stateFileOf('dev')), { recursive: true, mode: 0o700 });
  await host.start(unaborted());
});
afterEach(async () => {
  for (const run of runs.splice(0)) await run.down(unaborted());
  await host.end();
  vi.unstubAllEnvs();
  rmSync(state, { recursive: true, force: true });
});

interface Run {
  readonly target: RemoteTarget;
  readonly events: Unstamped[];
}
function makeRun(more: Partial<KeptSettings> = {}): Run {
  const events: Unstamped[] = [];
  const base = { mesh: undefined, reason: 'asked for', runId: 'run1', images: {}, folder: 'kind' };
  const programs = () => Promise.reject(new Error('nothing is to be started'));
  const wanted = { istio: undefined, envoy: undefined };
  const settings = {
    ...base,
    istiodEnv: {},
    programs,
    name: 'dev',
    keep: true,
    reuse: true,
    wanted,
    ...more,
  };
  const target = new RemoteTarget(settings, (event) => events.push(event));
  runs.push(target);
  return { target, events };
}
async function begin(more?: Partial<KeptSettings>, signal = unaborted()): Promise<Run> {
  const run = makeRun(more);
  await run.target.up(signal);
  return run;
}

describe('a mesh that is kept', () => {
  test('is found by its name; only its owner can look at it', async () => {
    const file = stateFileOf('dev');
    expect(await findKept('dev', unaborted())).toMatchObject({
      pid: process.pid,
      istio: '1.31.0',
      envoy: '1.40.0',
    });
    expect(await findKept('other', unaborted())).toBeUndefined();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
  });

  test('says what it is to each run that uses it', async () => {
    const run = makeRun({ mesh: 'istio-1.31.0', reason: 'the default' });
    const facts = await run.target.up(unaborted());
    expect(facts).toMatchObject({
      id: 'istio-1.31.0',
      istio: '1.31.0',
      reason: 'the default',
      details: { a: 'b', mesh: 'dev' },
    });
    expect(readFileSync(facts.details!.kubeconfig!, 'utf8')).toBe('a kubeconfig');
    expect(log).toEqual(['begins run1']);
    expect(await run.target.caCertificate()).toBe('PEM');
    expect(run.target.ingressUrl()).toBe('http://127.99.0.10:8080');
    expect(run.target.fetchMode()).toBe('istiod');
  });

  test('is not taken for a new one, or for one of another version', async () => {
    await expect(begin({ reuse: false })).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: 'a local mesh named "dev" exists already',
      hint: expect.stringContaining('--reuse'),
    });
    await expect(begin({ wanted: { istio: '1.30.3', envoy: undefined } })).rejects.toMatchObject({
      message: 'the local mesh "dev" has Istio 1.31.0, not 1.30.3',
      hint: expect.stringContaining('jwt-e2e down --name dev'),
    });
    await expect(begin({ wanted: { istio: '1.31.0', envoy: '1.36.4' } })).rejects.toMatchObject({
      message: 'the local mesh "dev" has Envoy 1.40.0, not 1.36.4',
    });
    await expect(begin({ istiodEnv: { PILOT_DEBOUNCE_AFTER: '100ms' } })).rejects.toMatchObject({
      message:
        'the local mesh "dev" has an istiod with no variables of yours, not with PILOT_DEBOUNCE_AFTER=100ms',
    });
    await begin({ wanted: { istio: '1.31.0', envoy: '1.40.0' } });
  });
});

describe('a run', () => {
  test('calls the methods of the target there, and gets what they return', async () => {
    const { target, events } = await begin();
    const signal = unaborted();
    await target.prepare(['httpbin', 'sleep'], signal);
    await target.reload(['httpbin'], signal);
    expect(await target.apply([object('a')], 'scope', signal)).toEqual([
      { key: { apiVersion: 'v1', kind: 'ConfigMap', name: 'a' }, change: 'created', warnings: ['ü'] },
    ]);
    await target.undo('scope', signal);
    await target.setIstiod({ fetch: 'envoy', variables: {} }, signal);
    expect(target.fetchMode()).toBe('envoy');
    expect(stub.target.fetchMode()).toBe('envoy');
    const proxy = { namespace: 'foo', pod: 'a', labels: {}, kind: 'sidecar' } as const;
    expect(await target.survey(signal)).toMatchObject({ hidden: ['WasmPlugin'] });
    expect(await target.altered(signal)).toEqual(['Secret foo/x was changed']);
    await target.mark('m1', [proxy], signal);
    const pods = { namespace: 'foo', app: 'nginx' };
    const end = await target.podLogEnd(pods, signal);
    expect(await target.podFetches(pods, '/jwks', end, signal)).toMatchObject([
      { path: '/jwks', userAgent: 'the end of nginx' },
    ]);
    const query = { proxies: [proxy], requestId: 'id-1', since: 0 };
    expect(await target.evidence(query, signal)).toEqual([{ name: 'a.txt', content: 'id-1' }]);
    expect(await target.proxyPolicies(proxy, signal)).toMatchObject({ markers: ['m1'] });
    expect(await target.delete([], 'scope', signal)).toEqual([]);
    expect(log).toEqual([
      'begins run1',
      'prepare httpbin,sleep',
      'reload httpbin',
      'apply a scope',
      'undo scope',
      'mark m1 a',
    ]);
    expect(events).toEqual([{ type: 'warning', message: 'applied a' }]);
  });

  test('sends from there, and knows afterwards how it was sent', async () => {
    const { target } = await begin();
    const origin = { kind: 'pod', app: 'sleep', namespace: 'foo' } as const;
    const request = { id: '1', method: 'GET', url: 'http://a/', headers: [] };
    expect(target.curl(origin, request)).toMatch(/^curl .*http:\/\/a\//);
    const answers = await target.send(origin, [request], 2, unaborted(), { requestMs: 5_000, allMs: 9_000 });
    expect(answers.map((round) => round.map(({ body }) => body))).toEqual([['http://a/'], ['http://a/']]);
    expect(target.curl(origin, request)).toBe('curl there http://a/');
  });

  test('has key servers there', async () => {
    const { target } = await begin();
    const state = { jwks: {}, certificate: 'trusted', fault: null } as const;
    const start = { name: 'keys', path: '/jwks', discovery: false, http2Only: false, ...state };
    const [one, other] = [
      await target.startKeyServer(start, unaborted()),
      await target.startKeyServer({ ...start, name: 'more' }, unaborted()),
    ];
    expect(one).toMatchObject({ name: 'keys', host: 'keys.test', ip: '127.99.0.40' });
    await one.set({ ...state, jwks: { keys: [] } });
    expect(await one.log(await one.logEnd())).toMatchObject([{ by: 'envoy', userAgent: 'the end' }]);
    await expect(one.check('me', unaborted())).rejects.toMatchObject({
      code: 'E_KEY_SERVER',
      message: 'it does not answer me',
    });
    await other.stop();
    await other.stop();
    expect(log).toEqual(['begins run1', 'keys {"keys":[]}', 'stop more']);
    await expect(other.set(state)).rejects.toMatchObject({ code: 'E_KEY_SERVER' });
  });

  test('gets errors as they were, with all that explains them', async () => {
    const { target } = await begin();
    const error = await target
      .apply([object('refused')], 's', unaborted())
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HarnessError);
    expect(error).toMatchObject({
      code: 'E_REFUSED',
      message: 'no',
      hint: 'Do it better.',
      details: 'one\ntwo',
      place: { file: 'a.yaml', line: 1, column: 2 },
    });
    await expect(target.apply([object('broken')], 's', unaborted())).rejects.toMatchObject({
      code: 'E_INTERNAL',
      message: 'no such thing',
    });
  });

  test('that gives a call up gives it up there', async () => {
    const { target } = await begin();
    const aborted = new AbortController();
    const applying = target.apply([object('slow')], 's', aborted.signal);
    await expect.poll(() => log).toContain('apply slow s');
    aborted.abort('SIGINT');
    await expect(applying).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    await expect.poll(() => log).toContain('aborted');
    stub.release();
    // Others go on.
    await target.prepare(['httpbin'], unaborted());
  });

  test('keeps its mesh when it is interrupted, until it has cleaned up', async () => {
    const aborted = new AbortController();
    const { target } = await begin({}, aborted.signal);
    aborted.abort('SIGINT');
    await target.undo('scope', unaborted());
    expect(log).toEqual(['begins run1', 'undo scope']);
  });

  test('that is interrupted before it begins leaves nothing behind', async () => {
    const aborted = AbortSignal.abort('SIGINT');
    await expect(begin({}, aborted)).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    // The mesh is still known.
    expect(existsSync(stateFileOf('dev'))).toBe(true);
    await begin();
  });
});

describe('one run at a time', () => {
  test('has the mesh', async () => {
    const first = await begin();
    await expect(begin({ runId: 'run2' })).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: 'the local mesh "dev" is in use by another run',
      hint: expect.stringContaining('--name'),
    });
    await first.target.down(unaborted());
    await begin({ runId: 'run3' });
    expect(log).toEqual(['begins run1', 'clear', 'begins run3']);
    expect(exited).toBe(0);
  });

  test('and what it has left is cleared before the next one, after its last call has ended', async () => {
    const first = await begin();
    const state = { jwks: {}, certificate: 'trusted', fault: null } as const;
    const start = { name: 'keys', path: '/jwks', discovery: false, http2Only: false, ...state };
    await first.target.startKeyServer(start, unaborted());
    const applying = first.target
      .apply([object('slow')], 's', unaborted())
      .catch((thrown: HarnessError) => thrown.code);
    await expect.poll(() => log).toContain('apply slow s');
    await first.target.down(unaborted());
    expect(await applying).toBe('E_CLUSTER');
    await expect.poll(() => log).toContain('aborted');
    const second = begin({ runId: 'run2' });
    await expect.poll(() => log).toContain('aborted');
    expect(log).not.toContain('clear');
    stub.release();
    await second;
    expect(log.slice(-4)).toEqual(['ended', 'stop keys', 'clear', 'begins run2']);
  });

  test('leaves the mesh with what it has taken, and says so', async () => {
    const { target, events } = await begin();
    await target.down(unaborted());
    await target.down(unaborted());
    expect(events).toMatchObject([
      { type: 'phase-started', phase: 'Leaving local mesh "dev"' },
      { type: 'phase-finished', phase: 'Leaving local mesh "dev"', note: 'it took 50 MiB (etcd 50)' },
    ]);
    expect(exited).toBe(0);
  });
});

describe('a mesh that fails', () => {
  const failure = new HarnessError('E_CLUSTER', 'etcd of the local mesh was ended by SIGKILL', {
    hint: 'Run again.',
    details: 'its last lines',
  });

  test('says why to the run that uses it, and ends', async () => {
    const { target } = await begin();
    stub.fail(failure);
    await expect.poll(() => exited).toBe(1);
    rmSync(stub.target.meshFolder, { recursive: true, force: true });
    // As when the process has ended.
    await expect
      .poll(() => target.prepare([], unaborted()).catch((error: HarnessError) => error.message))
      .toBe(failure.message);
    await expect(target.prepare([], unaborted())).rejects.toMatchObject({
      hint: 'Run again.',
      details: 'its last lines',
    });
  });

  test('ends also when nobody uses it', async () => {
    stub.fail(failure);
    await expect.poll(() => log).toContain('down');
    await expect.poll(() => exited).toBe(1);
    stub.fail(failure);
    await host.end();
    expect(exited).toBe(1);
  });
});

test('a method that there is not is an error', async () => {
  const { target } = await begin();
  const { Pool } = await import('undici');
  const { callHost } = await import('../../../../src/target/local/host/mesh-session.ts');
  const pool = new Pool('http://mesh', { socketPath: join(stub.target.meshFolder, 'host') });
  for (const name of ['nonsense', 'constructor', 'toString'])
    await expect(callHost(pool, name, [], unaborted(), 'dev')).rejects.toMatchObject({
      code: 'E_INTERNAL',
      message: `a kept mesh has no ${name}`,
    });
  await pool.destroy();
  expect(target.name).toBe('local');
});

test('nothing can be called before the target is up, or after it is down', async () => {
  const { target } = makeRun();
  await expect(target.prepare([], unaborted())).rejects.toMatchObject({ code: 'E_INTERNAL' });
  await target.up(unaborted());
  await target.down(unaborted());
  await expect(target.prepare([], unaborted())).rejects.toMatchObject({ code: 'E_INTERNAL' });
  expect(() => target.ingressUrl()).toThrow('the target is not up');
});

describe('a process that says nothing any more', () => {
  const { keeper } = timeouts;
  afterEach(() => {
    Object.assign(timeouts, { keeper });
  });

  test('is an error for the run that uses its mesh, which does not wait for ever', async () => {
    Object.assign(timeouts, { keeper: 600 });
    const socket = join(state, 'stopped');
    // As it is once it was stopped in the middle of a run: it takes connections, and answers no more.
    const silent = createServer(async (request, response) => {
      const { name } = JSON.parse(await text(request)) as { name: string };
      if (name === 'memory') response.end('{"result":[]}');
      if (name === 'begin')
        response.write(`${JSON.stringify({ type: 'begun', facts: { fetch: 'istiod' } })}\n`);
    });
    silent.listen(socket);
    await once(silent, 'listening');
    writeState(stateFileOf('dev'), { pid: 4711, socket, istio: '1.31.0', envoy: '1.40.0', istiodEnv: {} });
    const { target } = await begin();
    const error = {
      code: 'E_CLUSTER',
      message: 'the local mesh "dev" does not answer',
      hint: expect.stringContaining('kill -9 4711'),
    };
    await expect(target.prepare([], unaborted())).rejects.toMatchObject(error);
    // From then on at once.
    await expect(target.undo('scenario', unaborted())).rejects.toMatchObject(error);
    await target.down(unaborted());
    silent.closeAllConnections();
    silent.close();
  });

  test('is none that only has nothing to say', async () => {
    Object.assign(timeouts, { keeper: 5000 });
    const { target } = await begin();
    await pause(8000, unaborted());
    await target.prepare([], unaborted());
  });
});
