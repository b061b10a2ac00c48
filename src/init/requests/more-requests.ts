/** Requests that would notice mistakes in the policies, as src/mutate finds them, in the tables of a scenario. */
import type { ClassRequest } from '../../mutate/classes/class-request.ts';
import type { Carried } from '../../mutate/classes/token-classes.ts';
import { isIngress } from '../places.ts';
import { type Client, nameOfClient } from '../senders.ts';
import { addTo, type Group, groupWith } from './tried-requests.ts';
import { derived, inUsualForm, type TokenList, type TokenTry } from './tried-tokens.ts';
import type { Asking, Context, TokenPlace } from './tried-ways.ts';

/** A way, and what is asked on it. */
export interface Asked {
  readonly asking: Asking;
  readonly groups: Group[];
}

/** A request that is wanted. */
export interface Extra {
  readonly sent: ClassRequest;
  /** Also with the claims that stand for whatever policies do not name. */
  readonly isWhole: boolean;
  /** Only what the workload receives tells the mistake. */
  readonly isTold: boolean;
}

/** Adds a request to the table that it fits in, or as one of its own; what no table can have is left away. */
export function addRequest(
  asked: readonly Asked[],
  { sent, isWhole, isTold }: Extra,
  clients: readonly Client[],
  tokens: TokenList,
): void {
  const token = tokenFor(sent.parts.carried, tokens, isWhole);
  if (token === null) return;
  const { path } = sent.parts;
  const possible = asked.flatMap(({ asking, groups }) => {
    const context = contextFor(asking, sent, token, clients);
    return context === undefined
      ? []
      : { asking, groups, context: isTold ? { ...context, isTold } : context };
  });
  const arriving = possible.filter(({ asking, context }) => asking.arrives(context, path));
  // What is refused on its way does not arrive anywhere.
  for (const { asking, groups, context } of [...arriving, ...possible]) {
    if (asking.ask(context, path, token).code === undefined) continue;
    const usable = [context, { ...context, isApart: true }].find((each) => {
      const group = groupWith(groups, each);
      return group === undefined || isAllKnown(asking, group, path, token);
    });
    if (usable === undefined) continue;
    addTo(groups, usable, [path], [token]);
    return;
  }
}

/** What is not known in one cell would take its whole row away. */
function isAllKnown(
  asking: Asking,
  { context, paths, tokens }: Group,
  path: string,
  token: TokenTry | undefined,
): boolean {
  const isKnown = (each: string, of: TokenTry | undefined) =>
    asking.ask(context, each, of).code !== undefined;
  return paths.every((each) => isKnown(each, token)) && tokens.every((each) => isKnown(path, each));
}

function contextFor(
  asking: Asking,
  { origin, request, parts }: ClassRequest,
  token: TokenTry | undefined,
  clients: readonly Client[],
): Context | undefined {
  const { way } = asking;
  const isOutside = way.gateway !== undefined && isIngress(way.gateway);
  if (isOutside !== (origin.kind === 'ingress')) return undefined;
  const address = way.addresses.find(({ url }) => isOutside || hostOf(url) === hostOf(parts.url));
  if (address === undefined) return undefined;
  const client =
    origin.kind === 'ingress'
      ? way.client
      : clients.find((each) => nameOfClient(each) === `${origin.app}.${origin.namespace}`);
  if (client === undefined) return undefined;
  const isHost = ([name]: readonly [string, string]) => name.toLowerCase() === 'host';
  const context = {
    client,
    url: address.url,
    method: request.method,
    host: parts.headers.find(isHost)?.[1],
    headers: Object.fromEntries(parts.headers.filter((each) => !isHost(each))),
  };
  const at = parts.carried[0]?.place;
  if (token === undefined || at === undefined) return context;
  const plain = (place: TokenPlace | undefined) => JSON.stringify(place ?? usual).toLowerCase();
  const isUsual = plain(asking.placeOf(token, '', at)) === plain(asking.placeOf(token, ''));
  return isUsual ? context : { ...context, at };
}

/** With its port, which is left out when it is 80. */
function hostOf(url: string): string {
  return new URL(url).host;
}

const usual: TokenPlace = {
  headers: { authorization: 'Bearer ' },
  query: '',
  words: 'header authorization',
};

/** @returns null for what a scenario of `init` does not have: two tokens, and those of issuers that nobody knows */
function tokenFor(carried: Carried, tokens: TokenList, isWhole: boolean): TokenTry | undefined | null {
  const [first, second] = carried;
  if (first === undefined) return undefined;
  if (second !== undefined) return null;
  const { kind, claims: { iss, exp: _, ...given } = {} } = first.token;
  if (kind === 'no token') return tokens.rubbish();
  const valid = tokens.valid.find(({ issuer }) => issuer.issuer === iss);
  if (kind === 'expired' || (kind === 'forged' && valid === undefined)) {
    const isLike = ({ home, isInvalid, issuer }: TokenTry) =>
      kind === 'expired' ? home === iss && issuer.issuer === iss && !isInvalid : issuer.issuer !== home;
    return tokens.wrong.find(isLike) ?? null;
  }
  if (valid === undefined) return null;
  const own = Object.entries(given).filter(([, value]) => isWhole || value !== 'other');
  const claims = inUsualForm(Object.fromEntries(own));
  const token = derived(
    valid,
    kind === 'forged' ? { ...valid.claims, ...claims } : claims,
    'notices a mistake',
  );
  if (kind !== 'forged') return tokens.take(token);
  return tokens.take({
    ...token,
    name: `tampered ${token.name}`,
    isInvalid: true,
    spec: { ...token.spec, tamper: 'payload' },
  });
}
