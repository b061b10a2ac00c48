/** In what versions of Envoy answer otherwise. */
import { satisfies } from 'semver';
import type { Mesh } from '../../policy/input.ts';

/**
 * Before CVE-2026-26308 was fixed, `x-role: user` and `x-role: admin` were compared as `user,admin`, so that a DENY for admin
 * did not see it (runtime feature rbac_match_headers_individually; Istio 1.29.1, 1.28.5, 1.27.8).
 */
const apart = '>=1.37.1 || >=1.36.5 <1.37.0 || >=1.35.8 <1.36.0 || >=1.34.13 <1.35.0';

/**
 * Before CVE-2026-73551 was fixed, `..;a` in a path was not taken for `..` (runtime feature
 * strip_dotdot_segments_with_parameter; Istio 1.30.4, 1.29.7).
 */
const parametersOfDots = '>=1.39.1 || >=1.38.4 <1.39.0 || >=1.37.6 <1.38.0 || >=1.36.10 <1.37.0';

/** @param envoy its version; undefined or no version: as in those of today */
export function ofEnvoy(
  envoy: string | undefined,
): Pick<Mesh, 'takesHeadersApart' | 'ignoresParametersOfDots'> {
  const [version] = /^\d+\.\d+\.\d+/.exec(envoy ?? '') ?? [];
  const isIn = (range: string) => version === undefined || satisfies(version, range);
  return { takesHeadersApart: isIn(apart), ignoresParametersOfDots: isIn(parametersOfDots) };
}
