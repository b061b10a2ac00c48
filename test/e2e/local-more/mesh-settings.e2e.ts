/** Mesh settings on a real local mesh: what a ConfigMap says is in force when it was applied, and no more once it is undone. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LocalTarget } from '../../../src/target/local/local-target.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { unaborted } from '../../support/signals.ts';
import { describeOnLocal, haveLocal } from '../local/command.ts';
import { localTarget } from './local-target.ts';

const signal = unaborted();
const sleep = { kind: 'pod', app: 'sleep', namespace: 'foo' } as const;
const configMap = (mesh: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'istio', namespace: 'istio-system' },
  data: { mesh },
});
const deny: KubeObject = {
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'deny', namespace: 'foo' },
  spec: {
    selector: { matchLabels: { app: 'httpbin' } },
    action: 'DENY',
    rules: [{ to: [{ operation: { paths: ['/anything/secret'] } }] }],
  },
};
const paths = ['/anything/secret', '/anything//secret', '/anything%2Fsecret', '/anything/x/../secret'];

describeOnLocal('mesh settings', () => {
  let target: LocalTarget;
  const denied = async () => {
    const requests = paths.map((path) => ({
      id: path,
      method: 'GET',
      url: `http://httpbin.foo:8000${path}`,
      headers: [],
    }));
    const [answers = []] = await target.send(sleep, requests, 1, signal, {
      requestMs: 15_000,
      allMs: 30_000,
    });
    return paths.filter((_, index) => answers[index]?.status === 403);
  };
  // istiod has them; the sidecar has them a push later.
  const becomes = (expected: string[]) =>
    expect.poll(denied, { timeout: 10_000, interval: 50 }).toEqual(expected);
  const [plain = '', doubled = '', , dotted = ''] = paths;

  beforeAll(async () => {
    if (!haveLocal) return;
    target = localTarget('mesh-settings');
    await target.up(signal);
    await target.prepare(['httpbin', 'sleep'], signal);
    await target.apply([deny], 'policy', signal);
  });
  afterAll(async () => {
    await target?.down(signal);
  });

  test('decide how a path is read, until they are undone', async () => {
    await becomes([plain, dotted]);
    for (const [normalization, expected] of [
      ['MERGE_SLASHES', [plain, doubled, dotted]],
      ['DECODE_AND_MERGE_SLASHES', paths],
      ['NONE', [plain]],
    ] as const) {
      await target.apply(
        [configMap(`pathNormalization: { normalization: ${normalization} }`)],
        'mesh',
        signal,
      );
      await becomes([...expected]);
    }
    await target.undo('mesh', signal);
    await becomes([plain, dotted]);
  });

  test('of scenarios come over those that are there, and go again; variables of istiod with a restart', async () => {
    await target.setMeshConfig({ pathNormalization: { normalization: 'MERGE_SLASHES' } }, signal);
    await becomes([plain, doubled, dotted]);
    await target.setIstiod(
      { fetch: 'istiod', variables: { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '7s' } },
      signal,
    );
    // The settings are those of the mesh, whichever istiod there is.
    await becomes([plain, doubled, dotted]);
    await target.setMeshConfig({ pathNormalization: { normalization: 'NONE' } }, signal);
    await becomes([plain]);
    await target.setMeshConfig({}, signal);
    await target.setIstiod({ fetch: 'istiod', variables: {} }, signal);
    await becomes([plain, dotted]);
  });

  test('of scenarios with another trust domain bring certificates of it, and those of before come back', async () => {
    const request = { id: 'a', method: 'GET', url: 'http://httpbin.foo:8000/headers', headers: [] };
    const limit = { requestMs: 15_000, allMs: 30_000 };
    const client = async () => {
      const [[answer] = []] = await target.send(sleep, [request], 1, signal, limit);
      return /URI=([^"]*)/.exec(answer?.body ?? '')?.[1] ?? answer?.status;
    };
    const is = (domain: string) =>
      expect.poll(client, { timeout: 10_000, interval: 50 }).toBe(`spiffe://${domain}/ns/foo/sa/default`);
    await is('cluster.local');
    await target.setMeshConfig({ trustDomain: 'new.example.com' }, signal);
    await is('new.example.com');
    await target.setIstiod(
      { fetch: 'istiod', variables: { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '7s' } },
      signal,
    );
    await is('new.example.com');
    await target.setMeshConfig({}, signal);
    await is('cluster.local');
    await target.setIstiod({ fetch: 'istiod', variables: {} }, signal);
  });

  test('that istiod does not take are an error with what it says', async () => {
    const wrong = configMap('pathNormalization: { normalization: SOME }');
    await expect(target.apply([wrong], 'wrong', signal)).rejects.toMatchObject({
      code: 'E_UNPROVEN',
      message: expect.stringMatching(/^istiod does not take the mesh settings: .*SOME/),
    });
    await target.undo('wrong', signal);
    await becomes([plain, dotted]);
  });

  test('that a local mesh needs otherwise are said', async () => {
    const [applied] = await target.apply([configMap('enablePrometheusMerge: true')], 'kept', signal);
    expect(applied?.warnings).toEqual([
      'ConfigMap istio-system/istio: a local mesh keeps its own settings for enablePrometheusMerge',
    ]);
    await target.undo('kept', signal);
  });
});
