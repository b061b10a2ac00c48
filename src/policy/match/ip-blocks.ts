/** Addresses and blocks of them, as `10.1.2.3` and `10.1.0.0/16`. */
import { BlockList, isIP, SocketAddress } from 'node:net';
import { rememberedByText } from '../../base/remembered.ts';
import type { Truth } from './truth.ts';

/** Where addresses of pods, nodes and local meshes come from: RFC 1918, RFC 6598, loopback and link-local. */
const inner: readonly (readonly [string, number])[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
];
const innerStarts = inner.map(([address]) => new SocketAddress({ address }));
const innerList = new BlockList();
for (const [start, bits] of inner) innerList.addSubnet(start, bits, 'ipv4');

/**
 * Whether an address is in a block; false for what is no address or no block, which istiod refuses. An address of IPv4 is in no
 * block of IPv6, nor the other way round (Envoy's CidrRange::isInRange).
 */
export function inBlock(address: string, block: string): boolean {
  const [list, family] = [listOf(block), isIP(address)];
  if (list === undefined || family === 0 || family !== isIP(block.split('/')[0] ?? '')) return false;
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** Whether all private addresses of IPv4 are in a block; undefined when some are and others are not. */
export const hasPrivate = rememberedByText((block): Truth => {
  const [address = '', bits] = block.split('/');
  const list = listOf(block);
  if (list === undefined || isIP(address) !== 4) return false;
  if (bits === '0') return true;
  return innerList.check(address) || innerStarts.some((start) => list.check(start)) ? undefined : false;
});

/** Whether it is an address, or a range of them, as istiod takes it (pkg/config/security/security.go, ValidateIPs). */
export function isBlock(text: string): boolean {
  return listOf(text) !== undefined;
}

const listOf = rememberedByText((block): BlockList | undefined => {
  const [, net = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(block) ?? [];
  const family = isIP(net);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  if (family === 0 || prefix > most) return undefined;
  const list = new BlockList();
  list.addSubnet(net, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return list;
});
