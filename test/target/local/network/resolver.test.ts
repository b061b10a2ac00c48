import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { PodSpec } from '../../../../src/target/local/kubelet/pod-spec.ts';
import { Resolver } from '../../../../src/target/local/network/resolver.ts';
import type { KubeObject } from '../../../../src/target/target.ts';
import { identity, podSpec, service } from '../support.ts';

interface Pod {
  readonly identity: ReturnType<typeof identity>;
  ready: boolean;
  readonly realPort: (targetPort: number) => number;
}
const services: KubeObject[] = [];
const workloads: Pod[] = [];
let resolver: Resolver;
beforeEach(() => {
  services.length = 0;
  workloads.length = 0;
  resolver = new Resolver({ services, workloads });
});

const pod = (app: string, address: string, spec: Partial<PodSpec> = {}): Pod => {
  const made = {
    identity: identity({ address, spec: podSpec({ labels: { app }, ...spec }) }),
    ready: true,
    realPort: (targetPort: number) => targetPort + 30_000,
  };
  workloads.push(made);
  return made;
};
const httpbin = () => {
  services.push(service('httpbin', undefined, { clusterIP: '10.96.0.7' }));
  return pod('httpbin', '127.99.0.20');
};
const there = { kind: 'address', host: '127.99.0.20', port: 38_080 };

describe('a Service', () => {
  test.each([
    ['foo', 'httpbin'],
    ['foo', 'httpbin.foo'],
    ['bar', 'httpbin.foo'],
    ['bar', 'httpbin.foo.svc'],
    ['bar', 'httpbin.foo.svc.cluster.local'],
    ['bar', 'httpbin.foo.svc.cluster.local.'],
    ['bar', 'HttpBin.Foo'],
    ['bar', '10.96.0.7'],
  ])('is found from namespace %s as %s', (namespace, name) => {
    httpbin();
    expect(resolver.resolve(name, 8000, namespace)).toEqual(there);
  });

  test.each([
    ['bar', 'httpbin'],
    // A name that ends with a dot is whole.
    ['foo', 'httpbin.'],
    ['foo', 'httpbin.foo.'],
    ['foo', 'httpbin.foo.svc.'],
    ['foo', 'httpbin.foo.svc.cluster.example'],
    ['foo', 'www.httpbin.foo'],
    ['foo', 'httpbin.foo.cluster.local'],
    ['foo', 'httpbin..foo'],
    ['foo', ''],
    ['foo', '.'],
    ['foo', '10.96.0.8'],
    ['foo', 'None'],
  ])('is not found from namespace %s as %s', (namespace, name) => {
    httpbin();
    services.push(service('headless', undefined, { clusterIP: 'None' }));
    expect(resolver.resolve(name, 8000, namespace)).toEqual({ kind: 'unknown' });
  });

  test('of the own namespace comes before one of another', () => {
    const other = service('foo');
    other.metadata.namespace = 'bar';
    const mine = service('foo');
    services.push(other, mine);
    expect(resolver.serviceFor('foo', 'foo')).toBe(mine);
    expect(resolver.serviceFor('foo', 'bar')).toBe(other);
    expect(resolver.serviceFor('foo.bar', 'foo')).toBe(other);
  });

  test('leads to a pod that is ready and that it selects, by its real port', () => {
    const first = httpbin();
    pod('nginx', '127.99.0.21');
    pod('httpbin', '127.99.0.22');
    expect(resolver.resolve('httpbin', 8000, 'foo')).toEqual(there);
    first.ready = false;
    expect(resolver.resolve('httpbin', 8000, 'foo')).toEqual({ ...there, host: '127.99.0.22' });
  });

  test('leads to a pod that has the port by its name', () => {
    services.push(service('httpbin', [{ name: 'http', port: 8000, targetPort: 'web' }]));
    pod('httpbin', '127.99.0.20');
    const ports = [{ name: 'web', containerPort: 80 }];
    const containers = [{ name: 'a', image: '', ports, mounts: [] }];
    pod('httpbin', '127.99.0.21', { containers });
    expect(resolver.resolve('httpbin', 8000, 'foo')).toEqual({
      kind: 'address',
      host: '127.99.0.21',
      port: 30_080,
    });
  });

  test('refuses a port that it does not have, and everything when nobody is ready', () => {
    const only = httpbin();
    const refused = (why: string) => ({ kind: 'refused', why });
    expect(resolver.resolve('httpbin', 80, 'foo')).toEqual(refused('Service foo/httpbin has no port 80'));
    only.ready = false;
    expect(resolver.resolve('httpbin', 8000, 'foo')).toEqual(refused('Service foo/httpbin has no endpoints'));
  });

  test('is found by every one of its names, whatever they are', () => {
    const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,10}[a-z0-9])?$/);
    fc.assert(
      fc.property(label, label, label, (name, of, from) => {
        const object = service(name);
        object.metadata.namespace = of;
        const own = new Resolver({ services: [object], workloads: [] });
        for (const suffix of [
          `.${of}`,
          `.${of}.svc`,
          `.${of}.svc.cluster.local`,
          `.${of}.svc.cluster.local.`,
        ])
          expect(own.serviceFor(`${name}${suffix}`, from)).toBe(object);
        expect(own.serviceFor(name, of)).toBe(object);
        if (from !== of) expect(own.serviceFor(name, from)).toBeUndefined();
      }),
    );
  });
});

describe('a server outside of the mesh', () => {
  const external = { ip: '127.99.0.40', ports: { 80: 40_080 } };

  test('is found by name and address until it is removed', () => {
    resolver.addExternal('keys-1.external.test', external);
    const found = { kind: 'address', host: '127.99.0.40', port: 40_080 };
    for (const host of [
      'keys-1.external.test',
      'keys-1.external.test.',
      'Keys-1.External.Test',
      '127.99.0.40',
    ])
      expect(resolver.resolve(host, 80, 'foo')).toEqual(found);
    expect(resolver.resolve('keys-1.external.test', 443, 'foo')).toEqual({ ...found, port: 443 });
    expect(resolver.externalAt('127.99.0.40')).toBe(external);
    resolver.removeExternal('keys-1.external.test');
    resolver.removeExternal('keys-1.external.test');
    expect(resolver.resolve('127.99.0.40', 80, 'foo')).toEqual({ kind: 'unknown' });
    expect(resolver.externalAt('127.99.0.40')).toBeUndefined();
  });

  test('is hidden by a Service that has its name', () => {
    resolver.addExternal('httpbin.foo', external);
    httpbin();
    expect(resolver.resolve('httpbin.foo', 8000, 'bar')).toEqual(there);
    // The whole name is that of the server.
    expect(resolver.resolve('httpbin.foo.', 80, 'bar')).toMatchObject({ host: '127.99.0.40' });
  });
});
