/** By gRPC itself: what Envoy sends is put together, and what it gets is read, by the libraries that are made for it. */
import { once } from 'node:events';
import type { Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { extAuthzServer } from '../../../src/target/authorizer/ext-authz.mjs';

// envoy/service/auth/v3/external_auth.proto and attribute_context.proto, with a field of each kind that is of no interest.
const { root } = protobuf.parse(`
syntax = "proto3";
message Time { int64 seconds = 1; }
message Http {
  string id = 1; string method = 2; map<string, string> headers = 3; string path = 4; string host = 5; int64 size = 9;
  fixed32 a = 20; fixed64 b = 21;
}
message Request { Time time = 1; Http http = 2; }
message Attributes { Request request = 4; map<string, string> context_extensions = 10; }
message CheckRequest { Attributes attributes = 1; }
message Status { int32 code = 1; }
message HeaderValue { string key = 1; string value = 2; }
message HeaderValueOption { HeaderValue header = 1; }
message Denied { Status status = 1; repeated HeaderValueOption headers = 2; string body = 3; }
message Ok { repeated HeaderValueOption headers = 2; }
message CheckResponse { Status status = 1; Denied denied_response = 2; Ok ok_response = 3; }`);
const [request, response] = [root.lookupType('CheckRequest'), root.lookupType('CheckResponse')];

let server: Http2Server;
let client: Client;
beforeAll(async () => {
  server = extAuthzServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = new Client(`127.0.0.1:${(server.address() as AddressInfo).port}`, credentials.createInsecure());
});
afterAll(() => {
  client.close();
  server.close();
});

function check(http: object, path = '/envoy.service.auth.v3.Authorization/Check'): Promise<object> {
  const asked = {
    attributes: {
      request: { time: { seconds: 1 }, http: { id: 'x'.repeat(300), size: -1, a: 1, b: 1, ...http } },
      contextExtensions: { a: 'b' },
    },
  };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
      (bytes: Buffer) => response.toObject(response.decode(bytes)),
      asked,
      (error: ServiceError | null, value?: object) => (error ? reject(error) : resolve(value ?? {})),
    );
  });
}

const received = (value: string) => [{ header: { key: 'x-ext-authz-check-received', value } }];

test('who sends x-ext-authz: allow is let in, with what was asked in a header for the application', async () => {
  const headers = { 'x-ext-authz': 'allow', authorization: `Bearer ${'ü'.repeat(9000)}` };
  expect(await check({ method: 'GET', path: '/a?b', host: 'httpbin.foo:8000', headers })).toEqual({
    status: { code: 0 },
    okResponse: { headers: received(`GET httpbin.foo:8000/a?b ${headers.authorization}`) },
  });
});

test.each([{}, { 'x-ext-authz': 'deny' }, { 'x-ext-authz': '' }])(
  'all others are answered 403, with what was asked in a header for the client: %j',
  async (headers) => {
    expect(await check({ method: 'POST', path: '/', host: 'a', headers })).toEqual({
      status: { code: 7 },
      deniedResponse: {
        status: { code: 403 },
        headers: received('POST a/'),
        body: 'denied by ext_authz for not found header `x-ext-authz: allow` in the request',
      },
    });
  },
);

test('nothing else is served, and what is no message ends nothing but its own call', async () => {
  await expect(check({}, '/envoy.service.auth.v2.Authorization/Check')).rejects.toMatchObject({ code: 12 });
  await expect(check({ id: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({ code: 1 });
  const broken = new Promise((resolve) => {
    const raw = (bytes: Buffer) => bytes;
    client.makeUnaryRequest(
      '/envoy.service.auth.v3.Authorization/Check',
      raw,
      raw,
      Buffer.from([0x80, 0x80]),
      (error) => resolve(error?.code),
    );
  });
  expect(await broken).toBe(13);
  expect(await check({ headers: { 'x-ext-authz': 'allow' } })).toMatchObject({ status: { code: 0 } });
});
