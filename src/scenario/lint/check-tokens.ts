/** Checks issuers and tokens against each other. */

import { canSign, isAlgorithm } from '../format/algorithms.ts';
import { ofPublicKeys } from '../format/mutations.ts';
import {
  type IssuerSpec,
  isTime,
  relativeTime,
  type ScenarioSpec,
  type TokenSpec,
} from '../format/schema.ts';
import { noToken } from '../table.ts';
import type { Path } from '../yaml/yaml-file.ts';
import { mustBeAlgorithm, mustExist, type Report } from './mistakes.ts';
import { unsendable } from './sendable.ts';

export function checkIssuers({ issuers }: ScenarioSpec, report: Report): void {
  for (const [name, issuer] of Object.entries(issuers)) {
    const at = ['issuers', name];
    mustBeAlgorithm(issuer.algorithm, [...at, 'algorithm'], report);
    for (const [key, spec] of Object.entries(issuer.keys ?? {})) {
      mustBeAlgorithm(spec.algorithm, [...at, 'keys', key, 'algorithm'], report);
    }
    if (issuer.keys === undefined) continue;
    for (const field of ['algorithm', 'kid'] as const) {
      if (issuer[field] === undefined) continue;
      report(
        [...at, field],
        `"${field}" has no meaning next to "keys"`,
        `Write the ${field} at each of the keys.`,
        'key',
      );
    }
  }
}

export function checkTokens(scenario: ScenarioSpec, report: Report): void {
  for (const [name, token] of Object.entries(scenario.tokens)) {
    const at = ['tokens', name];
    if (name === noToken || name === 'columns') {
      const hint = name === noToken ? 'It means that no token is sent.' : 'It is a key of every table.';
      report(at, `a token cannot be called "${name}"`, `${hint} Choose another name.`, 'key');
    }
    for (const [field, text] of [
      [['raw'], token.raw],
      [['exact', 'signature'], token.exact?.signature],
    ] as const) {
      const headers = [['Authorization', text ?? '']] as const;
      if (unsendable({ path: '', url: '', host: undefined, headers }, false) === undefined) continue;
      const hint = 'Remove it: a token is sent in a header, which has one line.';
      report([...at, ...field], `the token "${name}" has a line break or U+0000 in it`, hint);
    }
    checkTimes(token, at, report);
    const known = checkNames(token, at, scenario, report);
    if (known) checkWhole(name, at, scenario, report);
  }
}

/** Looks like a time that is relative to now, and is none. */
const almostTime = /^(?:[+-]\s*[\d.]+\s*[a-z]*|\d+\s*[a-z]|now\s*[+-].*)$/i;

function checkTimes({ claims = {} }: TokenSpec, at: Path, report: Report): void {
  for (const [name, value] of Object.entries(claims)) {
    if (!isTime(name) || typeof value !== 'string' || relativeTime.test(value)) continue;
    const hint = hintForTime(value.trim());
    if (hint !== undefined)
      report([...at, 'claims', name], `"${value}" is no time, and would be sent as a text`, hint);
  }
}

/** What to write in place of a text that is meant as a time: it would be refused for being a text. Undefined for others. */
function hintForTime(text: string): string | undefined {
  if (almostTime.test(text))
    return 'Write a sign, a whole number and one of s, m, h and d, such as +1h, -90s or +365d; or now.';
  // Other texts are taken for dates too, and are none: with "abc 1" begins a year.
  const date = /\d{4}[-/ ]|[-/ ]\d{4}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) return undefined;
  return `Write the seconds since 1970, which here are ${Math.floor(date / 1000)}; or a time that is relative to now, such as +1h.`;
}

function checkNames(token: TokenSpec, at: Path, { issuers, tokens }: ScenarioSpec, report: Report): boolean {
  const results = [
    token.issuer === undefined || mustExist(token.issuer, issuers, 'issuer', [...at, 'issuer'], report),
    token.signedBy === undefined || mustExist(token.signedBy, issuers, 'issuer', [...at, 'signedBy'], report),
    token.extends === undefined || mustExist(token.extends, tokens, 'token', [...at, 'extends'], report),
  ];
  return results.every(Boolean);
}

