import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isHttp, selecting } from '../../../../src/policy/service-port.ts';
import { httpPorts, protocolAt, servicePorts } from '../../../../src/target/local/kubelet/service-ports.ts';
import { podSpec, service } from '../support.ts';

const pod = podSpec({
  containers: [
    { name: 'a', image: '', ports: [{ containerPort: 1 }], mounts: [] },
    { name: 'b', image: '', ports: [{ name: 'web', containerPort: 8080 }], mounts: [] },
  ],
});
const protocolOf = (port: object) => servicePorts(service('x', [port]), pod)[0]?.protocol;

describe('a Service selects pods', () => {
  const services = [
    service('httpbin'),
    service('nginx'),
    service('none', [], { selector: {} }),
    { ...service('external'), spec: { ports: [{ port: 80 }] } },
  ];
  const namesOf = (namespace: string, labels: Record<string, string>) =>
    selecting(services, namespace, labels).map(({ metadata }) => metadata.name);

  test('by all of its labels, in its namespace', () => {
    expect(namesOf('foo', { app: 'httpbin', version: 'v1' })).toEqual(['httpbin']);
    expect(namesOf('bar', { app: 'httpbin' })).toEqual([]);
    expect(namesOf('foo', { version: 'v1' })).toEqual([]);
    const both = service('x', [], { selector: { app: 'x', version: 'v1' } });
    expect(selecting([both], 'foo', { app: 'x' })).toEqual([]);
    expect(selecting([both], 'foo', { app: 'x', version: 'v1' })).toEqual([both]);
  });

  test('and nothing when it has no selector', () => {
    expect(namesOf('foo', {})).toEqual([]);
  });
});

describe('target ports', () => {
  test('are numbers, names of container ports, or the port itself', () => {
    const ports = [
      { name: 'number', port: 1, targetPort: 10 },
      { name: 'named', port: 2, targetPort: 'web' },
      { name: 'same', port: 3 },
    ];
    const found = servicePorts(service('x', ports), pod);
    expect(found.map(({ targetPort, targetName }) => [targetPort, targetName])).toEqual([
      [10, undefined],
      [8080, 'web'],
      [3, undefined],
    ]);
  });

  test('that the pod does not have by this name are none: it is no endpoint of the port', () => {
    const ports = [
      { name: 'a', port: 1, targetPort: 'unknown' },
      { name: 'b', port: 2, targetPort: 'web' },
    ];
    expect(servicePorts(service('x', ports), pod).map(({ name }) => name)).toEqual(['b']);
  });

  test('are those of TCP', () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ];
    expect(servicePorts(service('x', ports), pod).map(({ name }) => name)).toEqual(['dns-tcp']);
    expect(servicePorts({ ...service('x'), spec: {} }, pod)).toEqual([]);
  });
});

describe('the protocol', () => {
  test('of a port that clients use is told, if there is such a port', () => {
    const ports = [
      { name: 'tcp-web', port: 80, targetPort: 8080 },
      { name: 'web', port: 81 },
    ];
    const found = [80, 81, 82].map((port) => protocolAt(service('x', ports), port));
    expect(found).toEqual(['TCP', 'HTTP', undefined]);
    expect(found.map((each) => each !== undefined && isHttp(each))).toEqual([false, true, false]);
  });

  test.each([
    [{ port: 8000, name: 'http' }, 'HTTP'],
    [{ port: 8000, name: 'http-web' }, 'HTTP'],
    [{ port: 8000, name: 'HTTP2-web' }, 'HTTP2'],
    [{ port: 8000, name: 'grpc' }, 'GRPC'],
    [{ port: 8000, name: 'grpc-web' }, 'GRPC-WEB'],
    [{ port: 8000, name: 'grpc-web-api' }, 'GRPC-WEB'],
    [{ port: 8000, name: 'https-web' }, 'HTTPS'],
    [{ port: 8000, name: 'tcp' }, 'TCP'],
    // The field wins over the name.
    [{ port: 8000, name: 'tcp', appProtocol: 'http' }, 'HTTP'],
    [{ port: 8000, name: 'http', appProtocol: 'kubernetes.io/h2c' }, 'HTTP2'],
    [{ port: 8000, name: 'tcp', appProtocol: 'kubernetes.io/ws' }, 'HTTP'],
    [{ port: 8000, name: 'http', appProtocol: 'kubernetes.io/wss' }, 'HTTPS'],
    // Nothing is said: what would be sniffed.
    [{ port: 8000 }, 'HTTP'],
    [{ port: 8000, name: 'web' }, 'HTTP'],
    [{ port: 443 }, 'HTTPS'],
    [{ port: 443, name: 'http' }, 'HTTP'],
  ])('of %j is %s', (port, expected) => {
    expect(protocolOf(port)).toBe(expected);
  });

  test('is one that a Sidecar may have, whatever the name', () => {
    const name = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?$/));
    fc.assert(
      fc.property(name, fc.option(name, { nil: undefined }), fc.nat(65535), (text, appProtocol, port) => {
        const allowed = /^(HTTP|HTTP2|GRPC|GRPC-WEB|HTTPS|TLS|TCP|MONGO|MYSQL|REDIS)$/;
        expect(protocolOf({ name: text, port: port || 1, appProtocol })).toMatch(allowed);
      }),
    );
  });
});

test('clients need the ports on which a Service speaks HTTP, each once, in order', () => {
  const ports = [
    { name: 'http', port: 9080 },
    { name: 'grpc', port: 90 },
    { name: 'tcp', port: 7 },
    { name: 'https', port: 443 },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ];
  const services = [
    service('a', ports),
    service('b', [{ port: 9080 }]),
    { ...service('c'), spec: undefined },
  ];
  expect(httpPorts(services)).toEqual([90, 9080]);
});
