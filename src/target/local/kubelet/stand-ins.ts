/** Which small server stands for an image. */
import { HarnessError } from '../../../base/errors.ts';
import type { AppKind } from '../apps/app.ts';

const kinds: readonly AppKind[] = [
  'httpbin',
  'nginx',
  'bookinfo-productpage',
  'bookinfo-details',
  'bookinfo-reviews',
  'bookinfo-ratings',
  'sleep',
];

/** Repositories that are known whatever the settings say. */
const repositories: Readonly<Record<string, AppKind>> = {
  'go-httpbin': 'httpbin',
  httpbin: 'httpbin',
  nginx: 'nginx',
  curl: 'sleep',
  sleep: 'sleep',
  'examples-bookinfo-productpage-v1': 'bookinfo-productpage',
  'examples-bookinfo-details-v1': 'bookinfo-details',
  'examples-bookinfo-reviews-v1': 'bookinfo-reviews',
  'examples-bookinfo-ratings-v1': 'bookinfo-ratings',
};

/**
 * The stand-in for an image: by the settings (`--image`), else by the name of its repository.
 *
 * @param container its name tells when several names have the same image, and which program one of Node.js runs
 * @throws HarnessError E_NOT_READY when there is none
 */
export function standInFor(
  image: string,
  container: string,
  images: Readonly<Record<string, string>>,
): AppKind {
  if (container === 'ext-authz' && image === images.node) return 'ext-authz';
  const names = Object.keys(images).filter((name) => images[name] === image);
  const candidates = names.map((name) => (name === 'curl' ? 'sleep' : name));
  const found = kinds.filter((kind) => candidates.includes(kind));
  const byContainer = found.find((kind) => kind === container || kind === `bookinfo-${container}`);
  const repository = image.split('@')[0]?.split('/').pop()?.split(':')[0] ?? '';
  const known = Object.hasOwn(repositories, repository) ? repositories[repository] : undefined;
  const kind = byContainer ?? found[0] ?? known;
  if (kind !== undefined) return kind;
  throw new HarnessError('E_NOT_READY', `the target local cannot run the image ${image || '(none)'}`, {
    hint: `It has no containers, and stand-ins for httpbin, nginx, curl and Bookinfo only; use --target kind for others.`,
  });
}
