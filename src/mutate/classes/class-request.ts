/** A request of a class, put together of its parts. */
import type { HttpRequest, Origin } from '../../target/target.ts';
import { type Carried, placeWords } from './token-classes.ts';
import type { Way } from './ways.ts';

/** A request that stands for its class. */
export interface ClassRequest {
  readonly origin: Origin;
  readonly request: HttpRequest;
  /** As people can send it: method, address, from where, and the token. */
  readonly words: string;
  /** Of what it was put together; tokens are not among the headers. */
  readonly parts: {
    readonly url: string;
    readonly path: string;
    readonly headers: readonly (readonly [string, string])[];
    readonly carried: Carried;
  };
}

/** @param more headers, besides those with tokens */
export function requestOf(
  { origin, url, host }: Way,
  carried: Carried,
  method: string,
  path: string,
  more: readonly (readonly [string, string])[],
): ClassRequest {
  const isNamed = host === undefined || more.some(([name]) => name === 'Host');
  const named = isNamed ? more : [['Host', host] as const, ...more];
  const headers = named.map(([name, value]): [string, string] => [name, value]);
  let query = '';
  for (const { token, place } of carried) {
    if (place.kind === 'header') headers.push([place.name, `${place.prefix}${token.text}`]);
    else if (place.kind === 'cookie') headers.push(['cookie', `${place.name}=${token.text}`]);
    else query += `${query === '' ? '?' : '&'}${place.name}=${token.text}`;
  }
  const from = origin.kind === 'ingress' ? 'through the gateway' : `from ${origin.app}.${origin.namespace}`;
  const told = [
    ...named.map(([name, value]) => `with ${name}: ${value}`),
    carried.length === 0
      ? 'without a token'
      : `with ${carried.map(({ token, place }) => `${token.words}${placeWords(place)}`).join(' and ')}`,
  ];
  return {
    origin,
    request: { id: 'class', method, url: `${url}${path}${query}`, headers },
    words: `${method} ${url}${path} ${from}, ${told.join(', ')}`,
    parts: { url, path, headers: named, carried },
  };
}
