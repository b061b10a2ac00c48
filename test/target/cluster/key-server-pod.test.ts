import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeCa } from '../../../src/jwks/certificates.ts';
import { newSecret } from '../../../src/jwks/key-server-client.ts';
import { KubeClient } from '../../../src/kube/kube-client.ts';
import { loadKubeConfig } from '../../../src/kube/kube-config.ts';
import {
  keyServerHome,
  keyServerObjects,
  runningKeyServer,
} from '../../../src/target/cluster/key-server-pod.ts';
import type { KeyServerStart, KubeObject } from '../../../src/target/target.ts';
import { type RunningServer, startServer } from '../../jwks/running-server.ts';
import { FakeApi } from '../../support/fake-api.ts';
import { unaborted } from '../../support/signals.ts';

let api: FakeApi;
let client: KubeClient;
let server: RunningServer;
const secret = newSecret();
const state = { jwks: { keys: [{ kid: 'a' }] }, certificate: 'trusted', fault: null } as const;
const start: KeyServerStart = {
  ...state,
  name: 'keys-sample',
  path: '/get_jwks',
  discovery: false,
  http2Only: false,
};

beforeAll(async () => {
  [api, server] = await Promise.all([FakeApi.start(), startServer({}, secret)]);
});
beforeEach(() => {
  api.reset();
  client = new KubeClient(loadKubeConfig({ file: api.kubeconfig }));
});
afterEach(() => client.close());
afterAll(async () => {
  await Promise.all([api.stop(), server.stop()]);
});

/** A container with Node.js in it, in which the server listens on the ports of the pod. */
function runCommands(known = '127.0.0.1'): void {
  api.onExec(async (session) => {
    const { httpPort, httpsPort, controlPort } = await server.control.ready(AbortSignal.timeout(5000));
    const [program = '', ...rest] = session.command;
    const args = rest.map((each) =>
      each
        .replace('127-0-0-1.jwt-e2e-keys.pod.cluster.local', known)
        .replace('http://127.0.0.1/', `http://127.0.0.1:${httpPort}/`)
        .replace('https://127.0.0.1/', `https://127.0.0.1:${httpsPort}/`)
        .replace('port: 8081', `port: ${controlPort}`),
    );
    expect(program).toBe('node');
    const child = spawn(process.execPath, args, { env: { JWKS_SECRET: secret } });
    const size = Number(args.at(-1));
    if (size > 0) child.stdin.write(await session.stdin(size));
    const [out] = await Promise.all([text(child.stdout), new Promise((done) => child.on('close', done))]);
    session.stdout(out);
    session.exit(child.exitCode ?? 1);
  });
}

function pod(more: object = {}): void {
  api.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'keys-sample-1', namespace: 'jwt-e2e-keys', labels: { app: 'keys-sample' } },
    spec: { containers: [{ name: 'keys', image: 'node' }] },
    status: { podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
    ...more,
  });
}

const begin = (stop = async () => {}) =>
  runningKeyServer(client, start, (trust) => makeCa(trust), stop, unaborted());

test('a server that runs in a pod serves, is asked and is told by commands in it', async () => {
  pod();
  runCommands();
  let stops = 0;
  const handle = await begin(async () => {
    stops += 1;
  });
  expect(handle).toMatchObject({
    name: 'keys-sample',
    host: '127-0-0-1.jwt-e2e-keys.pod.cluster.local',
    ip: '127.0.0.1',
  });
  const end = await handle.logEnd();
  await handle.check('me', unaborted());
  expect(await handle.log(end)).toMatchObject([
    { path: '/get_jwks', status: 200, userAgent: 'me' },
    { path: '/get_jwks', status: 200, userAgent: 'me' },
  ]);
  await handle.set({ ...state, fault: { status: 503 } });
  await handle.check('me', unaborted());
  await server.control.setFault(null);
  await expect(handle.check('me', unaborted())).rejects.toMatchObject({
    code: 'E_KEY_SERVER',
    message: 'the key server keys-sample does not fail as it was told to',
  });
  await handle.stop();
  expect(stops).toBe(1);
});

test('a name that DNS does not know is found out before anything depends on it', async () => {
  pod();
  runCommands('127-0-0-1.pod.invalid');
  await expect(begin()).rejects.toMatchObject({
    code: 'E_KEY_SERVER',
    message: expect.stringContaining('no pod finds the key server keys-sample: '),
    hint: expect.stringContaining('--external-jwks'),
  });
});

test('without a pod that is ready there is none', async () => {
  pod({ status: { podIP: '127.0.0.1' } });
  await expect(begin()).rejects.toMatchObject({
    code: 'E_KEY_SERVER',
    message: 'no pod of the key server keys-sample is ready',
  });
});

test('it runs beside the mesh, with no more rights than it needs, and its control port is its own', () => {
  expect(keyServerHome().metadata).toMatchObject({
    name: 'jwt-e2e-keys',
    labels: { 'istio-injection': 'disabled', 'app.kubernetes.io/managed-by': 'istio-jwt-e2e' },
  });
  const [program, deployment] = keyServerObjects(start, 'example/node') as [KubeObject, KubeObject];
  expect(program.data).toEqual({ 'server.mjs': expect.stringContaining('KEY_SERVER_CONFIG') });
  const { template } = deployment.spec as {
    template: { metadata: object; spec: { containers: { env: { name: string; value: string }[] }[] } };
  };
  expect(template).toMatchObject({
    metadata: { labels: { app: 'keys-sample', 'sidecar.istio.io/inject': 'false' } },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true },
      containers: [{ image: 'example/node', securityContext: { allowPrivilegeEscalation: false } }],
    },
  });
  const [config] = template.spec.containers[0]?.env ?? [];
  expect(JSON.parse(config?.value ?? '')).toMatchObject({ path: '/get_jwks', controlHost: '127.0.0.1' });
});
