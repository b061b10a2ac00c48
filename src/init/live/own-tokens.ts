/** Tokens for a mesh whose keys nobody here has: good ones come from outside, forged ones are made. */
import { isMap } from '../../base/kube-object.ts';
import { jwtRulesOf } from '../../policy/token-locations.ts';
import type { KubeObject } from '../../target/target.ts';
import { type IssuerPlan, issuerOf, stranger } from '../issuers.ts';
import type { TokenTry } from '../requests/tried-tokens.ts';

type Claims = Readonly<Record<string, unknown>>;

/** What is read of a token without its keys. */
interface Read {
  readonly kid: string | undefined;
  readonly claims: Claims;
}

export interface OwnTokens {
  readonly tokens: readonly TokenTry[];
  /** Key IDs of issuers, by their names in the scenario. */
  readonly kids: ReadonlyMap<string, string>;
  /** What of it is assumed, a line each. */
  readonly notes: readonly string[];
}

/** Variables that scenarios may read without being allowed to. */
const variable = /^TOKEN(_[A-Z0-9_]+)?$/;

/**
 * For each issuer a token of the user's, and those that must be refused. Claims are those of the token that a variable has now;
 * without one they are taken to be what a rule for tokens wants.
 *
 * @param wanted claims that rules want of a token of this issuer
 * @param env variables of the environment
 */
export function ownTokens(
  issuers: readonly IssuerPlan[],
  policies: readonly KubeObject[],
  wanted: (issuer: IssuerPlan, claims: Claims) => Claims,
  env: Readonly<Record<string, string | undefined>>,
): OwnTokens {
  const given = Object.entries(env).flatMap(([name, text]) => {
    const token = variable.test(name) && text !== undefined ? read(text) : undefined;
    return token === undefined ? [] : [{ name, ...token }];
  });
  const kids = new Map<string, string>();
  const notes: string[] = [];
  const tokens = issuers.flatMap((issuer, index): TokenTry[] => {
    const suffix = index === 0 ? '' : ` ${issuer.name}`;
    const found = given.find(({ claims }) => claims.iss === issuer.issuer);
    const aud = issuer.audiences[0] === undefined ? {} : { aud: [issuer.audiences[0]] };
    const claims = found?.claims ?? wanted(issuer, { sub: 'somebody', ...aud });
    const name =
      found?.name ?? (index === 0 ? 'TOKEN' : `TOKEN_${issuer.name.toUpperCase().replaceAll('-', '_')}`);
    if (found?.kid !== undefined) kids.set(issuer.name, found.kid);
    const whose = `${name} is a token of ${issuer.issuer}`;
    const { iss: _, ...told } = claims;
    notes.push(
      found === undefined
        ? `${whose}, which is taken to have the claims ${JSON.stringify(told)}: with the variable set, init reads what it has`
        : `${whose}, whose claims are those of today`,
    );
    const plain = { issuer, home: issuer.issuer, isInvalid: false };
    const forged = { name: `forged${suffix}`, isInvalid: true, claims: { sub: 'somebody', ...aud } };
    const extend = (more: Claims) => ({ extends: forged.name, ...more });
    const hasRules = policies.flatMap(jwtRulesOf).some((rule) => issuerOf(rule) === issuer.issuer);
    const other = ['somebody-else.example.com'];
    return [
      { ...plain, name: `mine${suffix}`, claims, spec: { raw: `\${env.${name}}` } },
      ...(hasRules
        ? [
            {
              ...plain,
              ...forged,
              spec: { issuer: issuer.name, claims: { ...forged.claims, exp: '+1h' } },
            },
            {
              ...plain,
              ...forged,
              name: `expired${suffix}`,
              claims: { ...forged.claims, exp: 1 },
              spec: extend({ claims: { exp: '-1h' } }),
            },
          ]
        : []),
      ...(index === 0
        ? [
            {
              ...plain,
              ...forged,
              name: 'wrong issuer',
              issuer: stranger,
              spec: extend({ issuer: stranger.name }),
            },
          ]
        : []),
      ...(issuer.audiences.length === 0
        ? []
        : [
            {
              ...plain,
              ...forged,
              name: `wrong audience${suffix}`,
              claims: { ...forged.claims, aud: other },
              spec: extend({ claims: { aud: other } }),
            },
          ]),
    ];
  });
  return { tokens, kids, notes };
}

/** @returns undefined for what is no JWT */
function read(text: string): Read | undefined {
  const [header, claims] = text.split('.').map((part): unknown => {
    try {
      return JSON.parse(Buffer.from(part, 'base64url').toString());
    } catch {
      return undefined;
    }
  });
  if (!isMap(header) || !isMap(claims)) return undefined;
  return { kid: typeof header.kid === 'string' ? header.kid : undefined, claims };
}
