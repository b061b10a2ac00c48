/**
 * Stands between proxies and istiod, and holds messages back as a slow network or a busy istiod does: for a time of its
 * own for each proxy and each type of configuration, and never one past the other.
 */
import * as grpc from '@grpc/grpc-js';

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
  #client: grpc.Client | undefined;

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
          (near: grpc.ServerDuplexStream<Buffer, Buffer>) => this.#relay(name, near),
        ]),
      ),
    );
  }

  /** @returns the port */
  async listen(host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host}:0`, grpc.ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  /** Leads what is opened from now on to this istiod. */
  lead(host: string, port: number): void {
    this.#client?.close();
    this.#client = new grpc.Client(`${host}:${port}`, grpc.credentials.createInsecure(), unlimited);
  }

  close(): void {
    this.#client?.close();
    this.#server.forceShutdown();
  }

  #relay(name: string, near: grpc.ServerDuplexStream<Buffer, Buffer>): void {
    if (this.#client === undefined) throw new Error('there is no istiod yet');
    const far = this.#client.makeBidiStreamRequest(`${service}${name}`, same, same, near.metadata);
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
