import { expect, test } from 'vitest';
import { throughGateway } from '../../src/scenario/through.ts';

const certificates = { edge: { hosts: ['edge.example.com', 'other.example.com'] } };

test('through says which Gateway it is, and at which port; the ingress gateway is none', () => {
  expect(throughGateway('ingress', {})).toBeUndefined();
  expect(throughGateway('gateway foo/edge', {})).toEqual({ namespace: 'foo', name: 'edge' });
  expect(throughGateway({ gateway: 'foo/edge', port: 8443 }, {})).toEqual({
    namespace: 'foo',
    name: 'edge',
    port: 8443,
  });
});

test('HTTPS has a host: that of the server name, else the first one of the certificate', () => {
  const through = { gateway: 'foo/edge', https: 'edge' };
  expect(throughGateway(through, certificates)?.https).toEqual({
    certificate: 'edge',
    host: 'edge.example.com',
  });
  expect(throughGateway({ ...through, sni: 'a.example.com' }, certificates)?.https).toEqual({
    certificate: 'edge',
    host: 'a.example.com',
    sni: 'a.example.com',
  });
});
