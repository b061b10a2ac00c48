import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../../downloads.ts';
import { failure, fetcher } from '../fetcher.ts';
import { pushImage } from '../images.ts';
import { type Front, front, skipped, startRegistry } from '../registries.ts';
import { layerOf, program } from '../tarballs.ts';
import { tokenServer } from '../tokens.ts';

/** Two layers of which the lower one has the program, so that a token serves for several requests. */
const layers = [layerOf(...program('usr/local/bin/pilot-discovery', 'program')), layerOf()];

/** A registry that asks who is there, with an image in it that was pushed while it did not. */
async function guarded(auth: string): Promise<{ proxy: Front; image: string }> {
  const storage = temporaryFolder();
  await pushImage(await startRegistry('', storage), 'istio/pilot', { layers }, '1.31.1');
  const proxy = await front(await startRegistry(auth, storage));
  return { proxy, image: `${proxy.address}/istio/pilot:1.31.1` };
}

/** What `docker login` leaves behind. */
function loggedIn(registry: string, pair: string): string {
  const folder = temporaryFolder();
  const auths = { [registry]: { auth: Buffer.from(pair).toString('base64') } };
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths, credsStore: 'desktop' }));
  vi.stubEnv('DOCKER_CONFIG', folder);
  return folder;
}

beforeEach(() => {
  vi.stubEnv('DOCKER_CONFIG', temporaryFolder());
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
});

describe.skipIf(skipped !== undefined)(`with a token server (skipped when ${skipped})`, () => {
  test('one anonymous token serves for the whole image', async () => {
    const tokens = await tokenServer('istio/pilot');
    const { proxy, image } = await guarded(tokens.settings);
    const { target, run } = fetcher();

    await run(image);

    expect(readFileSync(target, 'utf8')).toBe('program');
    expect(tokens.authorizations).toEqual([undefined]);
    expect(proxy.authorizations[0]).toBeUndefined();
    expect(new Set(proxy.authorizations.slice(1)).size).toBe(1);
    expect(proxy.asked).toHaveLength(5);
  });

  test("a token is had with the user's credentials, which only the token server sees", async () => {
    const tokens = await tokenServer('istio/pilot', 'me:pass:word');
    const { proxy, image } = await guarded(tokens.settings);
    loggedIn(proxy.address, 'me:pass:word');
    const { target, said, run } = fetcher();

    await run(image);

    expect(readFileSync(target, 'utf8')).toBe('program');
    expect(tokens.authorizations).toEqual([`Basic ${Buffer.from('me:pass:word').toString('base64')}`]);
    expect(proxy.authorizations.filter((sent) => sent?.startsWith('Basic'))).toEqual([]);
    expect(said.join('\n')).not.toMatch(/pass|Bearer|ey[A-Z]/);
  });

  test('another token is had when the first one has ended', async () => {
    const tokens = await tokenServer('istio/pilot');
    const { proxy, image } = await guarded(tokens.settings);
    let count = 0;
    proxy.faults.set('blobs/', async (_, response, upstream) => {
      count += 1;
      const { status, headers, body } =
        count === 2
          ? { status: 401, headers: (await challenge(proxy)) as Record<string, string>, body: '' }
          : await upstream();
      response.writeHead(status, headers).end(body);
    });
    const { target, run } = fetcher();

    await run(image);

    expect(readFileSync(target, 'utf8')).toBe('program');
    expect(tokens.authorizations).toHaveLength(2);
  });

  test.each([
    [undefined, 'gives no anonymous token'],
    ['me:wrong', 'gives no token for the user in'],
  ])('access is refused to %s', async (pair, message) => {
    const tokens = await tokenServer('istio/pilot', 'me:password');
    const { proxy, image } = await guarded(tokens.settings);
    if (pair !== undefined) loggedIn(proxy.address, pair);
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.code).toBe('E_PROGRAM');
    expect(error.message).toContain(`${proxy.address} refuses access to istio/pilot: http://127.0.0.1:`);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(`docker login ${proxy.address}`);
    expect(`${error.message} ${error.hint} ${error.details}`).not.toContain('wrong');
    expect(tokens.asked).toHaveLength(1);
  });

  test('a token of another issuer does not help, and is not asked for again', async () => {
    const tokens = await tokenServer('istio/pilot');
    const others = await tokenServer('istio/pilot');
    const realm = (settings: string) => /http:[^"]+/.exec(settings)![0];
    const settings = tokens.settings.replace(realm(tokens.settings), realm(others.settings));
    const { image } = await guarded(settings);
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toContain('refuses access to istio/pilot: it answered 401');
    expect(others.asked).toHaveLength(1);
  });

  test.each([
    [
      'http://tokens.example/token',
      'names the token server http://tokens.example/token, which is no https URL',
    ],
    ['file:///etc/passwd', 'names the token server file:///etc/passwd'],
    ['nowhere', 'names the token server nowhere'],
  ])('credentials are not sent to %s', async (realm, message) => {
    const { proxy, image } = await guarded('');
    loggedIn(proxy.address, 'me:password');
    proxy.faults.set('', (_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}",service="x"` }).end();
    });
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toContain(message);
  });

  test.each([
    ['{}', 200],
    ['{"token":""}', 200],
    ['<html>', 200],
    ['{"token":"x"}', 404],
  ])('an answer without a token is an error: %s %i', async (body, status) => {
    const { proxy, image } = await guarded('');
    proxy.faults.set('/token', (_, response) => response.writeHead(status).end(body));
    proxy.faults.set('', (_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${proxy.url}/token"` }).end();
    });
    const { run } = fetcher();

    const error = await failure(run(image));

    expect(error.message).toContain(`${proxy.url} answered ${status} without a token`);
  });
});

