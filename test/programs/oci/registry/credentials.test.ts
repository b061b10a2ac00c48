import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { credentialsFor } from '../../../../src/programs/oci/registry/credentials.ts';
import { temporaryFolder } from '../../downloads.ts';

const encoded = (pair: string) => ({ auth: Buffer.from(pair).toString('base64') });

async function found(auths: object, registry: string) {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths }));
  const said: string[] = [];
  const credentials = await credentialsFor(registry, (message) => said.push(message), {
    DOCKER_CONFIG: folder,
  });
  return credentials === undefined ? said : `${credentials.username} ${credentials.password}`;
}

test.each([
  ['docker.io', 'https://index.docker.io/v1/'],
  ['docker.io', 'docker.io'],
  ['docker.io', 'registry-1.docker.io'],
  ['registry.example:5000', 'registry.example:5000'],
  ['registry.example:5000', 'https://Registry.example:5000/v2/'],
  ['localhost', 'http://localhost'],
])('for %s those of %s are used', async (registry, key) => {
  expect(await found({ 'other.example': encoded('a:b'), [key]: encoded('me:pass:word\0\0') }, registry)).toBe(
    'me pass:word',
  );
});

test('written out they count, too', async () => {
  expect(await found({ 'r.example': { username: 'me', password: 'word' } }, 'r.example')).toBe('me word');
});

test.each([
  ['registry.example', 'registry.example:5000'],
  ['registry.example', 'registry.example.evil'],
  ['registry.example', 'my.registry.example'],
])('for %s those of %s are not used', async (registry, key) => {
  expect(await found({ [key]: encoded('me:word') }, registry)).toEqual([]);
});

test.each([{ auth: '' }, encoded('no-colon'), encoded(':no-name'), {}])(
  '%j is no user with a password',
  async (entry) => {
    expect(await found({ 'r.example': entry }, 'r.example')).toEqual([
      expect.stringContaining('has no user name and password for r.example'),
    ]);
  },
);

test('without a file there are none, and HOME is where it would be', async () => {
  const home = temporaryFolder();
  const said: string[] = [];
  expect(await credentialsFor('docker.io', (message) => said.push(message), { HOME: home })).toBeUndefined();
  expect(said).toEqual([]);
});
