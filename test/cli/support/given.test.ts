import { describe, expect, it } from 'vitest';
import { givenFlags } from '../../../src/cli/support/given.ts';
import { mergeSettings } from '../../../src/settings/settings.ts';

describe('givenFlags', () => {
  it('are those that say where the mesh is, as often as they were given', () => {
    const flags = { target: 'kind', image: ['httpbin=a', 'curl=b'], 'no-build': true, grep: 'x', keep: true };
    expect(givenFlags(mergeSettings(flags, {}), {})).toEqual([
      ['target', 'kind'],
      ['image', 'httpbin=a'],
      ['image', 'curl=b'],
      ['no-build'],
    ]);
  });

  it('are those without which a scenario would not be run, such as a live one', () => {
    const flags = { context: 'shop', live: true, 'allow-commands': true, env: ['SHOP_TOKEN'], quiet: true };
    expect(givenFlags(mergeSettings(flags, {}), {})).toEqual([
      ['context', 'shop'],
      ['live'],
      ['allow-commands'],
      ['env', 'SHOP_TOKEN'],
    ]);
  });

  it('leave out what variables say, but not what outweighs them', () => {
    const env = { JWT_E2E_TARGET: 'local', JWT_E2E_PROGRAMS: '/opt/mesh', JWT_E2E_ENVOY: '1.36.4' };
    expect(givenFlags(mergeSettings({ envoy: '1.40.0' }, env), env)).toEqual([['envoy', '1.40.0']]);
  });
});
