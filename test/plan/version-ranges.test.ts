import fc from 'fast-check';
import semver from 'semver';
import { describe, expect, test } from 'vitest';
import { coerceVersion, inRange } from '../../src/plan/version-ranges.ts';

describe('coerceVersion', () => {
  test.each([
    ['1.30.3', '1.30.3'],
    ['1.30', '1.30.0'],
    ['v1.35.2', '1.35.2'],
    ['1.31.0-rc.0', '1.31.0-rc.0'],
    ['1.31.0-rc0', '1.31.0-rc0'],
    ['1.32-alpha.eed52ebb66ad-envoy1.40.0', '1.32.0-alpha.eed52ebb66ad'],
    ['1.32-alpha.86c9f01', '1.32.0-alpha.86c9f01'],
    ['1.32-alpha.0012', '1.32.0-alpha.12'],
    ['1.29-dev', '1.29.0-dev'],
    ['1.40.0-dev', '1.40.0-dev'],
    ['02a45cb1/1.40.0-dev/Clean/RELEASE/BoringSSL', '1.40.0-dev'],
    ['1.30.2-distroless', '1.30.2'],
    ['1.27.3-gke.5', '1.27.3'],
    ['1.27.3-asm.6', '1.27.3'],
    ['v1.22.6.71-g7d67a80b-aliyun', '1.22.6'],
    ['v1.31.4+k3s1', '1.31.4'],
    ['v1.30.4-eks-a737599', '1.30.4'],
    ['v1.31.0-beta.1+build', '1.31.0-beta.1'],
    [' 1.30.3\n', '1.30.3'],
    ['1.30.2.71.5-dev', '1.30.2-dev'],
    ['1.31.0-rc.0a', '1.31.0-rc.0a'],
    ['1.31.0-rc.007a', '1.31.0-rc.007a'],
    ['1.31.0-rc._x.x_.3', '1.31.0-rc.3'],
    ['unknown', undefined],
    ['', undefined],
    ['7', undefined],
  ])('%s is %s', (reported, expected) => {
    expect(coerceVersion(reported)).toBe(expected);
  });

  test('leaves every release as it is, whatever a vendor adds', () => {
    const number = fc.nat(99);
    const suffix = fc.constantFrom('', '-gke.1', '.71-g7d67a80b-aliyun', '-distroless', '+k3s1', '-solo');
    fc.assert(
      fc.property(number, number, number, suffix, (major, minor, patch, text) => {
        expect(coerceVersion(`${major}.${minor}.${patch}${text}`)).toBe(`${major}.${minor}.${patch}`);
      }),
    );
  });

  test('gives a version that semver knows, or nothing', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^v?[0-9]{1,3}\.[0-9]{1,3}[-.+a-z0-9]{0,20}$/), (reported) => {
        const version = coerceVersion(reported);
        expect(version === undefined || semver.valid(version) === version).toBe(true);
      }),
    );
  });
});

describe('inRange', () => {
  test.each([
    ['1.30.3', '>=1.22', true],
    ['1.21.3', '>=1.22', false],
    ['1.27.8', '>=1.21 <1.27.8', false],
    ['1.27.7', '>=1.21 <1.27.8', true],
    ['1.28.4', '<1.27.8 || >=1.28 <1.28.5', true],
    ['1.28.5', '<1.27.8 || >=1.28 <1.28.5', false],
    ['1.27.3-gke.5', '>=1.27.3', true],
    ['1.32-alpha.eed52ebb66ad-envoy1.40.0', '>=1.32', true],
    ['1.32-alpha.eed52ebb66ad-envoy1.40.0', '1.32.x', true],
    ['1.32-alpha.eed52ebb66ad-envoy1.40.0', '<1.32', false],
    ['1.32-alpha.eed52ebb66ad-envoy1.40.0', '>=1.31.1', true],
    ['1.32-alpha.eed52ebb66ad-envoy1.40.0', '>=1.32.0', false],
    ['1.31.0-rc.0', '>=1.31', true],
    ['1.31.0-rc.0', '>=1.21 <1.32', true],
    ['v1.18.0.160-g3ccd134-aliyun', '>=1.13', true],
    ['unknown', '>=0.0.0', false],
  ])('%s in %s: %s', (version, range, expected) => {
    expect(inRange(version, range)).toBe(expected);
  });
});
