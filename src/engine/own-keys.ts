/** What settings say of a key server of the user's own. */
import { HarnessError } from '../base/errors.ts';
import type { OwnKeyServer } from '../jwks/own-key-server.ts';
import type { Values } from '../settings/settings.ts';
import { text } from '../settings/typed.ts';
import type { IssuerKey } from '../token/issuer-keys.ts';
import { readOwnKey } from '../token/own-key.ts';

export interface OwnKeys {
  readonly url: string;
  readonly key: IssuerKey;
}

const [address, file] = ['external-jwks', 'external-jwks-key'] as const;

/**
 * Its address, and the key that tokens are signed with; undefined when there is none.
 *
 * @throws HarnessError E_USAGE for an address that no scenario can have, one of both settings without the other, and a file
 * without a key
 */
export function ownKeysOf(values: Values): OwnKeys | undefined {
  const [given, keyFile] = [text(values, address), text(values, file)];
  if (given === undefined && keyFile === undefined) return undefined;
  if (given === undefined || keyFile === undefined) {
    const [has, lacks] = given === undefined ? [file, address] : [address, file];
    throw new HarnessError('E_USAGE', `--${has} needs --${lacks}`, {
      hint: `Your server serves the public part of a key that you have made (--${address}), and tokens are signed with it (--${file}).`,
    });
  }
  const url = URL.canParse(given) ? new URL(given) : undefined;
  const isPlain =
    url !== undefined && ['http:', 'https:'].includes(url.protocol) && url.href === url.origin + url.pathname;
  if (!isPlain || url.port !== '' || url.pathname === '/') {
    throw new HarnessError(
      'E_USAGE',
      `--${address} must be such as https://keys.example.com/get_jwks, not "${given}"`,
      {
        hint: 'It has the port that belongs to http or https, the path that scenarios ask for, and nothing more.',
      },
    );
  }
  return { url: url.href, key: readOwnKey(keyFile, `--${file}`) };
}

/**
 * The server that settings name, once it has answered with the key; undefined when there is none.
 *
 * @throws HarnessError E_KEY_SERVER when it does not serve the key
 */
export async function findOwnKeyServer(
  own: OwnKeys | undefined,
  signal: AbortSignal,
): Promise<OwnKeyServer | undefined> {
  if (own === undefined) return undefined;
  const { kid, publicJwk } = own.key;
  // Whatever has settings loads this file, and the HTTP client takes its time to load.
  const { OwnKeyServer } = await import('../jwks/own-key-server.ts');
  return OwnKeyServer.find(own.url, { kid, n: publicJwk.n ?? '', e: publicJwk.e ?? '' }, signal);
}
