import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { gatewayApiCrds } from '../../../src/engine/targets/gateway-api-crds.ts';

const folder = mkdtempSync(join(tmpdir(), 'gateway-api-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'crds.yaml');
const at = (path: string) => () => gatewayApiCrds({ 'gateway-api-crds': path });

test('the file with the definitions is found, or there is none', () => {
  writeFileSync(
    file,
    'kind: CustomResourceDefinition\nmetadata:\n  name: gateways.gateway.networking.k8s.io\n',
  );
  expect(gatewayApiCrds({})).toBeUndefined();
  expect(at(file)()).toBe(file);
});

test('a file that is not there, or that has no Gateways, is refused before anything is made', () => {
  expect(at(join(folder, 'no.yaml'))).toThrow(/^the file .*no\.yaml cannot be read$/);
  writeFileSync(file, 'metadata:\n  name: gateways.networking.istio.io\n');
  expect(at(file)).toThrow(/^the file .*crds\.yaml does not define the kind Gateway$/);
});
