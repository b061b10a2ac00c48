/** The images of a kind cluster: in the local engine, or to be had from their registries. */

import { readdirSync } from 'node:fs';
import { HarnessError } from '../../base/errors.ts';
import { together } from '../../base/wait.ts';
import { appsFolder } from '../../engine/product.ts';
import { kindChoice } from '../../engine/targets/make-kind.ts';
import { meshVersions } from '../../engine/targets/mesh-programs.ts';
import { defaultLimits } from '../../programs/download/download-limits.ts';
import { deadlines } from '../../programs/local/deadlines.ts';
import { Hosts } from '../../programs/local/hosts-that-answer.ts';
import { imageExists } from '../../programs/oci/image.ts';
import { parseReference, type Reference } from '../../programs/oci/registry/reference.ts';
import { currentPlatform } from '../../programs/platform.ts';
import { plural } from '../../report/text.ts';
import { appImages } from '../../target/kind/load-images.ts';
import type { Finding, Surroundings } from './finding.ts';

/** Another image than the usual one may not exist; asking for each would use up what Docker Hub allows in an hour. */
interface Wanted {
  readonly image: string;
  readonly isUsual: boolean;
}

/**
 * @param hasMirrors the engine has mirrors, so that it may have images from places that cannot be reached from here
 * @param isHere whether the engine has an image
 */
export async function imageFindings(
  around: Surroundings,
  hasMirrors: boolean,
  isHere: (image: string) => Promise<boolean>,
): Promise<Finding[]> {
  const { signal } = around;
  const wanted = wantedImages(around);
  const here = await together(wanted, ({ image }) => isHere(image), signal, 8);
  const absent = wanted.filter((_, index) => !here[index]);
  const summary = `${wanted.length - absent.length} of ${wanted.length} are in the engine`;
  const hosts = new Hosts(signal, deadlines.reachMs);
  const problems = await together(absent, (each) => problemWith(each, hosts, signal), signal);
  const byProblem = new Map<string, string[]>();
  for (const [index, problem] of problems.entries()) {
    const image = absent[index]?.image;
    if (problem === undefined || image === undefined) continue;
    byProblem.set(problem, [...(byProblem.get(problem) ?? []), image]);
  }
  const broken = [...byProblem].map(([problem, images]): Finding => {
    const state = hasMirrors ? 'warning' : 'broken';
    const remedy = `Bring ${images.length > 1 ? 'them' : 'it'} to the engine with docker pull or docker load, or name others with ${settingsFor(images, around)}: ${images.join(' ')}`;
    return {
      name: 'images',
      state,
      text: `${plural(images.length, 'image')} cannot be had: ${problem}`,
      remedy,
    };
  });
  const pulled = problems.filter((problem) => problem === undefined).length;
  const text = pulled === 0 ? summary : `${summary}, ${pulled} will be pulled`;
  return [{ name: 'images', state: 'ok', text }, ...broken];
}

/** All images of a cluster with all applications. @throws HarnessError for settings that are wrong */
function wantedImages({ values, versions }: Surroundings): Wanted[] {
  const apps = readdirSync(appsFolder).flatMap((file) => (file.endsWith('.yaml') ? file.slice(0, -5) : []));
  const all = (own: typeof values) => {
    const { nodeImage, hub, tag, images } = kindChoice({ values: own, versions, apps });
    const ofIstio = [`${hub}/pilot:${tag}`, `${hub}/proxyv2:${tag}`];
    return [nodeImage, ...ofIstio, ...appImages(appsFolder, apps, images), images['key-server'] ?? ''];
  };
  const usual = all({});
  const chosen = all({ ...values, istio: meshVersions(values)[0]?.istio });
  return [...new Set(chosen)].map((image) => ({ image, isUsual: usual.includes(image) }));
}

/** Why an image cannot be pulled, as far as can be told from here. */
async function problemWith(
  { image, isUsual }: Wanted,
  hosts: Hosts,
  signal: AbortSignal,
): Promise<string | undefined> {
  let reference: Reference;
  try {
    reference = parseReference(image);
  } catch (thrown) {
    if (!(thrown instanceof HarnessError)) throw thrown;
    return thrown.message;
  }
  const unreachable = await hosts.problem(reference.origin);
  if (unreachable !== undefined || isUsual) return unreachable;
  const limits = { ...defaultLimits, connectMs: deadlines.reachMs, idleMs: deadlines.reachMs, attempts: 1 };
  const platform = currentPlatform().endsWith('arm64') ? 'linux-arm64' : 'linux-amd64';
  const answer = await imageExists({ image, platform, signal, limits });
  return 'problem' in answer ? answer.problem : undefined;
}

/** The settings that name these images. */
function settingsFor(images: readonly string[], { values, versions }: Surroundings): string {
  const { nodeImage, images: ofApps } = kindChoice({ values, versions, apps: [] });
  const settings = images.map((image) => {
    if (image === nodeImage) return '--node-image';
    return Object.values(ofApps).includes(image) ? '--image' : '--hub';
  });
  return [...new Set(settings)].join(', ');
}
