/**
 * A server of keys that stands outside the mesh. One file with no dependencies, because it is copied into a
 * container of a stock Node image; it also runs as a plain process. Node 18 or later.
 *
 * The environment variable KEY_SERVER_CONFIG holds its configuration as JSON: {host, httpPort, httpsPort,
 * controlPort, path, controlHost?, discovery?, http2Only?}. Port 0 takes a free one; the control port is on `host` unless
 * `controlHost` is given. With `discovery` it also has the document of OpenID Connect
 * Discovery 1.0, section 4, with the address at which it was asked as issuer; with `http2Only` the HTTPS port knows nothing else. Each time a port is opened, a line of JSON with all open ports goes to standard
 * output: at the start, and again when the first certificate has opened the HTTPS port.
 *
 * What it serves is told to its control port. Each call has the header x-jwt-e2e-secret, with what the environment variable
 * JWKS_SECRET holds: nobody else may change keys, or read who has fetched them.
 *   PUT /keys   the JWKS, served byte for byte from now on; a second one is a rotation
 *   PUT /tls    {cert, key} in PEM; the first one opens the HTTPS port, later ones replace the certificate
 *   PUT /fault  {status?, delayMs?, body?, type?, redirect?, reset?, closed?} to fail on purpose, null to stop failing; `closed`
 *               takes the ports away until the next call
 *   GET /fault  what the last of these calls has said
 *   GET /log    {id, count, entries}: requests, oldest first, how many there have been, and which process counts them
 *   GET /ready  the open ports
 */
import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, validateHeaderValue } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import process from 'node:process';

/**
 * @typedef {{
 *   host: string, httpPort: number, httpsPort: number, controlPort: number, path: string,
 *   controlHost?: string, discovery?: boolean, http2Only?: boolean
 * }} Config
 */
/**
 * @typedef {{
 *   status?: number, delayMs?: number, body?: string, type?: string, redirect?: string, reset?: boolean, closed?: boolean
 * }} Fault
 */
/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {import('node:http').ServerResponse} Response */

const discoveryPath = '/.well-known/openid-configuration';
const maxLogEntries = 50_000;
const maxBodyBytes = 4 * 1024 * 1024;

const config = readConfig();
const secret = digest(process.env.JWKS_SECRET || fail('JWKS_SECRET must hold the secret of control calls'));

/** @type {string | undefined} */
let keys;
/** @type {Fault | null} */
let fault = null;
/** Those with `isOpen` are not answered yet. @type {object[]} */
const log = [];
/** How many requests there have been, also those that have left the log. */
let count = 0;
/** Another one after a restart, which begins to count anew. */
const id = randomUUID();
/** @type {{ httpPort: number, httpsPort?: number, controlPort: number }} */
const ports = { httpPort: 0, controlPort: 0 };
/** @type {import('node:https').Server | import('node:http2').Http2SecureServer | undefined} */
let https;
/** Connections of the ports that can be taken away. @type {Set<import('node:net').Socket>} */
const sockets = new Set();
/** @type {Promise<unknown>} */
let opening = Promise.resolve();

/**
 * Ends the program with one line on standard error.
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`key server: ${message}\n`);
  process.exit(1);
}

/** @returns {Config} */
function readConfig() {
  try {
    return JSON.parse(process.env.KEY_SERVER_CONFIG ?? '');
  } catch {
    return fail('KEY_SERVER_CONFIG must be JSON: {host, httpPort, httpsPort, controlPort, path}');
  }
}

/**
 * Of equal length for texts of any length, so that they can be compared in a time that says nothing about them.
 * @param {unknown} text
 */
function digest(text) {
  return createHash('sha256').update(String(text)).digest();
}

/**
 * @param {string | undefined} url
 * @returns {string}
 */
const pathOf = (url) => (url ?? '/').split('?', 1)[0] ?? '/';

/** @param {string} path */
const isServed = (path) => path === config.path || (config.discovery === true && path === discoveryPath);

/**
 * @param {Request} request
 * @param {'http' | 'https'} scheme
 * @returns {{ status: number, body: string, json?: boolean, headers?: Record<string, string> }}
 */
function choose(request, scheme) {
  const path = pathOf(request.url);
  if (!isServed(path)) return { status: 404, body: 'not found\n' };
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'use GET\n' };
  if (fault?.reset) return { status: 0, body: '' };
  if (fault?.redirect !== undefined)
    return { status: fault.status ?? 302, body: '', headers: { location: fault.redirect } };
  if (fault?.body !== undefined) {
    const headers = fault.type === undefined ? {} : { 'content-type': fault.type };
    return { status: fault.status ?? 200, body: fault.body, json: true, headers };
  }
  if (path === discoveryPath && fault?.status === undefined) {
    // HTTP/2 has it in a header of its own.
    const issuer = `${scheme}://${request.headers.host ?? request.headers[':authority']}`;
    return { status: 200, body: JSON.stringify({ issuer, jwks_uri: issuer + config.path }), json: true };
  }
  if (fault?.status !== undefined) return { status: fault.status, body: 'failing on purpose\n' };
  if (keys === undefined) return { status: 503, body: 'no keys yet\n' };
  return { status: 200, body: keys, json: true };
}

