/** Tokens of others: from the environment, from programs, and from a real authorization server. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { redact } from '../../src/token/decode.ts';
import { fromEnvironment, obtain, type TokenSources } from '../../src/token/obtain.ts';
import { unaborted } from '../support/signals.ts';

const allowed: TokenSources = { commands: true, env: [], variables: {} };
const get = (source: Parameters<typeof obtain>[1], sources = allowed, signal = unaborted()) =>
  obtain('mine', source, sources, signal);
const printing = (text: string) => ({
  command: [process.execPath, '-e', `console.log(${JSON.stringify(text)})`],
});

describe('a variable of the environment', () => {
  const variables = { TOKEN: ' secret-of-mine \n', TOKEN_ADMIN: 'other', HOME: '/root', EMPTY_TOKEN: '' };
  const read = (name: string, env: string[] = []) =>
    fromEnvironment('mine', name, { ...allowed, env, variables });

  test('is read when its name says that it is a token, or when it is allowed', () => {
    expect(read('TOKEN')).toBe('secret-of-mine');
    expect(read('TOKEN_ADMIN')).toBe('other');
    expect(read('HOME', ['HOME'])).toBe('/root');
    expect(redact('x secret-of-mine y')).not.toContain('secret-of-mine');
  });

  test.each([
    [
      'HOME',
      [],
      'token "mine" reads the variable HOME of the environment, which was not allowed',
      '--env HOME',
    ],
    [
      'GITHUB_TOKEN',
      [],
      'token "mine" reads the variable GITHUB_TOKEN of the environment, which was not allowed',
      '--env',
    ],
    [
      'TOKEN_X',
      [],
      'token "mine" needs the variable TOKEN_X of the environment, which is not set',
      'export TOKEN_X=',
    ],
    [
      'EMPTY_TOKEN',
      ['EMPTY_TOKEN'],
      'token "mine" needs the variable EMPTY_TOKEN of the environment, which is not set',
      'export',
    ],
  ])('%s is none', (name, env, message, hint) => {
    expect(() => read(name, env)).toThrow(
      expect.objectContaining({ code: 'E_TOKEN', message, hint: expect.stringContaining(hint) }),
    );
  });
});

describe('a program', () => {
  test.each([
    ['a.b.c', 'a.b.c'],
    ['  a.b.c \n\n', 'a.b.c'],
    ['{ "access_token": "from-json-1", "id_token": "i" }', 'from-json-1'],
    ['{ "id_token": "from-json-2" }', 'from-json-2'],
    ['{ "token": "from-json-3" }', 'from-json-3'],
  ])('prints %j', async (text, token) => {
    expect(await get(printing(text))).toBe(token);
  });

  test('is not run unless that was allowed', async () => {
    await expect(get(printing('x'), { ...allowed, commands: false })).rejects.toMatchObject({
      code: 'E_TOKEN',
      message: expect.stringMatching(
        /^token "mine" comes from the program .*, and programs were not allowed$/,
      ),
      hint: expect.stringContaining('--allow-commands'),
    });
  });

  test.each<[string, string[], RegExp]>([
    ['is not there', ['no-such-program'], /^the program of token "mine" is not there: no-such-program$/],
    [
      'fails',
      [process.execPath, '-e', 'console.error("who\\nare you?"); process.exit(3)'],
      /^the program of token "mine" ended with 3: are you\?$/,
    ],
    ['prints nothing', [process.execPath, '-e', ''], /has printed no token$/],
    ['prints two words', [process.execPath, '-e', 'console.log("not logged in")'], /has printed no token$/],
    ['prints JSON without one', [process.execPath, '-e', 'console.log("{}")'], /has printed no token$/],
    ['prints half of its JSON', printing('{"access_token":"abc"').command, /has printed no token$/],
    ['prints a text of JSON', printing('"abc"').command, /has printed no token$/],
    ['prints a list', printing('["abc"]').command, /has printed no token$/],
    ['is a folder', [tmpdir()], /^the program of token "mine" could not be run \(EACCES\): /],
    ['has NUL in its arguments', ['printf', 'a\0b'], /^the program of token "mine" has U\+0000 in it/],
  ])('that %s gives none', async (_, command, message) => {
    await expect(get({ command })).rejects.toMatchObject({
      code: 'E_TOKEN',
      message: expect.stringMatching(message),
    });
  });

  test('is ended with the run', async () => {
    const controller = new AbortController();
    const asked = get(
      { command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'] },
      allowed,
      controller.signal,
    );
    setTimeout(() => controller.abort('SIGINT'), 200);
    await expect(asked).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });
});

describe('an authorization server', () => {
  const server = new OAuth2Server();
  const seen: { authorization: string | undefined; body: Record<string, unknown> }[] = [];
  let tokenUrl: string;
  beforeAll(async () => {
    await server.issuer.keys.generate('RS256');
    await server.start(0, '127.0.0.1');
    tokenUrl = `${server.issuer.url}/token`;
    server.service.on('beforeResponse', (_response, request) => {
      seen.push({
        authorization: request.headers.authorization,
        body: request.body as Record<string, unknown>,
      });
    });
  });
  afterAll(() => server.stop());

  const clientSecret = 'a secret: of/mine+';
  const client = () => ({ tokenUrl, clientId: 'orders', clientSecret });

  test('gives a token to a client, which says who it is by Basic', async () => {
    const token = await get({ clientCredentials: { ...client(), scope: 'orders:read', audience: 'orders' } });
    const [, payload = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      iss: server.issuer.url,
    });
    const basic = `Basic ${Buffer.from(`orders:${encodeURIComponent(clientSecret).replaceAll('%20', '+')}`).toString('base64')}`;
    expect(seen.at(-1)).toMatchObject({
      authorization: basic,
      body: { grant_type: 'client_credentials', scope: 'orders:read', audience: 'orders' },
    });
    expect(redact(`it was ${clientSecret}, and ${encodeURIComponent(clientSecret)}`)).not.toMatch(/mine/);
    expect(redact(token)).not.toContain(token.split('.')[2]);
  });

  test('or in the body', async () => {
    await get({ clientCredentials: { ...client(), auth: 'post' } });
    expect(seen.at(-1)).toMatchObject({
      authorization: undefined,
      body: { client_id: 'orders', client_secret: clientSecret },
    });
  });

  test('or none, and says why', async () => {
    server.service.once('beforeResponse', (response) => {
      response.statusCode = 401;
      response.body = { error: 'invalid_client', error_description: `${clientSecret} is wrong` };
    });
    const error = await get({ clientCredentials: client() }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'E_TOKEN', hint: expect.stringContaining('Check tokenUrl') });
    expect((error as Error).message).toMatch(
      /^http:.*\/token gave no token "mine": invalid_client: .* is wrong$/,
    );
    expect((error as Error).message).not.toContain(clientSecret);
  });

  test.each(['nowhere', 'login.example.com/token', 'ftp://login.example.com/token', 'http://'])(
    'is no address: %s',
    async (wrong) => {
      await expect(get({ clientCredentials: { ...client(), tokenUrl: wrong } })).rejects.toMatchObject({
        code: 'E_TOKEN',
        message: 'the tokenUrl of token "mine" is no address',
        hint: expect.stringContaining('such as https://'),
      });
    },
  );

  test('is named without a password, which would be shown', async () => {
    const named = { ...client(), tokenUrl: 'http://me:passw0rd@127.0.0.1:1/token' };
    const error = await get({ clientCredentials: named }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'E_TOKEN',
      message: 'the tokenUrl of token "mine" has a user name or a password in it',
    });
    expect(JSON.stringify([error, (error as Error).message])).not.toContain('passw0rd');
  });

  test('gives something that is no token', async () => {
    server.service.once('beforeResponse', (response) => {
      response.body = { access_token: 'a\r\nx-forged: b', token_type: 'bearer' };
    });
    await expect(get({ clientCredentials: client() })).rejects.toMatchObject({
      code: 'E_TOKEN',
      message: expect.stringMatching(/gave no token "mine": what it gave has blanks or other signs in it/),
    });
  });

  test('that is not there', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as { port: number };
    closed.close();
    const nowhere = { ...client(), tokenUrl: `http://127.0.0.1:${port}/token` };
    await expect(get({ clientCredentials: nowhere })).rejects.toMatchObject({
      code: 'E_TOKEN',
      message: expect.stringMatching(
        /^http:\/\/127\.0\.0\.1:\d+\/token gave no token "mine": .*ECONNREFUSED/,
      ),
    });
  });
});
