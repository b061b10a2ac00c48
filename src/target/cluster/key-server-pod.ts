/**
 * A key server outside the mesh: a pod in a namespace of this tool's own that has no sidecar, and a name that DNS knows and
 * the mesh does not. Its control port is on the loopback address of the pod; it is called by a command in the pod.
 */
import { readFileSync } from 'node:fs';
import { HarnessError } from '../../base/errors.ts';
import { moduleFile } from '../../base/files/product-files.ts';
import { timeouts } from '../../base/timeouts.ts';
import { within } from '../../base/wait.ts';
import { type ControlCall, KeyServerControl, newSecret } from '../../jwks/key-server-client.ts';
import { ServedKeys, type ServerPlace } from '../../jwks/served-keys.ts';
import { notWorking } from '../../jwks/works.ts';
import { exec } from '../../kube/exec.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isReady, listPods } from '../../kube/workloads.ts';
import type { KeyServerHandle, KeyServerStart, KubeObject } from '../target.ts';
import { withOwner } from './ownership.ts';

/** Outside the mesh: no proxy is told of what is there. */
export const keyServerNamespace = 'jwt-e2e-keys';
const container = 'keys';
const controlPort = 8081;

/** Where nothing is injected, and no ambient mode redirects. */
export function keyServerHome(): KubeObject {
  const labels = { 'istio-injection': 'disabled', 'istio.io/dataplane-mode': 'none' };
  const metadata = { name: keyServerNamespace, labels };
  return withOwner({ apiVersion: 'v1', kind: 'Namespace', metadata }, true);
}

/** What makes the server run. Nobody but a command in its pod can use the secret. */
export function keyServerObjects(start: KeyServerStart, image: string): KubeObject[] {
  const { name, path, discovery, http2Only } = start;
  const metadata = { name, namespace: keyServerNamespace };
  const config = {
    host: '0.0.0.0',
    httpPort: 80,
    httpsPort: 443,
    controlHost: '127.0.0.1',
    controlPort,
    path,
    discovery,
    http2Only,
  };
  const labels = { app: name, 'sidecar.istio.io/inject': 'false' };
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata,
      data: { 'server.mjs': readFileSync(moduleFile('jwks/server.mjs'), 'utf8') },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 0,
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 1000,
              seccompProfile: { type: 'RuntimeDefault' },
              // Key servers are on the ports that addresses leave out.
              sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
            },
            containers: [
              {
                name: container,
                image,
                imagePullPolicy: 'IfNotPresent',
                command: ['node', '/program/server.mjs'],
                env: [
                  { name: 'KEY_SERVER_CONFIG', value: JSON.stringify(config) },
                  { name: 'JWKS_SECRET', value: newSecret() },
                ],
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
                volumeMounts: [{ name: 'program', mountPath: '/program' }],
              },
            ],
            volumes: [{ name: 'program', configMap: { name } }],
          },
        },
      },
    },
  ];
}

/** Reads a body of a known size, makes the call, and writes status and answer. Arguments: method, path, size. */
const call = `
const { request } = require('node:http');
const [method, path, size] = process.argv.slice(1);
const send = (body) => {
  const headers = { 'x-jwt-e2e-secret': process.env.JWKS_SECRET, connection: 'close' };
  const sent = request({ host: '127.0.0.1', port: ${controlPort}, method, path, headers }, (response) => {
    process.stdout.write(response.statusCode + ' ');
    response.pipe(process.stdout);
    response.on('end', () => process.stdin.destroy());
  });
  sent.on('error', (error) => { console.error(error.message); process.exit(1); });
  sent.end(body);
};
const chunks = [];
let left = Number(size);
if (left === 0) send();
else process.stdin.on('data', (chunk) => {
  chunks.push(chunk);
  left -= chunk.length;
  if (left <= 0) send(Buffer.concat(chunks));
});
`;