/** Checks a token together with all that it extends. Mistakes of those are reported there. */
function checkWhole(name: string, at: Path, { issuers, tokens }: ScenarioSpec, report: Report): void {
  const own = tokens[name]!;
  const chain = chainOf(name, tokens);
  if (chain === undefined) return;
  if (chain === 'cycle') {
    report(
      [...at, 'extends'],
      `the token "${name}" extends itself`,
      'Let one of the tokens stand on its own.',
    );
    return;
  }
  const whole = chain.reduce(merge, {});
  const mistake = contradiction(whole, own);
  if (mistake !== undefined) {
    const [field, message, hint] = mistake;
    report(own[field] === undefined ? at : [...at, field], message, hint, 'key');
    return;
  }
  const issuer = whole.issuer === undefined ? undefined : issuers[whole.issuer];
  if (issuer === undefined) return;
  const keys = Object.keys(issuer.keys ?? {});
  const names =
    keys.length === 0 ? `${whole.issuer} has no named keys` : `${whole.issuer} has: ${keys.join(', ')}`;
  if (own.key !== undefined && !keys.includes(own.key)) {
    report([...at, 'key'], `the issuer "${whole.issuer}" has no key "${own.key}"`, `The issuer ${names}.`);
  } else if (whole.key === undefined && keys.length > 1) {
    const hint = `Add "key:" with one of: ${keys.join(', ')}.`;
    report(at, `the issuer "${whole.issuer}" has several keys; which one signs?`, hint, 'key');
  } else {
    const algorithm = whole.key === undefined ? algorithmsOf(issuer)[0] : issuer.keys?.[whole.key]?.algorithm;
    const alg = chain.findLast(({ header = {} }) => Object.hasOwn(header, 'alg'))?.header?.alg;
    if (algorithm !== undefined) checkSigner({ whole, own, at, issuers, algorithm, alg }, report);
  }
}

/** A token of an issuer that is there. */
interface Signing {
  readonly whole: TokenSpec;
  readonly own: TokenSpec;
  readonly at: Path;
  readonly issuers: ScenarioSpec['issuers'];
  /** Of its own key. */
  readonly algorithm: string;
  /** What its header says; undefined: the same. */
  readonly alg: unknown;
}

/** Checks that whoever is to sign can do so, in the way that is asked for. */
function checkSigner({ whole, own, at, issuers, algorithm, alg }: Signing, report: Report): void {
  const tell = (field: 'signedBy' | 'form' | 'mutate', message: string, hint: string) =>
    report(
      own[field] === undefined ? at : [...at, field],
      message,
      hint,
      own[field] === undefined ? 'key' : 'value',
    );
  const said = isAlgorithm(alg) ? alg : undefined;
  const { form, mutate, secret, signedBy } = whole;
  const signers = signedBy === undefined ? [algorithm] : algorithmsOf(issuers[signedBy]);
  const wanted =
    said !== undefined && (signedBy !== undefined || isSameKey(said, algorithm)) ? said : algorithm;
  if (!signers.some((each) => isSameKey(each, wanted))) {
    const hint = `It has: ${signers.join(', ')}. Give it a key with algorithm ${wanted}, or name another issuer.`;
    tell('signedBy', `the issuer "${signedBy}" has no key that signs with ${wanted}`, hint);
  } else if (form === 'der' && (secret !== undefined || !wanted.startsWith('ES'))) {
    const hint = 'Let an issuer with ES256, ES384 or ES512 sign it, or remove "form".';
    const how = secret === undefined ? wanted : 'a secret';
    tell('form', `"der" is for signatures of ECDSA, and this token is signed with ${how}`, hint);
  }
  if (mutate !== undefined && ofPublicKeys.some((each) => each === mutate) && algorithm.startsWith('HS')) {
    const hint =
      'Let an issuer with RS256 or ES256 sign it, or make a list of mutations that need no public key.';
    tell('mutate', `"${mutate}" needs a public key, and a key of ${algorithm} is a secret`, hint);
  }
}

function algorithmsOf({ algorithm = 'RS256', keys }: IssuerSpec = { issuer: '' }): string[] {
  return keys === undefined ? [algorithm] : Object.values(keys).map((key) => key.algorithm);
}

