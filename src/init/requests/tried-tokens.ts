/** The tokens of a scenario: as they are written in it, and as the model sees them. */
import { isMap } from '../../base/kube-object.ts';
import type { Verify } from '../../policy/authenticate.ts';
import { withClaim } from '../../policy/match/claims.ts';
import { matchesPrincipal, matchesText } from '../../policy/match/patterns.ts';
import { type IssuerPlan, issuerOf, stranger } from '../issuers.ts';
import { escaped } from '../write/yaml-text.ts';
import { type Alternative, pick, textFor } from './wanted.ts';

export type Claims = Readonly<Record<string, unknown>>;

export interface TokenTry {
  readonly name: string;
  /** Whose keys sign it. */
  readonly issuer: IssuerPlan;
  /** The issuer in whose place it is put. */
  readonly home: string;
  readonly claims: Claims;
  /** It is refused whatever its claims are. */
  readonly isInvalid: boolean;
  /** What is sent instead of a token. */
  readonly raw?: string;
  /** In a scenario. */
  readonly spec: Claims;
  /** What it is for. */
  readonly why?: string | undefined;
}

/** Until 2118: the same as in Istio's own samples. */
const farAway = 4_685_989_700;
const somebody = 'somebody';
/** What they are: the issuer, and times, which are numbers. */
export const fixed = ['iss', 'exp', 'nbf', 'iat'];

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** With a signature that says whose it is. */
export function textOf({ issuer, claims, isInvalid, raw }: TokenTry): string {
  if (raw !== undefined) return raw;
  const payload = { iss: issuer.issuer, exp: farAway, ...claims };
  const signature = isInvalid ? 'forged' : issuer.issuer;
  return `${encoded({ alg: 'RS256' })}.${encoded(payload)}.${Buffer.from(signature).toString('base64url')}`;
}

/** Each issuer signs with keys of its own. */
export const verifyTry: Verify = ({ signature }, rule) =>
  Buffer.from(signature).toString() === issuerOf(rule) ? 'Ok' : 'Jwt verification fails';

/** What signs everything else that is tried. */
function validToken(issuer: IssuerPlan, suffix: string): TokenTry {
  const { audiences } = issuer;
  const claims = { sub: somebody, ...(audiences[0] === undefined ? {} : { aud: [audiences[0]] }) };
  const spec = { issuer: issuer.name, claims: escaped({ ...claims, exp: farAway }) };
  return { name: `valid${suffix}`, issuer, home: issuer.issuer, claims, isInvalid: false, spec };
}

/** What must be refused, and what has no principal. */
function wrongTokens(valid: TokenTry, suffix: string, isFirst: boolean): TokenTry[] {
  const derive = (name: string, spec: Claims, more: Partial<TokenTry>): TokenTry => ({
    ...valid,
    name: `${name}${suffix}`,
    spec: { extends: valid.name, ...spec },
    ...more,
  });
  const past = { ...valid.claims, exp: Math.floor(Date.now() / 1000) - 3600 };
  const aud = ['somebody-else.example.com'];
  return [
    derive('expired', { claims: { exp: '${now-3600}' } }, { claims: past }),
    derive('tampered', { tamper: 'payload' }, { isInvalid: true }),
    ...(isFirst ? [derive('wrong issuer', { issuer: stranger.name }, { issuer: stranger })] : []),
    ...(valid.issuer.audiences.length === 0
      ? []
      : [derive('wrong audience', { claims: { aud } }, { claims: { ...valid.claims, aud } })]),
  ];
}

/** A token that differs from the valid one in these claims; undefined is for those that it does not have. */
export function derived(valid: TokenTry, claims: Claims, why: string): TokenTry {
  const names = [...new Set([...Object.keys(valid.claims), ...Object.keys(claims)])];
  const changed = names.filter((name) => JSON.stringify(valid.claims[name]) !== JSON.stringify(claims[name]));
  const words = changed.map((name) => {
    const short = wordOf(name);
    return claims[name] === undefined ? `without ${short}` : `${short} ${shown(claims[name])}`;
  });
  const own = Object.fromEntries(changed.map((name) => [name, claims[name] ?? null]));
  const suffix = valid.name.replace(/^valid/, '');
  const name = `${words[0]?.startsWith('without') ? '' : 'with '}${words.join(', ')}`.slice(0, 70).trim();
  return {
    ...valid,
    name: `${name}${suffix}`,
    claims,
    spec: { extends: valid.name, claims: escaped(own) },
    why,
  };
}

