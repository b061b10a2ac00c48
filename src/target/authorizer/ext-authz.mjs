/**
 * An authorization server that speaks Envoy's gRPC, for providers of the kind envoyExtAuthzGrpc. One file with no dependencies,
 * because it is mounted into a container of a stock Node image; local meshes start it in their own process. It decides as that
 * of Istio's task "External Authorization" does (samples/extauthz): `x-ext-authz: allow` lets a request in, all others are
 * answered 403. What it was asked, with the token, is in the header `x-ext-authz-check-received` of its answer.
 *
 * Of protocol buffers and of gRPC only what these messages need is here, by their field numbers:
 * https://github.com/envoyproxy/envoy/blob/main/api/envoy/service/auth/v3/external_auth.proto and attribute_context.proto
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { createServer } from 'node:http2';

const checkPath = '/envoy.service.auth.v3.Authorization/Check';
/** More than Envoy lets through in headers, which is all that it asks about. */
const maxMessageBytes = 1024 * 1024;

/** google.rpc.Code, and codes of gRPC. */
const codes = { ok: 0, permissionDenied: 7, unimplemented: 12, internal: 13 };

/**
 * The server, not listening yet.
 *
 * @returns {import('node:http2').Http2Server}
 */
export function extAuthzServer() {
  const server = createServer();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    answer(stream, String(headers[':path'])).catch(() => end(stream, codes.internal));
  });
  return server;
}

/**
 * @param {import('node:http2').ServerHttp2Stream} stream
 * @param {string} path
 */
async function answer(stream, path) {
  const chunks = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    // Leaving the loop ends the stream.
    if (size > maxMessageBytes) return;
    chunks.push(chunk);
  }
  if (path !== checkPath) return end(stream, codes.unimplemented);
  // A byte that says whether it is compressed, which nobody has agreed on, and four with the length.
  const message = check(Buffer.concat(chunks).subarray(5));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  end(stream, codes.ok, Buffer.concat([head, message]));
}

/**
 * @param {import('node:http2').ServerHttp2Stream} stream
 * @param {number} code of gRPC, in the trailers
 * @param {Buffer} [body]
 */
function end(stream, code, body) {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': String(code) }));
  stream.end(body);
}

/**
 * What is answered to a CheckRequest, as a CheckResponse.
 *
 * @param {Buffer} request
 * @returns {Buffer}
 */
function check(request) {
  const http = inside(request, 1, 4, 2);
  const headers = new Map(
    fieldsOf(http)
      .filter(({ field }) => field === 3)
      .map(({ value }) => [textAt(value, 1), textAt(value, 2)]),
  );
  const asked = `${textAt(http, 2)} ${textAt(http, 5)}${textAt(http, 4)} ${headers.get('authorization') ?? ''}`;
  const received = bytes(1, Buffer.concat([text(1, 'x-ext-authz-check-received'), text(2, asked.trim())]));
  if (headers.get('x-ext-authz') === 'allow')
    return Buffer.concat([bytes(1, number(1, codes.ok)), bytes(3, bytes(2, received))]);
  const reason = 'denied by ext_authz for not found header `x-ext-authz: allow` in the request';
  const denied = [bytes(1, number(1, 403)), bytes(2, received), text(3, reason)];
  return Buffer.concat([bytes(1, number(1, codes.permissionDenied)), bytes(2, Buffer.concat(denied))]);
}

/**
 * The message in a message in a message; empty where there is none.
 *
 * @param {Buffer} message
 * @param {number[]} path field numbers
 * @returns {Buffer}
 */
function inside(message, ...path) {
  return path.reduce(
    (at, wanted) => fieldsOf(at).find(({ field }) => field === wanted)?.value ?? Buffer.alloc(0),
    message,
  );
}

/**
 * @param {Buffer} message
 * @param {number} field
 */
function textAt(message, field) {
  return inside(message, field).toString('utf8');
}

/**
 * The fields of a message that have bytes: texts, and messages.
 * https://protobuf.dev/programming-guides/encoding/
 *
 * @param {Buffer} message
 * @returns {{ field: number, value: Buffer }[]}
 */
function fieldsOf(message) {
  const found = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message.readUInt8(at++);
      value += (byte % 128) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const [field, type] = [Math.floor(key / 8), key % 8];
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else {
      const length = varint();
      found.push({ field, value: message.subarray(at, at + length) });
      at += length;
    }
  }
  return found;
}

/** @param {number} value @returns {Buffer} */
function varintOf(value) {
  const written = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...written, left]);
    written.push((left % 128) + 128);
  }
}

/** @param {number} field @param {number} value */
function number(field, value) {
  return Buffer.concat([varintOf(field * 8), varintOf(value)]);
}

/** @param {number} field @param {Buffer} value */
function bytes(field, value) {
  return Buffer.concat([varintOf(field * 8 + 2), varintOf(value.length), value]);
}

/** @param {number} field @param {string} value */
function text(field, value) {
  return bytes(field, Buffer.from(value, 'utf8'));
}
