import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/base/errors.ts';
import { nextForCheck, nextForProblem } from '../../src/report/next-command.ts';
import { commandOptions } from '../../src/settings/options.ts';
import { check, external, kind, requireJwt } from './fixture.ts';

const part = {
  step: 'a step',
  row: 'no token',
  column: '/headers',
  expected: '403',
  state: 'failed',
} as const;
const request = { curl: 'curl http://httpbin.foo:8000/headers', method: 'GET', url: 'http://x', headers: [] };
const file = 'scenarios/documented/require-jwt.yaml';

describe('the next command', () => {
  it('for a wrong answer is the same check alone, stopping with everything in place', () => {
    expect(nextForCheck(check(requireJwt, part), requireJwt, { mesh: kind })).toBe(
      `jwt-e2e run ${file} --target kind --grep 'require-jwt/a step/no token//headers' --pause-on-failure`,
    );
  });

  it('while the run waits is the curl line', () => {
    const failed = check(requireJwt, { ...part, request });
    expect(nextForCheck(failed, requireJwt, { mesh: kind }, { [failed.id]: request.curl })).toBe(
      request.curl,
    );
    expect(nextForCheck(check(requireJwt, part), requireJwt, { mesh: kind }, {})).toBeUndefined();
  });

  it('says again where the mesh is', () => {
    const given = [['target', 'cluster'], ['context', "prod's"], ['yes']] as const;
    expect(nextForCheck(check(requireJwt, part), requireJwt, { mesh: kind, given })).toContain(
      ` --target cluster --context 'prod'\\''s' --yes --grep `,
    );
  });

  it('takes one of several meshes', () => {
    const given = [
      ['target', 'local'],
      ['envoy', '1.40.0,1.36.4'],
      ['programs', '/opt/mesh'],
    ] as const;
    const mesh = { ...kind, target: 'local' };
    expect(
      nextForCheck(check(requireJwt, part), requireJwt, { mesh, given, isOneOfSeveral: true }),
    ).toContain(' --istio 1.30.3 --envoy 1.38.1 --target local --programs /opt/mesh --grep ');
  });

  it('for who fetched keys is the whole scenario, in its fetch mode', () => {
    const [, byEnvoy] = external as [(typeof external)[0], (typeof external)[0]];
    expect(nextForCheck(check(byEnvoy, { ...part, kind: 'fetched' }), byEnvoy, { mesh: kind })).toBe(
      'jwt-e2e run scenarios/documented/jwks-external-http.yaml --target kind --grep jwks-external-http@envoy --pause-on-failure',
    );
  });

  it('for one of several repetitions repeats the check, by the name that it has without them', () => {
    const info = { ...requireJwt, id: 'require-jwt#3', repeat: 3 };
    const failed = { ...check(info, part), id: 'require-jwt#3/a step/no token//headers' };
    expect(nextForCheck(failed, info, { mesh: kind })).toMatch(
      / --grep 'require-jwt\/a step\/no token\/\/headers' --repeat 10 --pause-on-failure$/,
    );
  });

  it.each<[ErrorCode, string | undefined]>([
    ['E_DOCKER', 'jwt-e2e doctor --target kind'],
    ['E_PROGRAM', 'jwt-e2e doctor --target kind'],
    ['E_KUBE', 'jwt-e2e doctor --target kind'],
    ['E_TEMPLATE', `jwt-e2e lint ${file}`],
    // A variable or a program that it comes from: lint knows nothing of them.
    ['E_TOKEN', `jwt-e2e run ${file} --target kind --pause-on-failure`],
    ['E_NOT_OWNED', `jwt-e2e run ${file} --target kind --dry-run`],
    ['E_NOT_READY', `jwt-e2e run ${file} --target kind --pause-on-failure`],
  ])('for %s is %s', (code, command) => {
    expect(nextForProblem(code, requireJwt, { mesh: kind })).toBe(command);
  });

  it('without a mesh and a scenario is doctor, with the flags that it has', () => {
    const given = [
      ['context', 'prod'],
      ['ingress', 'http://192.0.2.1'],
    ] as const;
    expect(nextForProblem('E_CLUSTER', undefined, { given })).toBe('jwt-e2e doctor --context prod');
    expect(nextForProblem('E_TIMEOUT', undefined, { given })).toBeUndefined();
  });

  it('gives doctor no flag that it does not have', () => {
    const given = commandOptions.run.map(({ name }) => [name, 'x'] as const);
    const known = new Set(commandOptions.doctor.map(({ name }) => `--${name}`));
    const flags = nextForProblem('E_DOCKER', undefined, { given })?.match(/--[\w-]+/g) ?? [];
    expect(flags.length).toBeGreaterThan(5);
    expect(flags.filter((flag) => !known.has(flag))).toEqual([]);
  });

  it('is read back by a shell as it is meant', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`a '"$\`\\!*;&|<>()~#%`), maxLength: 12 }), (id) => {
        const failed = { ...check(requireJwt, part), id: `x${id}x` };
        const line =
          nextForCheck(failed, requireJwt, { mesh: kind })?.replace('jwt-e2e', 'printf "%s\\n"') ?? '';
        const words = execFileSync('sh', ['-c', line], { encoding: 'utf8' }).split('\n');
        expect(words[words.indexOf('--grep') + 1]).toBe(`x${id}x`.replaceAll(/ +/g, ' '));
      }),
      { numRuns: 50 },
    );
  });
});