/** Asks addresses, whatever their certificates are, and writes each answer as a line of JSON. Arguments: user agent, addresses. */
const ask = `
const [agent, ...urls] = process.argv.slice(1);
const get = (url) => new Promise((resolve, reject) => {
  const options = { rejectUnauthorized: false, timeout: ${timeouts.keyServerCheck}, headers: { 'user-agent': agent } };
  const sent = require('node:' + url.split(':')[0]).get(url, options, (response) => {
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => { text += chunk; }).on('end', () => resolve(text));
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer from ' + url))).on('error', reject);
});
Promise.all(urls.map(get)).then(
  (texts) => process.stdout.write(texts.map((text) => JSON.stringify(text)).join('\\n')),
  (error) => { console.error(error.message); process.exit(1); },
);
`;

/** Ends with 1 when DNS does not know the name. Argument: the name. */
const find = `
require('node:dns').lookup(process.argv[1], (error) => {
  if (error) console.error(error.message);
  process.exit(error ? 1 : 0);
});
`;

/**
 * The server that was applied, once it runs.
 *
 * @throws HarnessError E_KEY_SERVER
 */
export async function runningKeyServer(
  client: KubeClient,
  start: KeyServerStart,
  authority: ServerPlace['authority'],
  stop: () => Promise<void>,
  signal: AbortSignal,
): Promise<KeyServerHandle> {
  const { name, path } = start;
  const pods = await listPods(client, keyServerNamespace, { app: name }, signal);
  const pod = pods.find(isReady);
  const ip = pod?.status?.podIP;
  if (pod === undefined || ip === undefined)
    throw new HarnessError('E_KEY_SERVER', `no pod of the key server ${name} is ready`);
  const target = { namespace: keyServerNamespace, pod: pod.metadata.name, container };
  const run = async (script: string, args: readonly string[], own: AbortSignal, stdin?: string) => {
    const command = ['node', '-e', script, '--', ...args];
    const more = stdin === undefined ? {} : { stdin };
    const { stdout, stderr, exitCode } = await exec(client, target, command, { signal: own, ...more });
    if (exitCode === 0) return stdout.toString('utf8');
    throw new Error(stderr.trim() || `node ended with exit code ${exitCode}`);
  };
  const send: ControlCall = async (method, callPath, body = '', own) => {
    const size = String(Buffer.byteLength(body));
    const text = await run(call, [method, callPath, size], own, body === '' ? undefined : body);
    return { status: Number(text.slice(0, 3)), text: text.slice(4) };
  };
  // Of every pod, as long as its DNS server has these names (CoreDNS, "pods").
  const host = `${ip.replaceAll(/[.:]/g, '-')}.${keyServerNamespace}.pod.cluster.local`;
  // By the name that istiod asks for, so that a DNS server without such names is found out here.
  const urls = [`http://${host}${path}`, `https://${host}${path}`];
  const control = new KeyServerControl(`${keyServerNamespace}/${pod.metadata.name}`, send);
  const served = new ServedKeys({ name, host, ip, authority }, control, async (userAgent, own) => {
    try {
      const text = await run(ask, [userAgent, ...(start.http2Only ? urls.slice(0, 1) : urls)], own);
      return text.split('\n').map((line) => JSON.parse(line) as string);
    } catch (thrown) {
      throw notWorking(name, thrown instanceof Error ? thrown.message : String(thrown), thrown);
    }
  });
  const limit = within(timeouts.keyServer, signal, `starting the key server ${name}`);
  try {
    await control.ready(limit.signal);
    await run(find, [host], limit.signal).catch((thrown: Error) => {
      throw new HarnessError('E_KEY_SERVER', `no pod finds the key server ${name}: ${thrown.message}`, {
        hint: 'The DNS server of this cluster has no names for pods; CoreDNS has them with "pods insecure". Or name a server of yours: --external-jwks.',
        cause: thrown,
      });
    });
    await served.set(start);
  } finally {
    limit.done();
  }
  return served.handle(stop);
}
