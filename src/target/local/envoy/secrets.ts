/**
 * Serves certificates to the proxies over Envoy's secret discovery service (SDS), as pilot-agent does in a pod. One server
 * on a Unix socket is enough for all proxies: the first request of a stream names its node.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/security/secret
 */
import { createHash } from 'node:crypto';
import type { Server, ServerDuplexStream } from '@grpc/grpc-js';
import { HarnessError } from '../../../base/errors.ts';

/** What a secret is: a certificate chain with its key, or CA certificates to check others with; all PEM. */
export type Secret = { readonly chain: string; readonly key: string } | { readonly roots: string };

/** The secret of this name for a node; undefined when there is none (yet), so that Envoy goes on waiting. */
export type SecretSource = (node: string, name: string) => Secret | undefined;

interface DiscoveryRequest {
  readonly node?: { readonly id?: string } | null;
  readonly resourceNames?: readonly string[];
  readonly errorDetail?: { readonly message?: string } | null;
}
type Stream = ServerDuplexStream<DiscoveryRequest, unknown>;

/** The part of Envoy's and xDS's protocol buffers that is needed; field numbers as in envoy/service and envoy/extensions. */
const proto = `
syntax = "proto3";
message Node { string id = 1; }
message Status { int32 code = 1; string message = 2; }
message DiscoveryRequest {
  string version_info = 1; Node node = 2; repeated string resource_names = 3; string type_url = 4;
  string response_nonce = 5; Status error_detail = 6;
}
message Any { string type_url = 1; bytes value = 2; }
message DiscoveryResponse { string version_info = 1; repeated Any resources = 2; string type_url = 4; string nonce = 5; }
message DataSource { string inline_string = 3; }
message TlsCertificate { DataSource certificate_chain = 1; DataSource private_key = 2; }
message CertificateValidationContext { DataSource trusted_ca = 1; }
message Secret {
  string name = 1; TlsCertificate tls_certificate = 2; CertificateValidationContext validation_context = 4;
}`;

const typeUrl = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
const path = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';

export class SecretServer {
  readonly #source: SecretSource;
  readonly #warn: (message: string) => void;
  readonly #streams = new Set<Subscription>();
  #server: Server | undefined;

  /** @param warn told when a proxy refuses a secret */
  constructor(source: SecretSource, warn: (message: string) => void = () => {}) {
    this.#source = source;
    this.#warn = warn;
  }

  /** @param socket path of the Unix socket to create @throws HarnessError E_CLUSTER when it cannot be created */
  async listen(socket: string): Promise<void> {
    // Loaded when a mesh starts, and by nobody else.
    const grpc = await import('./grpc.ts');
    const { root } = grpc.parse(proto);
    const type = (name: string) => root.lookupType(name);
    const encodeResponse = (name: string, secret: Secret, version: string, nonce: string): unknown => {
      const value = type('Secret')
        .encode(type('Secret').fromObject({ name, ...contentOf(secret) }))
        .finish();
      return { versionInfo: version, nonce, typeUrl, resources: [{ typeUrl, value }] };
    };
    const server = new grpc.Server();
    server.addService(
      {
        streamSecrets: {
          path,
          requestStream: true,
          responseStream: true,
          requestDeserialize: (bytes: Buffer) => type('DiscoveryRequest').decode(bytes),
          requestSerialize: (value: object) => Buffer.from(type('DiscoveryRequest').encode(value).finish()),
          responseSerialize: (value: object) =>
            Buffer.from(
              type('DiscoveryResponse').encode(type('DiscoveryResponse').fromObject(value)).finish(),
            ),
          responseDeserialize: (bytes: Buffer) => type('DiscoveryResponse').decode(bytes),
        },
      },
      { streamSecrets: (stream: Stream) => this.#serve(stream, encodeResponse) },
    );
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix:${socket}`, grpc.ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve();
        else
          reject(new HarnessError('E_CLUSTER', `cannot serve certificates on ${socket}: ${error.message}`));
      });
    });
    this.#server = server;
  }

  /** Sends what has changed, or has come, to all who wait for it. */
  refresh(): void {
    for (const stream of this.#streams) stream.send();
  }

  close(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }

  #serve(stream: Stream, encode: Encode): void {
    const subscription = new Subscription(stream, this.#source, encode);
    this.#streams.add(subscription);
    const end = () => this.#streams.delete(subscription);
    stream.on('data', (request: DiscoveryRequest) => {
      const refused = request.errorDetail?.message;
      if (refused) this.#warn(`${subscription.node} refuses a certificate: ${refused}`);
      subscription.take(request);
    });
    stream.on('end', () => {
      end();
      stream.end();
    });
    stream.on('error', end);
    stream.on('close', end);
  }
}

type Encode = (name: string, secret: Secret, version: string, nonce: string) => unknown;

/** One stream of one proxy. Envoy opens a stream for each secret. */
class Subscription {
  node = '';
  readonly #stream: Stream;
  readonly #source: SecretSource;
  readonly #encode: Encode;
  readonly #sent = new Map<string, string>();
  #names: readonly string[] = [];
  #nonce = 0;

  constructor(stream: Stream, source: SecretSource, encode: Encode) {
    this.#stream = stream;
    this.#source = source;
    this.#encode = encode;
  }

  take({ node, resourceNames = [] }: DiscoveryRequest): void {
    // Only the first request of a stream has it.
    if (node?.id) this.node = node.id;
    this.#names = resourceNames;
    // What it does not ask for any more it has forgotten when it asks again.
    for (const name of this.#sent.keys()) if (!resourceNames.includes(name)) this.#sent.delete(name);
    this.send();
  }

  /** Sends each secret whose content the proxy does not have; an acknowledgement is answered with nothing. */
  send(): void {
    for (const name of this.#names) {
      const secret = this.#source(this.node, name);
      if (secret === undefined) continue;
      const version = createHash('sha256').update(JSON.stringify(secret)).digest('hex').slice(0, 16);
      if (this.#sent.get(name) === version) continue;
      this.#sent.set(name, version);
      this.#nonce += 1;
      this.#stream.write(this.#encode(name, secret, version, String(this.#nonce)));
    }
  }
}

function contentOf(secret: Secret): object {
  if ('roots' in secret) return { validationContext: { trustedCa: { inlineString: secret.roots } } };
  return {
    tlsCertificate: {
      certificateChain: { inlineString: secret.chain },
      privateKey: { inlineString: secret.key },
    },
  };
}
