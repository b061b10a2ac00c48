/** Loads images of the local engine into the cluster, so that it need not pull them. */
import { imagesOf, loadApp } from '../kubernetes/load-apps.ts';
import { phase } from '../phase.ts';
import type { Progress } from '../target.ts';
import type { Engine } from './container-engine.ts';
import type { KindCluster } from './kind-cluster.ts';

/** The images of applications, and nginx, which scenarios apply themselves. */
export function appImages(
  appsFolder: string,
  apps: readonly string[],
  images: Readonly<Record<string, string>>,
): string[] {
  const objects = apps.flatMap((app) => loadApp(appsFolder, app, images));
  return [...new Set([...imagesOf(objects), ...(images.nginx === undefined ? [] : [images.nginx])])];
}

/** Loads those that the local engine has and returns them; the others are pulled by the cluster. */
export async function loadLocalImages(
  engine: Engine,
  cluster: KindCluster,
  images: readonly string[],
  progress: Progress,
  signal: AbortSignal,
): Promise<string[]> {
  const local = await engine.present(images, signal);
  if (local.length > 0) {
    await phase(progress, `Loading ${local.length} images of the local engine`, () =>
      cluster.loadImages(local, signal),
    );
  }
  return local;
}
