import { expect, test } from 'vitest';
import { refuseAddresses } from '../../../../src/target/local/network/client-addresses.ts';
import type { KubeObject } from '../../../../src/target/target.ts';

const policy = (rule: object): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'clients', namespace: 'foo' },
  spec: { action: 'DENY', rules: [{}, rule] },
});
const source = (range: string) => policy({ from: [{ source: {} }, { source: { ipBlocks: [range] } }] });

test.each([
  '10.244.0.0/16',
  '10.0.0.0/7',
  '10.1.2.3',
  '127.0.0.1',
  '172.20.0.0/14',
  '192.168.0.0/16',
  '0.0.0.0/1',
  '100.64.3.0/24',
])('the range %s, which has some addresses of clusters or local meshes, is refused', (range) => {
  expect(() => refuseAddresses(source(range))).toThrow(
    expect.objectContaining({
      code: 'E_UNPROVEN',
      message: expect.stringContaining(
        `AuthorizationPolicy foo/clients has a condition on the addresses ${range},`,
      ),
    }),
  );
});

test.each([
  '203.0.113.0/24',
  '8.8.8.8',
  '172.32.0.0/12',
  '0.0.0.0/0',
  '::/0',
  '2001:db8::/32',
  'nonsense',
  '10.0.0.0/99',
])('the range %s is the same everywhere, or no range', (range) => {
  expect(() => refuseAddresses(source(range))).not.toThrow();
});

test.each([
  { from: [{ source: { notIpBlocks: ['10.0.0.0/8'] } }] },
  { from: [{ source: { remoteIpBlocks: ['1.2.3.4', '10.0.0.0/8'] } }] },
  { from: [{ source: { notRemoteIpBlocks: ['10.0.0.0/8'] } }] },
  { when: [{ key: 'source.ip', values: ['10.0.0.0/8'] }] },
  { when: [{ key: 'remote.ip', notValues: ['10.0.0.0/8'] }] },
  { when: [{ key: 'destination.ip', values: ['10.0.0.0/8'] }] },
])('wherever it stands: %j', (rule) => {
  expect(() => refuseAddresses(policy(rule))).toThrow('10.0.0.0/8');
});

test('other conditions and other kinds are not looked at', () => {
  const other = { when: [{ key: 'request.headers[x-forwarded-for]', values: ['10.0.0.1'] }] };
  expect(() => refuseAddresses(policy(other))).not.toThrow();
  expect(() => refuseAddresses({ ...source('10.0.0.0/8'), kind: 'RequestAuthentication' })).not.toThrow();
  expect(() => refuseAddresses({ ...source('10.0.0.0/8'), spec: undefined })).not.toThrow();
});
