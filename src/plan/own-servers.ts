/** Which key servers of a scenario a server of the user's own can stand for: it serves one key, and does nothing else. */
import type { KubeObject } from '../base/kube-object.ts';
import type { KeyServerSpec } from '../scenario/format/schema.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import { references } from '../scenario/template.ts';

/** What a key server of a scenario may say when it is to be nothing but steady. */
const steady = ['serves', 'where', 'path', 'certificate'];

/**
 * The names of the key servers that the server at this address stands for: those with whose host filled in the scenario asks
 * for exactly this address.
 *
 * @param steps those that run
 * @param url undefined when there is no such server
 */
export function ownServers(
  { keyServers, issuers }: Pick<LoadedScenario, 'keyServers' | 'issuers'>,
  steps: LoadedScenario['steps'],
  url: string | undefined,
): string[] {
  // The certificate of the server is not from the CA of the run.
  if (url === undefined || namedIn(steps, 'ca').length > 0) return [];
  const isSet = (name: string) => steps.some(({ set = {}, after }) => name in set || after?.of === name);
  const uris = steps.flatMap(({ apply = [] }) => apply.flatMap(urisOf));
  return Object.entries(keyServers).flatMap(([name, spec]) => {
    const issuer = issuers[spec.serves];
    const isSimple = issuer !== undefined && issuer.keys === undefined && issuer.kid === undefined;
    if (!isSimple || (issuer.algorithm ?? 'RS256') !== 'RS256' || !isSteady(spec) || isSet(name)) return [];
    const asked = uris.filter((uri) => serversIn([uri]).includes(name));
    const filled = asked.map((uri) => uri.replace(/\$\{[^}]*\}/, new URL(url).hostname));
    return filled.length > 0 && filled.every((uri) => uri === url) ? [name] : [];
  });
}

/** The key servers that a step names. */
export function serversIn(value: unknown): string[] {
  return namedIn(value, 'keyServers').flatMap((names) => names[1] ?? []);
}

function isSteady({ where, certificate = 'trusted', ...spec }: KeyServerSpec): boolean {
  const more = Object.entries(spec).filter(([name, value]) => value !== undefined && !steady.includes(name));
  return where === 'external' && certificate === 'trusted' && more.length === 0;
}

function urisOf({ kind, spec }: KubeObject): string[] {
  if (kind !== 'RequestAuthentication') return [];
  const { jwtRules } = (spec ?? {}) as { jwtRules?: readonly { jwksUri?: string }[] | null };
  return (jwtRules ?? []).flatMap(({ jwksUri }) => jwksUri ?? []);
}

function namedIn(value: unknown, root: string): (readonly string[])[] {
  return references(value).flatMap(({ expression }) =>
    expression?.kind === 'name' && expression.names[0] === root ? [expression.names] : [],
  );
}
