/**
 * Loopback addresses of a mesh's own. All of 127.0.0.0/8 is the machine itself on Linux, so each mesh takes a block of
 * 256 addresses, and each workload one of them: several meshes run at once, and nobody else can reach any of them.
 */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { HarnessError } from '../../../base/errors.ts';

/**
 * Listening on most of these ports, on the last address of a block, is what says that the block is taken: two meshes cannot
 * both have most of them, and one can still have them when somebody else listens on one of them everywhere.
 */
const claimPorts = [47_611, 47_612, 47_613];
const attempts = 50;

/** Numbers of the addresses that are given out. */
const [first, last] = [10, 253];

export class AddressBlock {
  readonly #prefix: string;
  readonly #claim: readonly Server[];
  readonly #used = new Set<string>();
  #next = first;
  /** Of the control plane. */
  readonly control: string;

  private constructor(prefix: string, claim: readonly Server[]) {
    this.#prefix = prefix;
    this.#claim = claim;
    this.control = `${prefix}.1`;
  }

  /**
   * Takes a block that no other mesh of this machine has.
   *
   * @param choose gives the first three numbers of a block
   * @throws HarnessError E_CLUSTER when none can be had
   */
  static async claim(choose = anyBlock, ports: readonly number[] = claimPorts): Promise<AddressBlock> {
    let reason = '';
    for (let attempt = 0; attempt < attempts; attempt++) {
      const prefix = choose();
      const servers = ports.map(() => createServer((socket) => socket.destroy()).unref());
      const results = await Promise.allSettled(
        servers.map((server, index) => listen(server, `${prefix}.254`, ports[index] ?? 0)),
      );
      const failed = results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason as Error] : [],
      );
      if (failed.length * 2 < ports.length) return new AddressBlock(prefix, servers);
      for (const server of servers) server.close();
      reason = failed[0]?.message ?? '';
    }
    throw new HarnessError('E_CLUSTER', `no loopback addresses can be had for the mesh: ${reason}`, {
      hint: 'The target local needs Linux, where all of 127.0.0.0/8 is this machine.',
    });
  }

  /**
   * An address that nothing of this mesh uses. None is given out again before all others were, so that nobody who still
   * knows one meets somebody else there.
   */
  next(): string {
    for (let tried = first; tried <= last && this.#used.has(this.#address); tried++) this.#step();
    const address = this.#address;
    this.#used.add(address);
    this.#step();
    return address;
  }

  /** The address is not used any more. */
  free(address: string): void {
    this.#used.delete(address);
  }

  get #address(): string {
    return `${this.#prefix}.${this.#next}`;
  }

  #step(): void {
    this.#next = this.#next >= last ? first : this.#next + 1;
  }

  release(): void {
    for (const server of this.#claim) server.close();
  }
}

/** Low ones are in use for other things, such as systemd-resolved's 127.0.0.53. */
function anyBlock(): string {
  return `127.${randomInt(64, 128)}.${randomInt(0, 256)}`;
}

/**
 * The wanted port, if this user may listen on it and nobody does already, else another one.
 *
 * @param wanted 0 for any
 */
export async function portOn(address: string, wanted = 0): Promise<number> {
  const server = createServer();
  try {
    return await listen(server, address, wanted);
  } catch (thrown) {
    if (wanted === 0) throw thrown;
    return portOn(address);
  } finally {
    server.close();
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
