import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Secret, SecretServer } from '../../../../src/target/local/envoy/secrets.ts';

/**
 * What a proxy knows of the protocol, written down here a second time so that a wrong field number shows:
 * envoy/service/discovery/v3/discovery.proto, envoy/extensions/transport_sockets/tls/v3/{secret,common}.proto.
 */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Node { string id = 1; string cluster = 2; }
  message Status { int32 code = 1; string message = 2; }
  message DiscoveryRequest { string version_info = 1; Node node = 2; repeated string resource_names = 3;
    string type_url = 4; string response_nonce = 5; Status error_detail = 6; }
  message Any { string type_url = 1; bytes value = 2; }
  message DiscoveryResponse { string version_info = 1; repeated Any resources = 2; bool canary = 3;
    string type_url = 4; string nonce = 5; }
  message DataSource { oneof specifier { string filename = 1; bytes inline_bytes = 2; string inline_string = 3; } }
  message TlsCertificate { DataSource certificate_chain = 1; DataSource private_key = 2; }
  message CertificateValidationContext { DataSource trusted_ca = 1; }
  message Secret { string name = 1;
    oneof type { TlsCertificate tls_certificate = 2; CertificateValidationContext validation_context = 4; } }
`);
const type = (name: string) => root.lookupType(name);
const typeUrl = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

interface Answer {
  readonly versionInfo: string;
  readonly nonce: string;
  readonly typeUrl: string;
  readonly secrets: readonly unknown[];
}

let folder: string;
let socket: string;
let server: SecretServer;
const secrets = new Map<string, Secret>();
const asked: string[] = [];
const warnings: string[] = [];
const clients: grpc.Client[] = [];
beforeEach(async () => {
  secrets.clear();
  asked.length = 0;
  warnings.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'sds-'));
  socket = join(folder, 'sds');
  server = new SecretServer(
    (node, name) => {
      asked.push(`${node} ${name}`);
      return secrets.get(name);
    },
    (message) => warnings.push(message),
  );
  await server.listen(socket);
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A stream as Envoy opens one, and the answers that have come. */
function open() {
  const client = new grpc.Client(`unix:${socket}`, grpc.credentials.createInsecure());
  clients.push(client);
  const answers: Answer[] = [];
  const stream = client.makeBidiStreamRequest<object, protobuf.Message>(
    '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets',
    (value) =>
      Buffer.from(type('DiscoveryRequest').encode(type('DiscoveryRequest').fromObject(value)).finish()),
    (bytes) => type('DiscoveryResponse').decode(bytes),
  );
  const state = { answers, stream, status: undefined as grpc.StatusObject | undefined };
  stream.on('data', (message: protobuf.Message) => {
    const {
      resources,
      versionInfo,
      nonce,
      typeUrl: of,
    } = message as unknown as Answer & {
      resources: { typeUrl: string; value: Uint8Array }[];
    };
    for (const resource of resources) expect(resource.typeUrl).toBe(typeUrl);
    const decoded = resources.map(({ value }) => type('Secret').toObject(type('Secret').decode(value)));
    answers.push({ versionInfo, nonce, typeUrl: of, secrets: decoded });
  });
  stream.on('error', () => {});
  stream.on('status', (status) => {
    state.status = status;
  });
  const ask = (names: string[], more: object = {}) =>
    stream.write({ typeUrl, resourceNames: names, ...more });
  return { ...state, state, ask };
}
const node = { id: 'sidecar~127.99.0.20~httpbin-1.foo~foo.svc.cluster.local', cluster: 'httpbin.foo' };
const certificate = { chain: 'CHAIN', key: 'KEY' };
const settled = async () => {
  // The server has read everything that was sent before this stream's question.
  const before = asked.length;
  const other = open();
  other.ask(['settled'], { node });
  await expect.poll(() => asked.slice(before)).toContain(`${node.id} settled`);
};

describe('the first request of a stream', () => {
  test('is answered with the certificate of its node', async () => {
    secrets.set('default', certificate);
    const { ask, answers } = open();
    ask(['default'], { node });
    await expect.poll(() => answers).toHaveLength(1);
    expect(asked).toEqual([`${node.id} default`]);
    expect(answers[0]).toMatchObject({
      typeUrl,
      versionInfo: expect.stringMatching(/./),
      nonce: expect.stringMatching(/./),
      secrets: [
        {
          name: 'default',
          tlsCertificate: {
            certificateChain: { inlineString: 'CHAIN' },
            privateKey: { inlineString: 'KEY' },
          },
        },
      ],
    });
  });

  test('is answered with CA certificates where those are asked for', async () => {
    secrets.set('ROOTCA', { roots: 'CA' });
    const { ask, answers } = open();
    ask(['ROOTCA'], { node });
    await expect.poll(() => answers).toHaveLength(1);
    expect(answers[0]?.secrets).toEqual([
      { name: 'ROOTCA', validationContext: { trustedCa: { inlineString: 'CA' } } },
    ]);
  });
});

test('an acknowledgement is answered with nothing, and only the first request says which node it is', async () => {
  secrets.set('default', certificate);
  const { ask, answers } = open();
  ask(['default'], { node });
  await expect.poll(() => answers).toHaveLength(1);
  ask(['default'], { versionInfo: answers[0]!.versionInfo, responseNonce: answers[0]!.nonce });
  await expect.poll(() => asked).toHaveLength(2);
  expect(asked[1]).toBe(`${node.id} default`);
  await settled();
  expect(answers).toHaveLength(1);
  expect(warnings).toEqual([]);
});

test('what has changed is pushed to who has it, and to nobody else', async () => {
  secrets.set('default', certificate).set('ROOTCA', { roots: 'CA' });
  const [one, other] = [open(), open()];
  one.ask(['default'], { node });
  other.ask(['ROOTCA'], { node });
  await expect.poll(() => [one.answers.length, other.answers.length]).toEqual([1, 1]);
  secrets.set('default', { chain: 'NEW', key: 'KEY' });
  server.refresh();
  await expect.poll(() => one.answers).toHaveLength(2);
  expect(JSON.stringify(one.answers[1]?.secrets)).toContain('NEW');
  expect(one.answers[1]?.versionInfo).not.toBe(one.answers[0]?.versionInfo);
  expect(one.answers[1]?.nonce).not.toBe(one.answers[0]?.nonce);
  await settled();
  expect(other.answers).toHaveLength(1);
});

test('what is not there yet is sent once it is', async () => {
  const { ask, answers } = open();
  ask(['default'], { node });
  await settled();
  expect(answers).toEqual([]);
  server.refresh();
  secrets.set('default', certificate);
  server.refresh();
  await expect.poll(() => answers).toHaveLength(1);
});

test('what is asked for again after it was not any more is sent again', async () => {
  secrets.set('a', certificate).set('b', certificate);
  const { ask, answers } = open();
  ask(['a'], { node });
  await expect.poll(() => answers).toHaveLength(1);
  ask(['b']);
  await expect.poll(() => answers).toHaveLength(2);
  ask(['a']);
  await expect.poll(() => answers).toHaveLength(3);
});

test('a proxy that refuses a secret is told of, and is not sent the same one again', async () => {
  secrets.set('default', certificate);
  const { ask, answers } = open();
  ask(['default'], { node });
  await expect.poll(() => answers).toHaveLength(1);
  ask(['default'], { responseNonce: '1', errorDetail: { code: 3, message: 'Failed to load private key' } });
  await expect.poll(() => warnings).toEqual([`${node.id} refuses a certificate: Failed to load private key`]);
  server.refresh();
  await settled();
  expect(answers).toHaveLength(1);
});

test('a stream that ends, or breaks off, is forgotten', async () => {
  const [ended, cut] = [open(), open()];
  ended.ask(['a'], { node });
  cut.ask(['b'], { node });
  await expect.poll(() => asked).toHaveLength(2);
  ended.stream.end();
  cut.stream.cancel();
  await expect.poll(() => ended.state.status?.code).toBe(grpc.status.OK);
  await expect.poll(() => cut.state.status?.code).toBe(grpc.status.CANCELLED);
  await settled();
  asked.length = 0;
  server.refresh();
  expect(asked).not.toContain(`${node.id} a`);
  await expect
    .poll(() => {
      asked.length = 0;
      server.refresh();
      return asked;
    })
    .not.toContain(`${node.id} b`);
});

test('closing ends all streams', async () => {
  const { ask, state } = open();
  ask(['default'], { node });
  await expect.poll(() => asked).toHaveLength(1);
  server.close();
  await expect.poll(() => state.status).toBeDefined();
});

test('a socket that cannot be made is an error that names it', async () => {
  const other = new SecretServer(() => undefined);
  await expect(other.listen(join(folder, 'missing', 'sds'))).rejects.toMatchObject({
    code: 'E_CLUSTER',
    message: expect.stringContaining(join(folder, 'missing', 'sds')),
  });
});
