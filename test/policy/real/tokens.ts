/** Plans of tokens and requests made real, with keys that are new in each process: no token is kept anywhere. */
import { createSign, generateKeyPairSync } from 'node:crypto';
import type { Header } from '../../../src/policy/input.ts';
import type { KubeObject } from '../../../src/target/target.ts';
import { issuers, type RequestPlan, type TokenPlan } from './generate.ts';

const keys = issuers.map((_, index) => ({
  kid: `k${index}`,
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
}));

function jwksOf(issuer: string): string {
  const index = (issuers as readonly string[]).indexOf(issuer);
  const { kid, publicKey } = keys[index]!;
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256' }] });
}

/** The policies with the keys of their issuers, as they are applied. */
export function withKeys(policies: readonly KubeObject[]): KubeObject[] {
  return policies.map((policy) => {
    const { jwtRules, ...spec } = policy.spec as { jwtRules?: { issuer: string; jwks?: string }[] };
    if (jwtRules == null) return policy;
    return {
      ...policy,
      spec: {
        ...spec,
        jwtRules: jwtRules.map((rule) => ({ ...rule, jwks: rule.jwks ?? jwksOf(rule.issuer) })),
      },
    };
  });
}

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf({ issuer, key, header, claims, broken }: TokenPlan): string {
  const { kid, privateKey } = keys[key]!;
  const head = encoded({ alg: 'ES256', typ: 'JWT', kid, ...header });
  const payload = encoded({ iss: issuers[issuer], ...claims });
  const signer = createSign('SHA256').update(`${head}.${payload}`);
  const signature = signer.sign({ key: privateKey, dsaEncoding: 'ieee-p1363' }, 'base64url');
  switch (broken) {
    case 'payload':
      return `${head}.${encoded({ iss: issuers[issuer], ...claims, sub: 'mallory' })}.${signature}`;
    case 'signature':
      return `${head}.${payload}.${signature.slice(0, -4)}AAAA`;
    case 'sections':
      return `${head}.${payload}`;
    case 'empty':
      return '';
    case 'garbage':
      return 'some.invalid.token';
    default:
      return `${head}.${payload}.${signature}`;
  }
}

export interface Sent {
  readonly plan: RequestPlan;
  readonly headers: readonly Header[];
  readonly path: string;
}

/** The request as curl and the model get it. @param textOf how a token is written; default: signed */
export function sentOf(plan: RequestPlan, textOf: (token: TokenPlan) => string = tokenOf): Sent {
  const headers: [string, string][] = plan.headers.map(([name, value]) => [name, value]);
  let path = plan.path;
  for (const { place, plan: token } of plan.tokens) {
    const text = textOf(token);
    if (place.startsWith('?')) path += `${path.includes('?') ? '&' : '?'}${place.slice(1)}${text}`;
    else {
      const colon = place.indexOf(': ');
      headers.push([place.slice(0, colon), `${place.slice(colon + 2)}${text}`.trim()]);
    }
  }
  return { plan, headers, path };
}