/** Whether a key for one algorithm signs with the other one, too; of what is filled in later, no more is known than its text. */
function isSameKey(one: string, other: string): boolean {
  return isAlgorithm(one) && isAlgorithm(other) ? canSign(one, other) : one === other;
}

/** A token and those that it extends, the base first. Undefined when one of them does not exist. */
function chainOf(
  name: string,
  tokens: Readonly<Record<string, TokenSpec>>,
): TokenSpec[] | 'cycle' | undefined {
  const names = new Set<string>();
  const chain: TokenSpec[] = [];
  for (let next: string | undefined = name; next !== undefined; ) {
    // A cycle further down is reported at the tokens that form it.
    if (names.has(next)) return next === name ? 'cycle' : undefined;
    names.add(next);
    const token: TokenSpec | undefined = Object.hasOwn(tokens, next) ? tokens[next] : undefined;
    if (token === undefined) return undefined;
    chain.unshift(token);
    next = token.extends;
  }
  return chain;
}

function merge(base: TokenSpec, own: TokenSpec): TokenSpec {
  const { key, ...rest } = base;
  // The name of a key means nothing to another issuer.
  const sameIssuer = own.issuer === undefined || own.issuer === base.issuer;
  return { ...rest, ...(sameIssuer && key !== undefined ? { key } : {}), ...own };
}

type Mistake = [field: keyof TokenSpec, message: string, hint: string];

function contradiction(whole: TokenSpec, own: TokenSpec): Mistake | undefined {
  for (const alone of ['raw', 'from'] as const) {
    if (whole[alone] === undefined) continue;
    const other = (Object.keys(whole) as (keyof TokenSpec)[]).find((key) => key !== alone);
    if (other === undefined) return undefined;
    const field = own[other] === undefined ? alone : other;
    const what = alone === 'raw' ? '"raw" is sent as it is' : 'what "from" gives is sent as it is';
    return [field, `${what}, so "${other}" has no meaning`, `Remove "${alone}" or "${other}".`];
  }
  if (whole.issuer === undefined) {
    return [
      'issuer',
      'nobody signs this token',
      'Add "issuer:" with the name of an issuer, or "raw:" with a text.',
    ];
  }
  if (whole.signedBy === whole.issuer) {
    return [
      'signedBy',
      '"signedBy" is the issuer itself',
      'Name another issuer: signedBy makes a forged token.',
    ];
  }
  if (whole.unsigned === true && whole.signedBy !== undefined) {
    return ['signedBy', 'a token that is "unsigned" is signed by nobody', 'Remove "unsigned" or "signedBy".'];
  }
  const [signer, unused] = (['secret', 'signedBy', 'unsigned', 'mutate', 'exact'] as const).filter((field) =>
    field === 'exact'
      ? whole.exact?.signature !== undefined
      : ![undefined, false].includes(whole[field] as false),
  );
  if (signer !== undefined && unused !== undefined) {
    const [one, other] = [signer, unused].map((field) => (field === 'exact' ? 'exact.signature' : field));
    const field = own[unused] === undefined ? signer : unused;
    const message = `a token cannot have both "${one}" and "${other}"`;
    return [field, message, 'Each says how it is signed: keep one, or make two tokens of it.'];
  }
  if (own.claims !== undefined && whole.exact?.payload !== undefined) {
    const hint = 'Remove "claims", or "exact.payload".';
    return ['claims', '"claims" are not in a token with "exact.payload"', hint];
  }
  const ways = (['mutate', 'tamper', 'exact', 'form'] as const).filter((field) => whole[field] !== undefined);
  const hidden = whole.unsigned === true ? ways.find((field) => field !== 'tamper') : ways[1];
  if (hidden !== undefined) {
    const other = whole.unsigned === true ? 'unsigned' : (ways[0] ?? '');
    const field = own[hidden] === undefined ? (other as keyof TokenSpec) : hidden;
    return [field, `a token cannot have both "${other}" and "${hidden}"`, 'Make two tokens of it.'];
  }
  if (whole.unsigned === true && whole.tamper === 'signature') {
    return ['tamper', 'a token that is "unsigned" has no signature', 'Remove "unsigned" or "tamper".'];
  }
  return undefined;
}
