/** What a token of a scenario is to be made from, with `extends` resolved. */

import { HarnessError } from '../base/errors.ts';
import { isMap } from '../base/kube-object.ts';
import { isTime, relativeTime, type TokenSpec } from '../scenario/format/schema.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * Resolves `extends`. Claims and header are merged like a JSON Merge Patch (RFC 7396): maps are merged, everything
 * else replaces, and null removes; the nulls stay in the result, because they also remove what minting fills in.
 *
 * @throws HarnessError `E_TOKEN` when `extends` names no token or leads back to itself, or when fields contradict
 * each other
 */
export function resolveToken(name: string, tokens: Readonly<Record<string, TokenSpec>>): TokenSpec {
  const spec = resolve(name, tokens, []);
  const problem = contradiction(spec);
  if (problem !== undefined) throw new HarnessError('E_TOKEN', `token "${name}": ${problem}`);
  return spec;
}

function resolve(
  name: string,
  tokens: Readonly<Record<string, TokenSpec>>,
  path: readonly string[],
): TokenSpec {
  const spec = Object.hasOwn(tokens, name) ? tokens[name] : undefined;
  if (spec === undefined) {
    throw new HarnessError('E_TOKEN', `token "${path.at(-1)}" extends "${name}", which does not exist`, {
      hint: `The tokens of this scenario are: ${Object.keys(tokens).join(', ')}.`,
    });
  }
  if (path.includes(name)) {
    throw new HarnessError('E_TOKEN', `token "${name}" extends itself: ${[...path, name].join(' -> ')}`, {
      hint: 'Let one of them stand on its own.',
    });
  }
  if (spec.extends === undefined) return spec;
  const { key: baseKey, ...base } = resolve(spec.extends, tokens, [...path, name]);
  const { extends: _, ...own } = spec;
  // The name of a key means nothing to another issuer.
  const sameIssuer = own.issuer === undefined || own.issuer === base.issuer;
  return {
    ...base,
    ...(sameIssuer && baseKey !== undefined ? { key: baseKey } : {}),
    ...own,
    claims: mergeMaps(base.claims ?? {}, own.claims ?? {}),
    header: mergeMaps(base.header ?? {}, own.header ?? {}),
  };
}

function contradiction(spec: TokenSpec): string | undefined {
  for (const field of ['raw', 'from'] as const) {
    if (spec[field] === undefined) continue;
    const more = Object.entries(spec).filter(([name, value]) => name !== field && !isEmpty(value));
    if (more.length > 0) return `"${field}" is sent as it is; remove "${more[0]?.[0]}"`;
    // As it is copied out of a request, or kept in a variable.
    return /^bearer\s+eyJ/i.test(spec.raw ?? '')
      ? 'it begins with "Bearer", which is put before every token; write the token alone'
      : undefined;
  }
  if (spec.issuer === undefined) return 'needs an "issuer" that signs it, or "raw"';
  if (spec.unsigned && spec.signedBy) return 'cannot be both "unsigned" and "signedBy" somebody';
  if (spec.unsigned && spec.tamper === 'signature')
    return 'is "unsigned": there is no signature to tamper with';
  const [first, second] = ways.filter((field) => spec[field] !== undefined);
  if (first !== undefined && second !== undefined) return `cannot have both "${first}" and "${second}"`;
  const [signer, other] = signers(spec).filter(([, isGiven]) => isGiven);
  if (signer !== undefined && other !== undefined) return `cannot have both "${signer[0]}" and "${other[0]}"`;
  if (spec.signedBy === spec.issuer) return '"signedBy" must name another issuer than "issuer"';
  return undefined;
}

/** What the signature is made with, or that there is none to make: each leaves no room for another. */
function signers(spec: TokenSpec): readonly (readonly [name: string, isGiven: boolean])[] {
  return [
    ['secret', spec.secret !== undefined],
    ['signedBy', spec.signedBy !== undefined],
    ['unsigned', spec.unsigned === true],
    ['mutate', spec.mutate !== undefined],
    ['exact.signature', spec.exact?.signature !== undefined],
  ];
}

/** Each says how the token is made or changed, and none knows of another. */
const ways = ['mutate', 'tamper', 'exact', 'form'] as const;

const isEmpty = (value: unknown) =>
  value === undefined || value === false || (isMap(value) && Object.keys(value).length === 0);

/** Merges two maps in depth; keys of `base` keep their place. Does not look into lists. */
export function mergeMaps(base: Json, patch: Json): Record<string, unknown> {
  // Object.fromEntries defines properties, so that a claim called __proto__ is a claim like any other.
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(patch)) {
    const before = merged.get(key);
    merged.set(key, isMap(before) && isMap(value) ? mergeMaps(before, value) : value);
  }
  return Object.fromEntries(merged);
}

/**
 * Removes entries that are null, at any depth of maps but not within lists.
 *
 * @throws HarnessError `E_TOKEN` for a number that JSON cannot say, such as `.inf`
 */
export function withoutNulls(map: Json, where: string): Record<string, unknown> {
  const kept = Object.entries(map).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (typeof value === 'number' && !Number.isFinite(value)) {
        throw new HarnessError('E_TOKEN', `${where}.${key} is ${value}, which JSON cannot express`, {
          hint: 'Write a number, or the text in quotes.',
        });
      }
      return [key, isMap(value) ? withoutNulls(value, `${where}.${key}`) : value];
    }),
  );
}

const inSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * Claims whose times are numbers: `+1h`, `-90s` and `now` in exp, nbf and iat are seconds since the epoch. Other texts stay,
 * to be sent as they are.
 *
 * @param now in seconds since the epoch
 */
export function withTimes(claims: Json, now: number): Json {
  const timed = Object.entries(claims).map(([name, value]) => {
    const relative = isTime(name) && typeof value === 'string' ? relativeTime.exec(value) : null;
    if (relative === null) return [name, value];
    const [, sign, amount = '0', unit = 's'] = relative;
    const offset = Number(amount) * (inSeconds[unit] ?? 1);
    return [name, now + (sign === '-' ? -offset : offset)];
  });
  return Object.fromEntries(timed);
}
