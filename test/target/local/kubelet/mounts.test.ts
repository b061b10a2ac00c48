import { beforeEach, describe, expect, test } from 'vitest';
import { Mounts } from '../../../../src/target/local/kubelet/mounts.ts';
import type { MountSpec } from '../../../../src/target/local/kubelet/pod-spec.ts';
import type { KubeObject } from '../../../../src/target/target.ts';

const configMap = (data: Record<string, string>, namespace?: string): KubeObject => {
  const metadata = { name: 'settings', ...(namespace === undefined ? {} : { namespace }) };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
};
const mount = (path: string, optional = false, kind: 'ConfigMap' | 'Secret' = 'ConfigMap'): MountSpec => ({
  path,
  source: { kind, name: 'settings', optional },
});

let mounts: Mounts;
beforeEach(() => {
  mounts = new Mounts();
});

describe('volumes', () => {
  test('have the files of their ConfigMap as it is now', () => {
    mounts.set(configMap({ a: '1' }, 'foo'), false);
    mounts.set(configMap({ a: '2', b: '3' }, 'foo'), false);
    const files = mounts.of('foo', [mount('/etc/x'), { path: '/tmp' }]);
    expect(Object.fromEntries(files.get('/etc/x') ?? [])).toEqual({ a: '2', b: '3' });
    expect(files.get('/tmp')?.size).toBe(0);
  });

  test('are those of the namespace, and of the kind', () => {
    mounts.set(configMap({ a: '1' }, 'bar'), false);
    expect(mounts.complete('foo', [mount('/x')])).toBe(false);
    expect(mounts.complete('bar', [mount('/x')])).toBe(true);
    expect(mounts.complete('bar', [mount('/x', false, 'Secret')])).toBe(false);
    // An object of a namespaced kind without a namespace is in this one.
    mounts.set(configMap({ a: '1' }), false);
    expect(mounts.complete('default', [mount('/x')])).toBe(true);
  });

  test('that must be there and are not are an error that names them', () => {
    mounts.set(configMap({ a: '1' }, 'foo'), false);
    mounts.set(configMap({ a: '1' }, 'foo'), true);
    expect(mounts.complete('foo', [mount('/x')])).toBe(false);
    expect(() => mounts.of('foo', [mount('/x')])).toThrow(
      expect.objectContaining({
        code: 'E_NOT_READY',
        message: 'ConfigMap foo/settings is not there',
        hint: expect.stringContaining('/x'),
      }),
    );
  });

  test('that need not be there are empty', () => {
    expect(mounts.complete('foo', [mount('/x', true)])).toBe(true);
    expect(mounts.of('foo', [mount('/x', true)]).get('/x')?.size).toBe(0);
  });
});

test('a file is found by its whole path, in the volume that has it', () => {
  mounts.set(configMap({ 'ca.pem': 'PEM' }, 'foo'), false);
  const all = [{ path: '/etc/ca' }, mount('/etc/other', true, 'Secret'), mount('/etc/ca')];
  expect(mounts.file('foo', all, '/etc/ca/ca.pem')).toBe('PEM');
  expect(mounts.file('foo', all, '/etc/ca/other.pem')).toBeUndefined();
  expect(mounts.file('foo', all, '/etc/cat/ca.pem')).toBeUndefined();
  expect(mounts.file('foo', all, '/etc/other/ca.pem')).toBeUndefined();
  expect(mounts.file('bar', all, '/etc/ca/ca.pem')).toBeUndefined();
  expect(mounts.file('foo', [mount('')], '/ca.pem')).toBe('PEM');
});
