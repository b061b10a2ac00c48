/** What Istio takes a port of a Service for (ConvertProtocol in pkg/config/kube/conversion.go). */
import { expect, test } from 'vitest';
import { type DeclaredPort, isHttp, protocolOf } from '../../src/policy/service-port.ts';

test.each<[Partial<DeclaredPort>, string, boolean]>([
  [{}, 'HTTP', true],
  [{ name: 'web' }, 'HTTP', true],
  [{ name: 'tcp-web' }, 'TCP', false],
  [{ name: 'Grpc-Web-a' }, 'GRPC-WEB', true],
  [{ name: 'udp' }, 'UDP', false],
  [{ name: 'http', protocol: 'UDP' }, 'UDP', false],
  [{ name: 'tcp', appProtocol: 'http' }, 'HTTP', true],
  [{ name: 'tcp', appProtocol: 'kubernetes.io/h2c' }, 'HTTP2', true],
  [{ name: 'web', port: 443 }, 'HTTPS', false],
  [{ name: 'web', port: 3306 }, 'TCP', false],
  [{ name: 'http-web', port: 3306 }, 'HTTP', true],
])('%j is %s', (port, protocol, http) => {
  const found = protocolOf({ port: 8000, ...port });
  expect([found, isHttp(found)]).toEqual([protocol, http]);
});
