import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { filesOf, podSpecOf } from '../../../../src/target/local/kubelet/pod-spec.ts';
import { deployment } from '../support.ts';

const container = { name: 'nginx', image: 'nginx:1.29', ports: [{ name: 'web', containerPort: 80 }] };

describe('the pods of a Deployment', () => {
  test('have what its template says', () => {
    const spec = podSpecOf(
      deployment('nginx', {
        metadata: { labels: { app: 'nginx', version: 'v1' }, annotations: { a: 'b' } },
        spec: { serviceAccountName: 'web', containers: [container, { name: 'bare' }] },
      }),
    );
    expect(spec).toMatchObject({
      labels: { app: 'nginx', version: 'v1' },
      annotations: { a: 'b' },
      serviceAccount: 'web',
      containers: [
        { ...container, mounts: [] },
        { name: 'bare', image: '', ports: [], mounts: [] },
      ],
      proxyMounts: [],
    });
  });

  test('have the account "default" and no labels when nothing is said', () => {
    const object = deployment('x', { metadata: { labels: undefined } });
    expect(podSpecOf(object)).toMatchObject({ serviceAccount: 'default', labels: {}, annotations: {} });
  });

  test('are replaced when the template changes, and not when only the number of replicas does', () => {
    const hash = (...args: Parameters<typeof deployment>) => podSpecOf(deployment(...args)).hash;
    expect(hash('x', {}, { replicas: 3 })).toBe(hash('x'));
    const restarted = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } };
    expect(hash('x', restarted)).not.toBe(hash('x'));
  });

  test('mount ConfigMaps and Secrets; other volumes are empty', () => {
    const mounted = {
      name: 'a',
      volumeMounts: [
        { name: 'config', mountPath: '/etc/nginx/' },
        { name: 'secret', mountPath: '/etc/tls' },
        { name: 'scratch', mountPath: '/tmp' },
        { name: 'nowhere', mountPath: '/nowhere' },
      ],
    };
    const volumes = [
      { name: 'config', configMap: { name: 'settings' } },
      { name: 'secret', secret: { secretName: 'keys', optional: true } },
      { name: 'scratch', emptyDir: {} },
    ];
    const spec = podSpecOf(deployment('x', { spec: { containers: [mounted], volumes } }));
    expect(spec.containers[0]?.mounts).toEqual([
      { path: '/etc/nginx', source: { kind: 'ConfigMap', name: 'settings', optional: false } },
      { path: '/etc/tls', source: { kind: 'Secret', name: 'keys', optional: true } },
      { path: '/tmp' },
      { path: '/nowhere' },
    ]);
  });
});

describe('volumes of the sidecar', () => {
  const mountsOf = (userVolume: string, userVolumeMount: string) => {
    const annotations = {
      'sidecar.istio.io/userVolume': userVolume,
      'sidecar.istio.io/userVolumeMount': userVolumeMount,
    };
    return podSpecOf(deployment('x', { metadata: { annotations } })).proxyMounts;
  };
  const expected = [{ path: '/etc/ca', source: { kind: 'Secret', name: 'ca', optional: false } }];

  test('are JSON maps by name, as the injector takes them', () => {
    expect(mountsOf('{"v":{"secret":{"secretName":"ca"}}}', '{"v":{"mountPath":"/etc/ca"}}')).toEqual(
      expected,
    );
  });

  test('or lists', () => {
    const volumes = '[{"name":"v","secret":{"secretName":"ca"}}]';
    expect(mountsOf(volumes, '[{"name":"v","mountPath":"/etc/ca"}]')).toEqual(expected);
  });

  test('are none when the annotation is nonsense, whatever JSON it is', () => {
    expect(mountsOf('{', '{')).toEqual([]);
    const json = fc.oneof(fc.json(), fc.string());
    fc.assert(
      fc.property(json, json, (volumes, mounts) => {
        for (const { path } of mountsOf(volumes, mounts)) expect(path).toBeTypeOf('string');
      }),
    );
  });

  test('an entry that is nonsense does not hide the others', () => {
    const mounts = '[null, 1, {"name":"v"}, {"mountPath":"/x"}, {"name":"v","mountPath":"/etc/ca"}]';
    expect(mountsOf('[null, {"name":"v","secret":{"secretName":"ca"}}]', mounts)).toEqual(expected);
  });
});

test('files of a ConfigMap stand as text, those of a Secret and binary ones in Base64', () => {
  const base64 = Buffer.from('grüße').toString('base64');
  const metadata = { name: 'x' };
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { a: 'b' }, binaryData: { c: base64 } };
  expect([...filesOf(map)]).toEqual([
    ['a', 'b'],
    ['c', 'grüße'],
  ]);
  expect([...filesOf({ apiVersion: 'v1', kind: 'Secret', metadata, data: { a: base64 } })]).toEqual([
    ['a', 'grüße'],
  ]);
  expect([...filesOf({ apiVersion: 'v1', kind: 'ConfigMap', metadata })]).toEqual([]);
});
