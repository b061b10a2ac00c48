import { expect, test } from 'vitest';
import { envText, givenEnv, istiodEnv } from '../../../../src/target/local/control-plane/istiod-env.ts';

const needed = {
  namespace: 'istio-system',
  mode: 'envoy',
  rootsFile: '/mesh/roots.pem',
  folder: '/mesh',
  proxyUrl: 'http://127.0.0.1:1',
} as const;

test('istiod gets what was asked for, and what a local mesh needs whatever was', () => {
  expect(istiodEnv(needed, {})).toMatchObject({
    PILOT_DEBOUNCE_AFTER: '10ms',
    KUBE_FEATURE_WatchListClient: 'false',
    GOGC: '200',
    PILOT_JWT_ENABLE_REMOTE_JWKS: 'envoy',
    HTTP_PROXY: 'http://127.0.0.1:1',
  });
  expect(istiodEnv({ ...needed, mode: 'istiod' }, { POD_NAME: 'x' })).toMatchObject({
    PILOT_JWT_ENABLE_REMOTE_JWKS: 'false',
    POD_NAME: 'istiod',
  });
  expect(istiodEnv(needed, { PILOT_DEBOUNCE_AFTER: '100ms', GOGC: '50', A: 'b' })).toMatchObject({
    PILOT_DEBOUNCE_AFTER: '100ms',
    GOGC: '50',
    A: 'b',
  });
});

test('variables are read with their values as they are written', () => {
  expect(givenEnv([])).toEqual({});
  expect(givenEnv(['PILOT_DEBOUNCE_MAX=1s', 'A=b=c, d', 'E=', 'A=2'])).toEqual({
    PILOT_DEBOUNCE_MAX: '1s',
    A: '2',
    E: '',
  });
  expect(envText({ B: '1', A: '2' })).toBe('A=2 B=1');
});

test.each([
  'POD_NAMESPACE',
  'HTTP_PROXY',
  'https_proxy',
  'SHARED_MESH_CONFIG',
  'ENABLE_CA_SERVER',
  'XDS_AUTH_PLAINTEXT',
])('%s is for the mesh itself', (name) => {
  expect(() => givenEnv([`${name}=x`])).toThrow(
    expect.objectContaining({ code: 'E_USAGE', message: expect.stringContaining(`cannot set ${name}:`) }),
  );
});

test('who fetches keys is for scenarios to say', () => {
  expect(() => givenEnv(['PILOT_JWT_ENABLE_REMOTE_JWKS=envoy'])).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('mesh: { fetch: envoy }') }),
  );
});
