/** A difference between the model and a mesh, made as small as it can be, and written as a scenario. */
import { stringify } from 'yaml';
import type { KubeObject } from '../../../src/target/target.ts';
import type { Real } from './answers.ts';
import { issuers, type RequestPlan, type TokenPlan } from './generate.ts';

/** One request, and the policies that it meets. */
export interface Single {
  readonly policies: readonly KubeObject[];
  readonly request: RequestPlan;
}

/** Without these it would be another thing, and not a smaller one. */
const needed = new Set(
  'policies request apiVersion kind metadata name namespace spec issuer key values place plan broken header claims method path host headers tokens'.split(
    ' ',
  ),
);

/** All that have one part less, at any depth; the large parts come first. */
export function* smaller<T>(value: T): Generator<T> {
  if (Array.isArray(value)) {
    for (const index of value.keys()) yield value.toSpliced(index, 1) as T;
    for (const [index, item] of value.entries())
      for (const less of smaller<unknown>(item)) yield value.with(index, less) as T;
  } else if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    for (const [key] of entries)
      if (!needed.has(key)) yield Object.fromEntries(entries.filter(([other]) => other !== key)) as T;
    for (const [key, item] of entries)
      for (const less of smaller<unknown>(item)) yield { ...value, [key]: less };
  }
}

/**
 * Goes on with the first that still differs, until none does.
 *
 * @param differs asks the mesh; a set of policies that is refused does not differ
 * @param tries at most
 */
export async function smallest(
  found: Single,
  differs: (single: Single) => Promise<boolean>,
  tries = 200,
): Promise<Single> {
  let [best, left] = [found, tries];
  for (let isSmaller = true; isSmaller; ) {
    isSmaller = false;
    for (const less of smaller(best)) {
      // Half a header is none.
      if (less.request.headers.some((pair) => pair.length !== 2)) continue;
      if (left-- <= 0) return best;
      if (!(await differs(less))) continue;
      [best, isSmaller] = [less, true];
      break;
    }
  }
  return best;
}

const issuerName = (issuer: string | number) =>
  `i${typeof issuer === 'number' ? issuer : (issuers as readonly string[]).indexOf(issuer)}`;

function issuerSpec(name: string): [string, object] {
  const index = Number(name.slice(1));
  return [name, { issuer: issuers[index], algorithm: 'ES256', kid: `k${index}` }];
}

function tokenSpec({ issuer, key, header, claims, broken }: TokenPlan): object {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  if (broken === 'empty' || broken === 'garbage')
    return { raw: broken === 'empty' ? '' : 'some.invalid.token' };
  if (broken === 'sections')
    return {
      raw: `${encoded({ alg: 'ES256', ...header })}.${encoded({ iss: issuers[issuer], ...claims })}`,
    };
  return {
    issuer: issuerName(issuer),
    ...(key === issuer ? {} : { signedBy: issuerName(key) }),
    header: { kid: `k${key}`, ...header },
    claims,
    ...(broken === 'no' ? {} : { tamper: broken }),
  };
}

/** A token of the address would be in the realm, and is another one in each run. */
function answerOf({ status, body, www }: Real): object {
  const headers = www === undefined || www.includes('TOKEN') ? {} : { headers: { 'www-authenticate': www } };
  return { code: status, body, ...headers };
}

/** What runs against a mesh, and what `lint --strict` holds the model to. Two headers of one name are joined. */
export function scenarioOf({ policies, request }: Single, real: Real, name: string): string {
  const used = new Set<string>();
  const apply = policies.map((policy) => {
    const { jwtRules, ...spec } = policy.spec as { jwtRules?: { issuer: string }[] };
    if (jwtRules === undefined) return policy;
    const rules = jwtRules.map((rule) => {
      used.add(issuerName(rule.issuer));
      return { ...rule, jwks: `\${issuers.${issuerName(rule.issuer)}.jwks}` };
    });
    return { ...policy, spec: { ...spec, jwtRules: rules } };
  });
  const headers = new Map(request.headers);
  const tokens: Record<string, object> = {};
  let { path } = request;
  for (const [index, { place, plan }] of request.tokens.entries()) {
    used.add(issuerName(plan.issuer)).add(issuerName(plan.key));
    tokens[`t${index}`] = tokenSpec(plan);
    const text = `\${tokens.t${index}}`;
    const [header, prefix = ''] = place.split(/: (.*)/s);
    if (place.startsWith('?')) path += `${path.includes('?') ? '&' : '?'}${place.slice(1)}${text}`;
    else headers.set(header!, [headers.get(header!), prefix + text].filter(Boolean).join(','));
  }
  return stringify({
    name,
    title: 'The model and a mesh answered otherwise',
    source: { document: 'Differential test of the model', section: name },
    apps: ['httpbin', 'sleep'],
    ...(used.size === 0 ? {} : { issuers: Object.fromEntries([...used].map(issuerSpec)) }),
    ...(Object.keys(tokens).length === 0 ? {} : { tokens }),
    steps: [
      {
        name: 'one request',
        apply,
        from: 'sleep.foo',
        request: {
          url: 'http://httpbin.foo:8000',
          method: request.method,
          host: request.host,
          headers: Object.fromEntries(headers),
        },
        expect: {
          columns: ['no token'],
          [path]: [real.body === undefined ? real.status : answerOf(real)],
        },
      },
    ],
  });
}
