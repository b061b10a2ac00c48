import { describe, expect, test } from 'vitest';
import { entryHost } from '../../../../src/target/local/network/entry-hosts.ts';

/** A ServiceEntry of namespace foo. */
const entry = (spec: object, labels: Record<string, string> = {}) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'ServiceEntry',
  metadata: { name: 'one', namespace: 'foo', labels },
  spec: { hosts: ['a.test'], resolution: 'STATIC', ...spec },
});
const find = (
  name: string,
  spec: object,
  labels?: Record<string, string>,
  namespace = 'foo',
  exported = ['*'],
) => entryHost(name, namespace, [entry(spec, labels)], exported);

describe('the sidecar', () => {
  test.each<[string, object]>([
    ['a.test', {}],
    ['A.Test', {}],
    ['a.test.', {}],
    ['a.test', { hosts: ['A.TEST'] }],
    ['a.test', { resolution: 'DNS' }],
    // With an address of its own it needs none from istiod.
    ['a.test', { resolution: 'NONE', addresses: ['240.0.0.1'] }],
    ['a.test', { addresses: ['10.0.0.0/8', '240.0.0.1/32'] }],
    ['b.a.test', { hosts: ['*.a.test'], addresses: ['240.0.0.1'] }],
    ['c.b.a.test', { hosts: ['*.a.test'], addresses: ['240.0.0.1'] }],
    ['b.a.test', { hosts: ['*.a.test'], resolution: 'DYNAMIC_DNS' }],
    ['240.0.0.1', { addresses: ['240.0.0.1'] }],
    ['240.0.0.1', { addresses: ['240.0.0.1/32'] }],
  ])('answers for %s with %j', (name, spec) => {
    expect(find(name, spec)).toBe('resolved');
  });

  test.each<[string, object]>([
    ['a.test', { resolution: 'NONE' }],
    // NONE is what holds when it is left out.
    ['a.test', { resolution: undefined }],
    ['a.test', { addresses: ['10.0.0.0/8'] }],
    ['b.a.test', { hosts: ['*.a.test'] }],
  ])('has no address for %s with %j', (name, spec) => {
    expect(find(name, spec)).toBe('routed');
  });

  test('gets none from istiod where the ServiceEntry says so', () => {
    const label = { 'networking.istio.io/enable-autoallocate-ip': 'False' };
    expect(find('a.test', {}, label)).toBe('routed');
    expect(find('a.test', { addresses: ['240.0.0.1'] }, label)).toBe('resolved');
  });

  test.each<[string, object]>([
    ['b.test', {}],
    ['b.a.test', {}],
    ['a.test', { hosts: ['*.a.test'], addresses: ['240.0.0.1'] }],
    ['xa.test', { hosts: ['*.a.test'], addresses: ['240.0.0.1'] }],
    ['240.0.0.2', { addresses: ['240.0.0.1'] }],
  ])('does not know %s with %j', (name, spec) => {
    expect(find(name, spec)).toBe('unknown');
  });

  test.each<[string[] | undefined, string, string[], string]>([
    [undefined, 'bar', ['*'], 'resolved'],
    [undefined, 'bar', ['.'], 'unknown'],
    [undefined, 'foo', ['.'], 'resolved'],
    [['.'], 'bar', ['*'], 'unknown'],
    [['.'], 'foo', ['*'], 'resolved'],
    [['bar'], 'bar', ['.'], 'resolved'],
    [['bar'], 'foo', ['*'], 'unknown'],
    [['~'], 'foo', ['*'], 'unknown'],
    [['*'], 'bar', ['.'], 'resolved'],
  ])('exportTo %j is seen in namespace %s with default %j: %s', (exportTo, namespace, exported, expected) => {
    expect(find('a.test', { exportTo }, {}, namespace, exported)).toBe(expected);
  });

  test('takes the ServiceEntry that has an address, of several', () => {
    const entries = [entry({ resolution: 'NONE' }), entry({}), entry({ hosts: ['b.test'] })];
    expect(entryHost('a.test', 'foo', entries, ['*'])).toBe('resolved');
    expect(entryHost('a.test', 'foo', [], ['*'])).toBe('unknown');
  });
});
