/** Addresses and blocks of them, as `10.1.2.3` and `10.1.0.0/16`. */
import { BlockList, isIP } from 'node:net';

/** Whether an address is in a block; false for what is no address or no block, which istiod refuses. */
export function inBlock(address: string, block: string): boolean {
  const [net = '', bits] = block.split('/');
  const [family, of] = [isIP(net), isIP(address)];
  if (family === 0 || family !== of) return false;
  const list = new BlockList();
  const name = family === 4 ? 'ipv4' : 'ipv6';
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > most) return false;
  list.addSubnet(net, prefix, name);
  return list.check(address, name);
}
