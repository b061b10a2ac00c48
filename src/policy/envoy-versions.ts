/** In what versions of Envoy answer otherwise. */
import { satisfies } from 'semver';
import type { Mesh } from './input.ts';

/**
 * Before CVE-2026-26308 was fixed, `x-role: user` and `x-role: admin` were compared as `user,admin`, so that a DENY for admin
 * did not see it (runtime feature rbac_match_headers_individually; Istio 1.29.1, 1.28.5, 1.27.8).
 */
const apart = '>=1.37.1 || >=1.36.5 <1.37.0 || >=1.35.8 <1.36.0 || >=1.34.13 <1.35.0';

/** @param envoy its version; undefined or no version: as in those of today */
export function ofEnvoy(envoy: string | undefined): Pick<Mesh, 'takesHeadersApart'> {
  const [version] = /^\d+\.\d+\.\d+/.exec(envoy ?? '') ?? [];
  return { takesHeadersApart: version === undefined || satisfies(version, apart) };
}