/** @param {'http' | 'https'} scheme */
const serve = (scheme) => async (/** @type {Request} */ request, /** @type {Response} */ response) => {
  // What is answered is decided, and logged, on arrival: a client that gives up during a delay has still been here.
  const answer = choose(request, scheme);
  const path = pathOf(request.url);
  /** @type {Record<string, unknown>} */
  const entry = {
    at: Date.now(),
    path,
    status: answer.status,
    userAgent: request.headers['user-agent'] ?? '',
    envoyHeaders: Object.keys(request.headers).some((name) => name.startsWith('x-envoy-')),
    remote: request.socket.remoteAddress,
    method: request.method,
    scheme,
    isOpen: true,
  };
  response.once('close', () => delete entry.isOpen);
  log.push(entry);
  count += 1;
  if (log.length > maxLogEntries) log.shift();
  if (isServed(path) && fault?.delayMs) {
    await new Promise((resolve) => setTimeout(resolve, fault?.delayMs));
  }
  if (answer.status === 0) {
    // Over TLS there is only the end of the connection; plain TCP can say RST.
    if (scheme === 'http') request.socket.resetAndDestroy();
    else request.socket.destroy();
    return;
  }
  const type = answer.json ? 'application/json' : 'text/plain';
  response.writeHead(answer.status, {
    'content-type': type,
    'content-length': Buffer.byteLength(answer.body),
    'cache-control': 'no-store',
    ...answer.headers,
  });
  response.end(request.method === 'HEAD' ? undefined : answer.body);
};

/**
 * The control API.
 * @param {Request} request
 * @param {Response} response
 */
async function control(request, response) {
  const call = `${request.method} ${pathOf(request.url)}`;
  if (!timingSafeEqual(digest(request.headers['x-jwt-e2e-secret']), secret)) {
    return reply(response, 403, { error: 'the header x-jwt-e2e-secret has not the secret of this server' });
  }
  try {
    const body = await readBody(request);
    if (call === 'PUT /keys') {
      JSON.parse(body);
      keys = body;
    } else if (call === 'PUT /fault') {
      fault = checkedFault(JSON.parse(body));
      await (fault?.closed ? closePorts() : openPorts());
    } else if (call === 'PUT /tls') {
      await setCertificate(JSON.parse(body));
    } else if (call === 'GET /fault') {
      return reply(response, 200, fault);
    } else if (call === 'GET /log') {
      return reply(response, 200, { id, count, entries: log });
    } else if (call !== 'GET /ready') {
      return reply(response, 404, { error: `there is no ${call}` });
    }
    reply(response, 200, ports);
  } catch (error) {
    reply(response, 400, { error: `${call}: ${error instanceof Error ? error.message : error}` });
  }
}

/**
 * @param {Fault | null} fault
 * @returns {Fault | null}
 */
function checkedFault(fault) {
  const { status = 200, delayMs = 0, body = '', type = '', redirect = '' } = fault ?? {};
  const ok =
    Number.isInteger(status) &&
    status >= 200 &&
    status <= 599 &&
    delayMs >= 0 &&
    [body, type, redirect].every((text) => typeof text === 'string');
  if (!ok)
    throw new Error(
      'status must be from 200 to 599, delayMs a number of milliseconds, body, type and redirect a text',
    );
  // What could not be written would end the server when somebody asks.
  validateHeaderValue('location', redirect);
  validateHeaderValue('content-type', type);
  return fault;
}

/** @param {Request} request */
async function readBody(request) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Error(`the body is longer than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * @param {Response} response
 * @param {number} status
 * @param {unknown} value
 */
function reply(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(value));
}

/**
 * Opens the HTTPS port with the first certificate; later ones hold for new connections.
 * @param {{ cert: string, key: string }} certificate
 */
function setCertificate({ cert, key }) {
  // One after the other, so that two calls at once do not open the port twice.
  opening = opening
    .catch(() => {})
    .then(async () => {
      if (https) return https.setSecureContext({ cert, key });
      const server = config.http2Only
        ? createSecureServer({ cert, key }, http2Handler(serve('https')))
        : createTlsServer({ cert, key }, serve('https'));
      remember(server);
      ports.httpsPort = await listen(server, config.httpsPort);
      https = server;
      announce();
    });
  return opening;
}

/**
 * Requests and answers of HTTP/2 look like those of HTTP/1.1.
 * @param {(request: Request, response: Response) => unknown} handler
 */
const http2Handler = (handler) => /** @type {any} */ (handler);

/** @param {import('node:net').Server} server */
function remember(server) {
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
}

const http = createServer(serve('http'));
remember(http);

/** Whoever connects now is refused, as when no server is there; connections that are open end. */
async function closePorts() {
  const open = [http, https].filter((server) => server?.listening);
  await Promise.all(
    open.map((server) => {
      const closed = new Promise((resolve) => server?.close(resolve));
      for (const socket of sockets) socket.destroy();
      return closed;
    }),
  );
}

async function openPorts() {
  if (!http.listening) await listen(http, ports.httpPort);
  if (https && !https.listening) await listen(https, ports.httpsPort ?? 0);
}

/**
 * @param {import('node:net').Server} server
 * @param {number} port
 * @param {string} [host]
 * @returns {Promise<number>} the port that it really has
 */
function listen(server, port, host = config.host) {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

function announce() {
  process.stdout.write(`${JSON.stringify(ports)}\n`);
}

// Process 1 of a container has no default for these signals, and nothing here is worth waiting for.
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => process.exit(0));

try {
  ports.httpPort = await listen(http, config.httpPort);
  ports.controlPort = await listen(
    createServer((request, response) => void control(request, response)),
    config.controlPort,
    config.controlHost,
  );
  announce();
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
