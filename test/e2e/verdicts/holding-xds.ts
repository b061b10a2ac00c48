/**
 * Stands between proxies and istiod, and holds messages back as a slow network or a busy istiod does: for a time of its
 * own for each proxy and each type of configuration, and never one past the other.
 */
import * as grpc from '@grpc/grpc-js';
import { type Ca, issueCertificate } from '../../../src/jwks/certificates.ts';
import { istiodName } from '../../../src/target/local/control-plane/istiod.ts';

const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService/';
const same = (bytes: Buffer) => bytes;
/** A message of istiod may have all clusters of a mesh. */
const unlimited = { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 };

export interface Message {
  /** As `httpbin-6b4`, when it has said so. */
  readonly pod: string;
  /** The last part of the type's name, such as `Listener`. */
  readonly type: string;
}

export class HoldingXds {
  readonly #server = new grpc.Server(unlimited);
  readonly #hold: (message: Message) => number;
  #ca: Ca | undefined;
  #istiod = '';
  /** To istiod, by the SPIFFE ID of the workload: istiod tells a proxy only what is meant for its certificate. */
  readonly #clients = new Map<string, Promise<grpc.Client>>();

  /** @param hold for how long a message is held back, in milliseconds */
  constructor(hold: (message: Message) => number) {
    this.#hold = hold;
    const method = (name: string) => ({
      path: `${service}${name}`,
      requestStream: true,
      responseStream: true,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    });
    const names = ['StreamAggregatedResources', 'DeltaAggregatedResources'];
    this.#server.addService(
      Object.fromEntries(names.map((name) => [name, method(name)])),
      Object.fromEntries(
        names.map((name) => [
          name,
          (near: grpc.ServerDuplexStream<Buffer, Buffer>) =>
            this.#relay(name, near).catch((error: Error) => near.destroy(error)),
        ]),
      ),
    );
  }

  /**
   * Both sides want certificates of this CA, which is that of the mesh.
   *
   * @returns the port
   */
  async listen(host: string, ca: Ca): Promise<number> {
    this.#ca = ca;
    const { certPem, keyPem } = await issueCertificate(ca, { dnsNames: [istiodName] });
    const credentials = grpc.ServerCredentials.createSsl(
      Buffer.from(ca.certPem),
      [{ cert_chain: Buffer.from(certPem), private_key: Buffer.from(keyPem) }],
      true,
    );
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host}:0`, credentials, (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  /** Leads what is opened from now on to this istiod. */
  lead(host: string, port: number): void {
    this.#closeClients();
    this.#istiod = `${host}:${port}`;
  }

  close(): void {
    this.#closeClients();
    this.#server.forceShutdown();
  }

  #closeClients(): void {
    for (const client of this.#clients.values()) void client.then((it) => it.close());
    this.#clients.clear();
  }

  #clientOf(id: string): Promise<grpc.Client> {
    const known = this.#clients.get(id);
    if (known !== undefined) return known;
    const client = this.#newClient(id);
    this.#clients.set(id, client);
    return client;
  }

  async #newClient(id: string): Promise<grpc.Client> {
    if (this.#ca === undefined) throw new Error('there is no CA yet');
    const istiod = this.#istiod;
    const { certPem, keyPem } = await issueCertificate(this.#ca, { uris: [id] });
    const [roots, key, chain] = [this.#ca.certPem, keyPem, certPem].map((pem) => Buffer.from(pem));
    return new grpc.Client(istiod, grpc.credentials.createSsl(roots, key, chain), {
      ...unlimited,
      'grpc.ssl_target_name_override': istiodName,
    });
  }

  async #relay(name: string, near: grpc.ServerDuplexStream<Buffer, Buffer>): Promise<void> {
    const names = near.getAuthContext().sslPeerCertificate?.subjectaltname ?? '';
    const client = await this.#clientOf(names.replace(/^URI:/, ''));
    const far = client.makeBidiStreamRequest(`${service}${name}`, same, same, near.metadata);
    let pod = '';
    // One after the other: a message that is held back holds up those behind it.
    let before = Promise.resolve();
    near.on('data', (message: Buffer) => {
      pod ||= /(?:sidecar|router)~[^~]*~([^~.]+)\./.exec(message.toString('latin1'))?.[1] ?? '';
      far.write(message);
    });
    far.on('data', (message: Buffer) => {
      const wait = this.#hold({ pod, type: typeOf(message) });
      before = before
        .then(() => (wait > 0 ? new Promise((resolve) => setTimeout(resolve, wait)) : undefined))
        .then(() => void (near.writable && near.write(message)));
    });
    const end = () => {
      near.end();
      far.cancel();
    };
    for (const stream of [near, far]) stream.on('error', end).on('end', end).on('close', end);
  }
}

/** Field 4 of a DiscoveryResponse and of a DeltaDiscoveryResponse: type_url. */
function typeOf(message: Buffer): string {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    if ((tag & 7) === 2) {
      const length = varint();
      if (tag >> 3 === 4)
        return (
          message
            .toString('utf8', at, at + length)
            .split('.')
            .at(-1) ?? ''
        );
      at += length;
    } else if ((tag & 7) === 0) varint();
    else return '';
  }
  return '';
}
