/** What a key server is to do, by what a scenario says of it. */
import type { KeyServerChange, KeyServerSpec } from '../../scenario/format/schema.ts';
import { millisecondsOf } from '../../scenario/format/schema-words.ts';
import type { KeyServerFault, KeyServerState } from '../../target/target.ts';
import type { IssuerKeys } from '../../token/issuer-keys.ts';

/**
 * @param change what a step sets, with `${…}` filled in: keys and certificate that it does not name are as under keyServers.
 * Undefined: at the start, when the server also fails as it is said there.
 * @param issuers by name
 */
export function keyServerState(
  spec: KeyServerSpec,
  change: KeyServerChange | undefined,
  issuers: ReadonlyMap<string, IssuerKeys>,
): KeyServerState {
  const { keys, more, copies, certificate } = { ...spec, ...change };
  return {
    jwks: { keys: keysOf({ keys, more, copies }, issuers.get(spec.serves)) },
    certificate: certificate ?? 'trusted',
    fault: faultOf(change ?? spec),
  };
}

function keysOf({ keys, more = [], copies = 0 }: KeyServerChange, issuer: IssuerKeys | undefined): unknown[] {
  const own = [...(issuer?.keys ?? [])].filter(([name]) => keys?.includes(name) ?? true);
  const jwks = own.map(([, key]) => ({ ...key.publicJwk }));
  const [first] = jwks;
  // Only whoever asks for one of these kids would find that it is a key for nothing.
  const others = Array.from({ length: first === undefined ? 0 : copies }, (_, index) => ({
    ...first,
    kid: `${first?.kid}~${index + 1}`,
  }));
  return [...others, ...jwks, ...more];
}

function faultOf(change: KeyServerChange): KeyServerFault | null {
  const { status, body, type, redirect, delay, reset, stopped } = change;
  const fault = {
    ...(status === undefined ? {} : { status }),
    ...(delay === undefined ? {} : { delayMs: millisecondsOf(delay) }),
    ...(body === undefined ? {} : { body }),
    ...(type === undefined ? {} : { type }),
    ...(redirect === undefined ? {} : { redirect }),
    ...(reset === undefined ? {} : { reset }),
    ...(stopped === undefined ? {} : { closed: stopped }),
  };
  return Object.keys(fault).length === 0 ? null : fault;
}
