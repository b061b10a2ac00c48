import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { AddressBlock, portOn } from '../../../../src/target/local/network/addresses.ts';

const blocks: AddressBlock[] = [];
const servers: Server[] = [];
afterEach(() => {
  for (const block of blocks.splice(0)) block.release();
  for (const server of servers.splice(0)) server.close();
});
const claim = async (...args: Parameters<typeof AddressBlock.claim>) => {
  const block = await AddressBlock.claim(...args);
  blocks.push(block);
  return block;
};
async function listen(host: string, port = 0): Promise<number> {
  const server = createServer().listen({ host, port });
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
const prefixOf = (address: string) => address.split('.').slice(0, 3).join('.');

// Not those that real meshes use.
const claimPorts = [48_611, 48_612, 48_613];

describe('a block of addresses', () => {
  test('is on loopback, and one can listen on each of them', async () => {
    const block = await claim();
    expect(block.control).toMatch(/^127\.\d+\.\d+\.1$/);
    await listen(block.control);
    await listen(block.next());
  });

  test('belongs to one mesh at a time', async () => {
    const prefixes = ['127.127.254', '127.127.255'];
    const choose = () => prefixes[Math.floor(Math.random() * 2)]!;
    const [one, other] = [await claim(choose, claimPorts), await claim(choose, claimPorts)];
    expect(prefixOf(one.control)).not.toBe(prefixOf(other.control));
    await expect(claim(choose, claimPorts)).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: expect.stringContaining('EADDRINUSE'),
      hint: expect.stringContaining('Linux'),
    });
    one.release();
    expect((await claim(choose, claimPorts)).control).toBe(one.control);
  });

  test('can be had although somebody else listens everywhere on one of the ports that say so', async () => {
    await listen('0.0.0.0', claimPorts[0]);
    const choose = () => '127.127.253';
    await claim(choose, claimPorts);
    await expect(claim(choose, claimPorts)).rejects.toMatchObject({ code: 'E_CLUSTER' });
  });

  test('is no address of another network', async () => {
    await expect(claim(() => '192.0.2', claimPorts)).rejects.toMatchObject({
      code: 'E_CLUSTER',
      message: expect.stringContaining('EADDRNOTAVAIL'),
    });
  });
});

describe('an address', () => {
  test('is given out once, and not again before all others were', async () => {
    const block = await claim();
    const all = Array.from({ length: 244 }, () => block.next());
    expect(new Set([...all, block.control]).size).toBe(245);
    expect(all).not.toContain(`${prefixOf(block.control)}.254`);
  });

  test('that is still in use is left out when they come round again', async () => {
    const block = await claim();
    const kept = block.next();
    for (let count = 0; count < 600; count++) {
      const address = block.next();
      expect(address).not.toBe(kept);
      block.free(address);
    }
    block.free(kept);
    const later = Array.from({ length: 244 }, () => block.next());
    expect(later).toContain(kept);
  });

  test('is given out again when there is no other', async () => {
    const block = await claim();
    const all = Array.from({ length: 244 }, () => block.next());
    expect(all).toContain(block.next());
  });
});

describe('a port', () => {
  test('is the one that was wanted', async () => {
    const free = await portOn('127.0.0.1');
    expect(await portOn('127.0.0.1', free)).toBe(free);
  });

  test('is another one when it is taken, there or everywhere', async () => {
    const taken = await listen('127.0.0.1');
    expect(await portOn('127.0.0.1', taken)).not.toBe(taken);
    expect(await portOn('127.0.0.2', taken)).toBe(taken);
    const everywhere = await listen('0.0.0.0');
    expect(await portOn('127.0.0.2', everywhere)).not.toBe(everywhere);
  });

  test('cannot be had on an address of somebody else', async () => {
    await expect(portOn('192.0.2.1', 80)).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  test('is free again at once', async () => {
    const port = await portOn('127.0.0.1');
    expect(await listen('127.0.0.1', port)).toBe(port);
  });
});
