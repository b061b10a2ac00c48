/** Pushes images to a registry as builders do. */
import { createHash } from 'node:crypto';
import { request } from 'undici';
import { expect } from 'vitest';

export interface Pushed {
  readonly digest: string;
  readonly size: number;
}

export interface Image {
  /** The lowest first. */
  readonly layers: readonly Buffer[];
  readonly architecture?: string;
  readonly layerType?: string;
  readonly docker?: boolean;
}

const types = {
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  },
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
  },
};

export const digest = (bytes: string | Buffer) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Pushes an image for one platform, under a tag when one is given. */
export async function pushImage(
  registry: string,
  repository: string,
  image: Image,
  tag?: string,
): Promise<Pushed> {
  const kind = types[image.docker ? 'docker' : 'oci'];
  const layers = [];
  for (const layer of image.layers) {
    layers.push({
      mediaType: image.layerType ?? kind.layer,
      ...(await pushBlob(registry, repository, layer)),
    });
  }
  const settings = {
    os: 'linux',
    architecture: image.architecture ?? 'amd64',
    rootfs: { type: 'layers', diff_ids: image.layers.map(digest) },
  };
  const config = await pushBlob(registry, repository, Buffer.from(JSON.stringify(settings)));
  return pushManifest(
    registry,
    repository,
    { schemaVersion: 2, mediaType: kind.manifest, config: { mediaType: kind.config, ...config }, layers },
    tag,
  );
}

/** Pushes an image for several platforms. */
export async function pushIndex(
  registry: string,
  repository: string,
  images: readonly Image[],
  tag: string,
): Promise<Pushed & { manifests: Pushed[] }> {
  const kind = types[images[0]!.docker ? 'docker' : 'oci'];
  const manifests = [];
  for (const image of images) {
    const pushed = await pushImage(registry, repository, image);
    const platform = { os: 'linux', architecture: image.architecture ?? 'amd64' };
    manifests.push({ mediaType: kind.manifest, ...pushed, platform });
  }
  const index = { schemaVersion: 2, mediaType: kind.index, manifests };
  return { ...(await pushManifest(registry, repository, index, tag)), manifests };
}

export async function pushManifest(
  registry: string,
  repository: string,
  manifest: { mediaType: string; [field: string]: unknown },
  tag?: string,
): Promise<Pushed> {
  const body = JSON.stringify(manifest);
  const answer = await request(`http://${registry}/v2/${repository}/manifests/${tag ?? digest(body)}`, {
    method: 'PUT',
    headers: { 'content-type': manifest.mediaType },
    body,
  });
  expect(`${answer.statusCode} ${await answer.body.text()}`).toBe('201 ');
  return { digest: digest(body), size: Buffer.byteLength(body) };
}

async function pushBlob(registry: string, repository: string, blob: Buffer): Promise<Pushed> {
  const start = await request(`http://${registry}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  await start.body.dump();
  const location = new URL(String(start.headers.location), `http://${registry}`);
  location.searchParams.set('digest', digest(blob));
  const answer = await request(location, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: blob,
  });
  expect(`${answer.statusCode} ${await answer.body.text()}`).toBe('201 ');
  return { digest: digest(blob), size: blob.length };
}
