/** What istiod's webhook refuses, each as a real one of Istio 1.32 has answered. */
import { expect, test } from 'vitest';
import type { KubeObject } from '../../../src/base/kube-object.ts';
import { shapeProblems, whyRefused } from '../../../src/policy/shape/object-shape.ts';

const access = (rule: object) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'a', namespace: 'foo' },
  spec: { rules: [{}, rule] },
});
const source = (fields: object) => access({ from: [{ source: fields }] });
const operation = (fields: object) => access({ to: [{ operation: fields }] });
const when = (condition: object) => access({ when: [condition] });

test.each<[KubeObject, string]>([
  [source({}), 'from[0].source is empty: write a field, or leave it out'],
  [operation({ paths: [] }), 'to[0].operation is empty: write a field, or leave it out'],
  [operation({ paths: [''] }), 'to[0].operation.paths has "": an empty text is no value'],
  [when({ key: 'source.namespace', notValues: [''] }), 'when[0].notValues has "": an empty text is no value'],
  [when({ key: 'source.namespace' }), 'when[0] has no values: write values or notValues'],
  [
    when({ key: 'source.namespaces', values: ['a'] }),
    'when[0].key is "source.namespaces", which Istio does not know: did you mean source.namespace?',
  ],
  [
    when({ key: 'request.auth.claims[a].b', values: ['a'] }),
    'when[0].key is "request.auth.claims[a].b", which Istio does not know: write request.auth.claims[a][b]',
  ],
  [operation({ notPorts: ['http'] }), 'to[0].operation.notPorts has "http": a port is a number up to 65535'],
  [
    when({ key: 'destination.port', values: ['70000'] }),
    'when[0].values has "70000": a port is a number up to 65535',
  ],
  ...['*', '10.0.0', '10.0.0.0/33', '::/129', 'a.example.com'].map((value): [KubeObject, string] => [
    source({ remoteIpBlocks: [value] }),
    `from[0].source.remoteIpBlocks has "${value}": an address is written as 10.1.2.3, and a range as 10.0.0.0/8`,
  ]),
  ...['/a/{x}', '/a{*}', '/{**}/b/{*}'].map((value): [KubeObject, string] => [
    operation({ paths: [value] }),
    `to[0].operation.paths has "${value}": in braces there can be nothing but * or **, between slashes, and {**} is the last of them`,
  ]),
])('%j is refused', (policy, why) => {
  expect(whyRefused(policy)).toBe(`spec.rules[1].${why}`);
});

test.each([
  access({ from: [] }),
  operation({ ports: ['0', '65535'], paths: ['/a/{*}/b', '/{*}/b/{**}', '/{**}/b', '*'] }),
  source({ ipBlocks: ['10.1.2.3/8', '10.1.2.3', '::1', 'fd00::/8'], notNamespaces: ['a'] }),
  when({ key: 'request.headers[x-a]', values: ['*'] }),
])('%j is taken', (policy) => {
  expect(shapeProblems(policy)).toEqual([]);
});
