/** Compares the versions that meshes really report with semver ranges. */
import semver from 'semver';

/** What follows the numbers of a version that came before its release. */
const beforeRelease = /^(alpha|beta|rc|pre|preview|dev|snapshot)(?=\d|[./-]|$)/i;

/**
 * The semver version that a reported version stands for.
 *
 * Meshes report more than semver: `1.32-alpha.eed52ebb66ad-envoy1.40.0` has no patch number, `1.27.3-gke.5`,
 * `v1.22.6.71-g7d67a80b-aliyun` and `1.30.2-distroless` are builds of a release. So a missing patch number is 0; what
 * follows the numbers makes a pre-release only when it starts with alpha, beta, rc, pre, preview, dev or snapshot; a
 * vendor's suffix is left out, because semver would take it for something older than the release.
 *
 * @returns undefined when the text has no version in it
 */
export function coerceVersion(reported: string): string | undefined {
  const match = /(?:^|[^\d.])(\d+)\.(\d+)(?:\.(\d+))?(?:\.\d+)*[-+.]?(.*)$/.exec(reported.trim());
  if (match === null) return undefined;
  const [, major, minor, patch = '0', rest = ''] = match;
  const numbers = [major, minor, patch].map(Number).join('.');
  if (!beforeRelease.test(rest)) return semver.valid(numbers) ?? undefined;
  // Up to the next "-", "/" or "+": what follows says how it was built.
  const identifiers = rest
    .split(/[-/+]/)[0]!
    .split('.')
    .map((identifier) => identifier.replace(/^0+(?=\d+$)/, ''))
    .filter((identifier) => /^[0-9A-Za-z]+$/.test(identifier));
  return semver.valid(`${numbers}-${identifiers.join('.')}`) ?? undefined;
}

/**
 * Whether a reported version is in a range. Pre-releases count: `>=1.32` holds for 1.32.0-alpha.1 too, as do `1.32.x`
 * and `<1.33`; `<1.32` does not.
 */
export function inRange(reported: string, range: string): boolean {
  const version = coerceVersion(reported);
  return version !== undefined && semver.satisfies(version, range, { includePrerelease: true });
}
