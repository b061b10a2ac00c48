/** The whole way without any stand-in for it: images out of a real registry, the archive from a mirror. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findMeshPrograms } from '../../../src/programs/local/find-mesh-programs.ts';
import { surveyMeshPrograms } from '../../../src/programs/local/survey-programs.ts';
import { currentPlatform } from '../../../src/programs/platform.ts';
import { unaborted } from '../../support/signals.ts';
import { downloads, quick, send, temporaryFolder } from '../downloads.ts';
import { pushImage } from '../oci/images.ts';
import { skipped, startRegistry } from '../oci/registries.ts';
import { layerOf, program } from '../oci/tarballs.ts';
import { fake, hurried, localVersions, versions } from './support.ts';

const istio = versions.istio.default;
const [, architecture] = currentPlatform().split('-') as [string, string];

async function istioIn(registry: string): Promise<void> {
  for (const [name, path, content] of [
    ['pilot', 'pilot-discovery', fake('pilot-discovery', istio)],
    ['proxyv2', 'envoy', fake('envoy', '1.39.1-dev')],
    ['istioctl', 'istioctl', fake('istioctl', istio)],
  ] as const) {
    const layers = [layerOf(...program(`usr/local/bin/${path}`, content))];
    await pushImage(registry, `mirror/istio/${name}`, { layers, architecture }, istio);
  }
}

/** A mirror of GitHub with an envtest archive, and what kind/versions.yaml would say of it. */
async function mirrorOfEnvtest() {
  const folder = 'controller-tools/envtest';
  const archive = layerOf(
    ...program(`${folder}/etcd`, fake('etcd', '3.6.8')),
    ...program(`${folder}/kube-apiserver`, fake('kube-apiserver', versions.local.envtest.kubernetes)),
  );
  const { url, kubernetes } = versions.local.envtest;
  const server = await downloads();
  const original = url.replaceAll('{version}', kubernetes).replaceAll('{platform}', currentPlatform());
  server.routes.set(new URL(original).pathname, send(archive));
  const sha512 = createHash('sha512').update(archive).digest('hex');
  const pinned = localVersions((local) => {
    local.envtest.sha512 = { 'linux-amd64': sha512, 'linux-arm64': sha512 };
  });
  return { mirror: server.url, pinned };
}

describe.skipIf(skipped !== undefined)(`Istio of a registry (skipped when ${skipped})`, () => {
  test('is found, fetched, and in the cache afterwards', async () => {
    const registry = await startRegistry();
    await istioIn(registry);
    const { mirror, pinned } = await mirrorOfEnvtest();
    const options = {
      versions: pinned,
      hub: `${registry}/mirror/istio`,
      download: true,
      build: false,
      mirror,
      cacheDir: join(temporaryFolder(), 'cache'),
      report: () => {},
      signal: unaborted(),
      env: { PATH: '/nowhere' },
      limits: quick,
      deadlines: hurried,
    };
    const states = async (more = {}) =>
      (await surveyMeshPrograms({ ...options, ...more })).map(({ name, state }) => `${name} ${state}`);
    const all = (state: string) =>
      ['etcd', 'kube-apiserver', 'pilot-discovery', 'envoy', 'crds'].map((name) => `${name} ${state}`);
    expect(await states()).toEqual(all('obtainable'));
    const programs = await findMeshPrograms(options);
    expect(programs).toMatchObject({
      istio,
      envoyVersion: '1.39.1-dev',
      kubernetes: `v${versions.local.envtest.kubernetes}`,
      origins: { envoy: `image ${registry}/mirror/istio/proxyv2:${istio}` },
    });
    expect(readFileSync(programs.crds, 'utf8')).toContain(`of-${istio}`);
    expect(await states({ download: false })).toEqual(all('here'));
    await expect(findMeshPrograms({ ...options, istio: '1.2.3' })).rejects.toThrow(
      'there is no pilot-discovery, no envoy, no crds for the target local with Istio 1.2.3',
    );
  });
});
