/**
 * Tries what another user of this machine could try with the listeners of a mesh, and says what each has answered:
 * node stranger.mjs '{"addresses": [{"address", "port"}…], "sockets": [PATH…]}'
 */
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import process from 'node:process';

const limit = 10_000;
const discovery = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

/**
 * @param {typeof requestTls} send
 * @param {import('node:https').RequestOptions} options
 * @returns {Promise<number | string>} the status, or why there is none
 */
function status(send, options, body = '') {
  return new Promise((resolve) => {
    const outgoing = send({ ...options, agent: false, rejectUnauthorized: false, timeout: limit });
    outgoing.on('response', (incoming) => {
      resolve(incoming.statusCode ?? 0);
      incoming.destroy();
    });
    outgoing.on('connect', (incoming, socket) => {
      resolve(incoming.statusCode ?? 0);
      socket.destroy();
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('silent')));
    outgoing.on('error', (error) => resolve(('code' in error && String(error.code)) || error.message));
    outgoing.end(body);
  });
}

/**
 * Opens the stream over which a proxy gets its configuration.
 * @param {string} url
 * @returns {Promise<string>} the status of gRPC, or why there is none
 */
function subscribe(url) {
  return new Promise((resolve) => {
    const session = connectHttp2(url, { rejectUnauthorized: false });
    const end = (/** @type {unknown} */ what) => {
      resolve(String(what));
      session.destroy();
    };
    const timer = setTimeout(end, limit, 'silent');
    session.on('error', (error) => end(error.message));
    session.on('close', () => {
      clearTimeout(timer);
      resolve('closed');
    });
    const stream = session.request({
      ':method': 'POST',
      ':path': discovery,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.on('response', (headers) => {
      const isGrpc = headers['content-type']?.startsWith('application/grpc');
      if (!isGrpc) end(`HTTP ${headers[':status']}`);
      else if (headers['grpc-status'] !== undefined) end(headers['grpc-status']);
    });
    stream.on('trailers', (headers) => end(headers['grpc-status']));
    stream.on('data', () => end('configuration'));
    stream.on('error', (error) => end(error.message));
    // An empty message: a request for everything, by nobody.
    stream.write(Buffer.alloc(5));
  });
}

/**
 * @param {string} path
 * @returns {Promise<string>}
 */
function open(path) {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      resolve('open');
      socket.destroy();
    });
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
  });
}

const { addresses, sockets } = JSON.parse(process.argv[2] ?? '{}');

/** What no listener must lead to. */
let reached = 0;
const elsewhere = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
elsewhere.on('connection', () => reached++);
await once(elsewhere, 'listening');
const { port: elsewherePort } = /** @type {import('node:net').AddressInfo} */ (elsewhere.address());
const there = `127.0.0.1:${elsewherePort}`;

const answers = await Promise.all(
  addresses.map(async (/** @type {{ address: string, port: number }} */ { address: host, port }) => {
    const at = { host, port };
    const [etcd, keys, proxy, tunnel, api, plain, secure] = await Promise.all([
      status(request, { ...at, method: 'POST', path: '/v3/kv/range' }, '{"key":"AA==","range_end":"AA=="}'),
      status(request, { ...at, method: 'PUT', path: '/keys' }, '{"keys":[]}'),
      status(request, { ...at, path: `http://${there}/elsewhere`, headers: { host: there } }),
      status(request, { ...at, method: 'CONNECT', path: there }),
      status(requestTls, { ...at, path: '/apis/security.istio.io/v1/requestauthentications' }),
      subscribe(`http://${host}:${port}`),
      subscribe(`https://${host}:${port}`),
    ]);
    return { etcd, keys, proxy, tunnel, api, plain, secure };
  }),
);
const opened = await Promise.all(sockets.map(open));
elsewhere.close();
process.stdout.write(JSON.stringify({ addresses: answers, sockets: opened, reached }));
