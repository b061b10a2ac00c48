import { expect, test } from 'vitest';
import { withRealPorts } from '../../../../src/target/local/network/real-ports.ts';
import type { KubeObject } from '../../../../src/target/target.ts';

const external = { ip: '127.9.9.9', ports: { 80: 40_080, 443: 443 } };
const serverAt = (ip: string) => (ip === external.ip ? external : undefined);
const entry = (spec: unknown, kind = 'ServiceEntry'): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind,
  metadata: { name: 'keys', namespace: 'foo' },
  spec,
});
const ports = [
  { name: 'http', number: 80, protocol: 'HTTP' },
  { name: 'https', number: 443, protocol: 'HTTPS' },
];

test('an endpoint that is such a server gets the ports that are not those of the manifest', () => {
  const object = entry({
    hosts: ['keys.test'],
    ports,
    endpoints: [{ address: external.ip }, { address: '10.0.0.1' }],
  });
  expect(withRealPorts(object, serverAt)).toEqual(
    entry({
      hosts: ['keys.test'],
      ports,
      endpoints: [{ address: external.ip, ports: { http: 40_080 } }, { address: '10.0.0.1' }],
    }),
  );
});

test('by their target port, where there is one', () => {
  const moved = [{ name: 'http', number: 8080, targetPort: 80 }];
  const object = entry({ ports: moved, endpoints: [{ address: external.ip }] });
  expect(withRealPorts(object, serverAt)).toMatchObject({
    spec: { endpoints: [{ ports: { http: 40_080 } }] },
  });
});

test('ports that the manifest gives an endpoint itself stay', () => {
  const object = entry({ ports, endpoints: [{ address: external.ip, ports: { http: 7 } }] });
  expect(withRealPorts(object, serverAt)).toEqual(object);
});

test('everything else stays as it is', () => {
  const endpoints = [{ address: external.ip }];
  for (const object of [
    entry({ ports, endpoints }, 'Sidecar'),
    entry({ ports, endpoints: [{ address: '10.0.0.1' }] }),
    entry({ ports: [ports[1]], endpoints }),
    entry({ ports }),
    entry({ endpoints }),
    entry({ ports, endpoints: [{}] }),
    entry(undefined),
  ]) {
    expect(withRealPorts(object, serverAt)).toEqual(object);
  }
});