describe.skipIf(skipped !== undefined)(`a challenge (skipped when ${skipped})`, () => {
  test('is answered as it is put: its service and its scope, after what the address has', async () => {
    const { proxy, image } = await guarded('');
    proxy.faults.set('/token', (_, response) => response.end('{"token":"t"}'));
    proxy.faults.set('manifests/', (_, response) => {
      const scope = 'repository:all:pull repository:istio/pilot:pull';
      const header = `Bearer realm="${proxy.url}/token?a=b",service="the registry",scope="${scope}"`;
      response.writeHead(401, { 'www-authenticate': header }).end();
    });
    const { run } = fetcher();

    await failure(run(image));

    const asked = new URL(proxy.asked[1]!, proxy.url).searchParams;
    expect(Object.fromEntries(asked)).toEqual({
      a: 'b',
      service: 'the registry',
      scope: 'repository:all:pull repository:istio/pilot:pull',
    });
  });
});

describe.skipIf(skipped !== undefined)(`with a password (skipped when ${skipped})`, () => {
  /** The user is reader, the password reader-password; the hash is of no use anywhere else. */
  const htpasswd = 'reader:$2b$04$sGO4kW7VMm.QLCgXi.JMLOuMyyPjeRJRVb2R06t0/eDAR0L2zlYOi\n';

  async function withPassword() {
    const file = join(temporaryFolder(), 'htpasswd');
    writeFileSync(file, htpasswd);
    return guarded(`auth: { htpasswd: { realm: test, path: ${file} } }`);
  }

  test("it is taken from Docker's configuration", async () => {
    const { proxy, image } = await withPassword();
    loggedIn(proxy.address, 'reader:reader-password');
    const { target, run } = fetcher();

    await run(image);

    expect(readFileSync(target, 'utf8')).toBe('program');
  });

  test('a wrong one is refused, and none is asked for', async () => {
    const { proxy, image } = await withPassword();
    const { run } = fetcher();

    const none = await failure(run(image));
    const folder = loggedIn(proxy.address, 'reader:wrong');
    const wrong = await failure(run(image));

    expect(none.message).toContain('it wants a user name and a password');
    expect(wrong.message).toContain('it answered 401');
    expect(wrong.hint).toContain(join(folder, 'config.json'));
    expect(proxy.asked).toHaveLength(3);
  });

  test('a configuration that cannot be used is reported and passed over', async () => {
    const { image } = await withPassword();
    const folder = loggedIn('other.example', 'a:b');
    const { said, run } = fetcher();
    const content = async (text: string) => {
      said.length = 0;
      writeFileSync(join(folder, 'config.json'), text);
      await failure(run(image));
      return said.join('\n');
    };
    const registry = image.split('/')[0];

    expect(await content('{')).toContain('config.json is not used: it is no JSON with an object "auths"');
    expect(await content('{"auths":[]}')).toContain('config.json is not used');
    expect(await content(`{"auths":{"${registry}":{"identitytoken":"x"}}}`)).toContain(
      `config.json has no user name and password for ${registry} in "auth"`,
    );
    expect(await content('{}')).toBe('');
    const blocked = temporaryFolder();
    mkdirSync(join(blocked, 'config.json'));
    vi.stubEnv('DOCKER_CONFIG', blocked);
    await failure(run(image));
    expect(said.join('\n')).toContain('config.json is not used: EISDIR');
  });
});

/** The headers with which the registry asks for a token. */
async function challenge(proxy: Front): Promise<Record<string, unknown>> {
  const answer = await fetch(`${proxy.url}/v2/istio/pilot/manifests/1.31.1`);
  return { 'www-authenticate': answer.headers.get('www-authenticate') };
}