/** A name without what URLs, templates and YAML would make of it. */
function wordOf(text: string): string {
  return (
    text
      .replace(/^.*\//, '')
      .replaceAll(/[^\w .@*-]+/g, ' ')
      .trim() || 'claim'
  );
}

function shown(value: unknown): string {
  if (typeof value === 'string') return wordOf(value);
  if (Array.isArray(value)) return value.map(shown).join(' and ');
  if (typeof value === 'object' && value !== null)
    return Object.entries(value)
      .map(([name, inner]) => `${wordOf(name)} ${shown(inner)}`)
      .join(' and ');
  return `${value} that is no text`;
}

/** Whether a request without a token cannot be what is wanted. */
export function needsToken({ of, claims }: Alternative): boolean {
  return (of.principal?.values.length ?? 0) > 0 || claims.some(({ values }) => values.length > 0);
}

/** Claims as the alternative wants them, or undefined when nobody can have them. */
export function claimsFor({ of, claims: conditions }: Alternative, valid: TokenTry): Claims | undefined {
  const { issuer } = valid.issuer;
  const principal = of.principal ?? { values: [], notValues: [] };
  const subjects = principal.values.map((each) =>
    textFor(each.startsWith(`${issuer}/`) ? each.slice(issuer.length + 1) : each.replace(/^.*\//, '')),
  );
  // Where nobody can be the principal, all else is as it should be.
  const sub = pick(principal, [somebody, ...subjects], (pattern, text) =>
    matchesPrincipal(pattern, issuer, text),
  );
  let claims: Claims = { ...valid.claims, sub: sub ?? somebody };
  const byPath = new Map<string, string[]>();
  for (const { path, values, notValues } of conditions) {
    if (fixed.includes(path[0] ?? '') || values.length === 0) continue;
    const value = pick({ values, notValues }, values.map(textFor), matchesText);
    if (value === undefined) return undefined;
    const key = JSON.stringify(path);
    byPath.set(key, [...new Set([...(byPath.get(key) ?? []), value])]);
  }
  for (const [key, values] of byPath) {
    const path = JSON.parse(key) as string[];
    // Besides the audience that a rule for tokens wants.
    const before = path.join() === 'aud' ? ([claims.aud ?? []].flat() as string[]) : [];
    claims = withClaim(claims, path, formOf(path, [...new Set([...before, ...values])]));
  }
  return claims;
}

/** All claims as issuers write them. */
export function inUsualForm(claims: Claims, path: readonly string[] = []): Claims {
  const formed = Object.entries(claims).map(([name, value]) => {
    const own = [...path, name];
    if (typeof value === 'string') return [name, fixed.includes(name) ? value : formOf(own, [value])];
    return [name, isMap(value) ? inUsualForm(value, own) : value];
  });
  return Object.fromEntries(formed) as Claims;
}

/** As issuers write it: lists where the name is a plural, words in `scope`. */
function formOf(path: readonly string[], values: readonly string[]): unknown {
  const [name = ''] = path.slice(-1);
  if (path.length === 1 && ['scope', 'permission'].includes(name)) return values.join(' ');
  return values.length > 1 || (name.endsWith('s') && !/ss$|address$/.test(name)) || name === 'aud'
    ? values
    : values[0];
}

/** Claims that differ from those that are wanted in one thing: candidates, in the order of how near they are. */
export function nearMisses({ of, claims: conditions }: Alternative, claims: Claims): Claims[][] {
  const misses = conditions
    .filter(({ path }) => !fixed.includes(path[0] ?? ''))
    .map(({ path, values, notValues }) => {
      const list = (value: string) => formOf(path, [value]);
      const others = values.includes('*')
        ? []
        : values.slice(0, 1).flatMap((each) => {
            const text = textFor(each);
            return [
              ...(/^(true|false)$/.test(each) ? [JSON.parse(each) as boolean] : []),
              list(`${text}x`),
              list(`x${text}`),
            ];
          });
      const forbidden = notValues.slice(0, 1).map((each) => list(textFor(each)));
      return [...forbidden, ...others, undefined].map((value) =>
        path[0] === 'aud' ? { ...claims, aud: value } : withClaim(claims, path, value),
      );
    });
  const { values = [], notValues = [] } = of.principal ?? {};
  const isAboutSubject = [...values, ...notValues].length > 0;
  const subjects = [
    ...notValues.map((each) => textFor(each.replace(/^.*\//, ''))),
    ...(typeof claims.sub === 'string' ? [`${claims.sub}x`, `x${claims.sub}`] : []),
    undefined,
  ];
  return [...misses, ...(isAboutSubject ? [subjects.map((sub) => ({ ...claims, sub }))] : [])];
}

/** All that a scenario has: the same claims are one token, and no two have the same name. */
export class TokenList {
  /** The valid one of each issuer, and what must be refused. */
  readonly valid: readonly TokenTry[];
  readonly wrong: readonly TokenTry[] = [];
  readonly #all: TokenTry[] = [];

  constructor(issuers: readonly IssuerPlan[]) {
    const suffixOf = (index: number) => (index === 0 ? '' : ` ${issuers[index]?.name}`);
    this.valid = issuers.map((issuer, index) => this.take(validToken(issuer, suffixOf(index))));
    this.wrong = this.valid.flatMap((token, index) => wrongTokens(token, suffixOf(index), index === 0));
  }

  take(token: TokenTry): TokenTry {
    const keyOf = ({ home, issuer, claims, isInvalid, raw }: TokenTry) =>
      JSON.stringify([home, issuer.name, Object.entries(claims).sort(), isInvalid, raw]);
    const same = [...this.#all, ...this.wrong].find((each) => keyOf(each) === keyOf(token));
    if (same !== undefined) return same;
    let { name } = token;
    for (let number = 2; this.#all.some((each) => each.name === name); number++)
      name = `${token.name} ${number}`;
    const own = { ...token, name };
    this.#all.push(own);
    return own;
  }

  /** A text that is no token. */
  rubbish(): TokenTry {
    const [first] = this.valid;
    const issuer = first?.issuer ?? stranger;
    const raw = 'no-token';
    return this.take({
      name: 'no JWT at all',
      issuer,
      home: issuer.issuer,
      claims: {},
      isInvalid: true,
      raw,
      spec: { raw },
    });
  }

  /** What shows that without policies nobody looks at tokens. */
  simple(): TokenTry[] {
    return [...this.valid.slice(0, 1), ...this.wrong.filter(({ isInvalid }) => isInvalid).slice(0, 1)];
  }

  /** Those that are sent, after the ones that they extend. */
  used(sent: readonly TokenTry[]): TokenTry[] {
    const names = new Set(sent.flatMap(({ name, spec }) => [name, String(spec.extends)]));
    return [...this.#all, ...this.wrong].filter(({ name }) => names.has(name));
  }
}
