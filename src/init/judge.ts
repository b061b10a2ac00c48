/**
 * What a mesh answers by the simple rules of RequestAuthentication and AuthorizationPolicy. What cannot be said here is
 * a doubt, which the scenario asks its reader to look at.
 */

import { claimOf, valueAt } from '../policy/claims.ts';
import { matchesPath, matchesPrincipal, matchesText } from '../policy/patterns.ts';
import { allOf, anyOf, no, not, perhaps, sure, type Truth, yes } from './match.ts';
import { type AccessPolicy, isAccess, isRequest, type JwtRule, type Policy, type Rule } from './policy.ts';
import type { TokenTry } from './tokens.ts';

export interface Request {
  readonly path: string;
  readonly method: string;
  /** Undefined where the header Host is not for the policy to decide about. */
  readonly host: string | undefined;
  /** Of the workload; undefined at the gateway. */
  readonly port: number | undefined;
  /** Undefined: no token. */
  readonly token: TokenTry | undefined;
}

export interface Judgement {
  readonly code: 200 | 401 | 403;
  readonly doubts: readonly string[];
}

/** The identity of the client `sleep.foo`, which mutual TLS proves. */
const clientIdentity = { namespace: 'foo', serviceAccount: 'default' };
const clientPrincipal = `cluster.local/ns/${clientIdentity.namespace}/sa/${clientIdentity.serviceAccount}`;

/** @param policies all that apply to where the request arrives */
export function judge(request: Request, policies: readonly Policy[]): Judgement {
  const refused = refusal(request, policies);
  if (refused !== undefined) return { code: refused, doubts: [] };
  const accepted = acceptedToken(request, policies);
  const access = policies.filter(isAccess);
  const matched = (action: AccessPolicy['action']) =>
    access
      .filter((each) => each.action === action)
      .map((each) => anyOf(each.rules.map((rule) => matches(rule, request, accepted))));
  const denied = anyOf(matched('DENY'));
  const allows = matched('ALLOW');
  const allowed = allows.length === 0 ? sure(true) : anyOf(allows);
  const passes = allOf([not(denied), allowed]);
  return { code: passes.holds ? 200 : 403, doubts: [...new Set(passes.doubts)] };
}

/** Whether the request comes as far as AuthorizationPolicies, and the rule, or part of one, then holds. */
export function isMatched(rule: Rule, request: Request, policies: readonly Policy[]): boolean {
  if (refusal(request, policies) !== undefined) return false;
  return matches(rule, request, acceptedToken(request, policies)).holds;
}

function jwtRulesOf(policies: readonly Policy[]): readonly JwtRule[] {
  return policies.filter(isRequest).flatMap(({ jwtRules }) => jwtRules);
}

/** What RequestAuthentications answer to the token; undefined when they let the request pass. */
function refusal({ token }: Request, policies: readonly Policy[]): 401 | 403 | undefined {
  const rules = jwtRulesOf(policies);
  if (token === undefined || rules.length === 0) return undefined;
  const ofIssuer = rules.filter(({ issuer }) => issuer === token.issuer);
  if (token.isInvalid || ofIssuer.length === 0) return 401;
  // Audiences are answered 403: Envoy's jwt_authn filter, "Audiences in Jwt are not allowed".
  const aud = [token.claims.aud ?? []].flat();
  const fits = ofIssuer.some(
    ({ audiences = [] }) => audiences.length === 0 || audiences.some((each) => aud.includes(each)),
  );
  return fits ? undefined : 403;
}

/** The token that gives the request a principal; nobody looks at tokens where no RequestAuthentication is. */
function acceptedToken({ token }: Request, policies: readonly Policy[]): TokenTry | undefined {
  return jwtRulesOf(policies).length > 0 ? token : undefined;
}

/** A rule holds when one source, one operation and all conditions do; what is not there holds. */
function matches({ from, to, when }: Rule, request: Request, token: TokenTry | undefined): Truth {
  return allOf([
    ...(from === undefined ? [] : [anyOf(from.map(({ source }) => matchesSource(source, token)))]),
    ...(to === undefined ? [] : [anyOf(to.map(({ operation }) => matchesOperation(operation, request)))]),
    ...(when ?? []).map((condition) => matchesCondition(condition, token)),
  ]);
}

type Source = NonNullable<Rule['from']>[number]['source'];
type Operation = NonNullable<Rule['to']>[number]['operation'];
type Condition = NonNullable<Rule['when']>[number];

function matchesSource(source: Source, token: TokenTry | undefined): Truth {
  return allOf([
    both(source.requestPrincipals, source.notRequestPrincipals, (value) => isPrincipal(value, token)),
    both(source.principals, source.notPrincipals, (value) =>
      value === '*'
        ? sure(true)
        : perhaps(matchesText(value, clientPrincipal), `the client is ${clientPrincipal}`),
    ),
    both(source.namespaces, source.notNamespaces, (value) =>
      perhaps(
        matchesText(value, clientIdentity.namespace),
        `the client is in namespace ${clientIdentity.namespace}`,
      ),
    ),
    both(source.serviceAccounts, source.notServiceAccounts, (value) =>
      perhaps(
        [
          clientIdentity.serviceAccount,
          `${clientIdentity.namespace}/${clientIdentity.serviceAccount}`,
        ].includes(value),
        `the client has service account ${clientIdentity.namespace}/${clientIdentity.serviceAccount}`,
      ),
    ),
    both(source.ipBlocks, source.notIpBlocks, () =>
      perhaps(false, 'a policy looks at the address of the client'),
    ),
    both(source.remoteIpBlocks, source.notRemoteIpBlocks, () =>
      perhaps(false, 'a policy looks at the address of the client'),
    ),
  ]);
}

function matchesOperation(operation: Operation, { path, method, host, port }: Request): Truth {
  return allOf([
    both(operation.paths, operation.notPaths, (value) => sure(matchesPath(value, path))),
    both(operation.methods, operation.notMethods, (value) => sure(matchesText(value, method))),
    both(operation.hosts, operation.notHosts, (value) =>
      host === undefined
        ? perhaps(false, 'a policy looks at the host of the request')
        : sure(matchesText(value.toLowerCase(), host)),
    ),
    both(operation.ports, operation.notPorts, (value) =>
      port === undefined
        ? perhaps(false, 'a policy looks at the port of the gateway')
        : sure(value === String(port)),
    ),
  ]);
}

function matchesCondition({ key, values, notValues }: Condition, token: TokenTry | undefined): Truth {
  if (key === 'request.auth.principal') return both(values, notValues, (value) => isPrincipal(value, token));
  const header = /^request\.headers\[(.+)\]$/.exec(key)?.[1];
  // Requests of the scenario have no headers of their own; others come with curl, or from a proxy.
  if (header !== undefined && !addedHeaders.test(header)) return both(values, notValues, () => no);
  const claim = ofToken[key] ?? claimOf(key);
  if (claim === undefined) return perhaps(false, `a policy looks at ${key}`);
  const found = textsOf(valueAt(claimsOf(token), claim), claim);
  return both(values, notValues, (value) => sure(found.some((each) => matchesText(value, each))));
}

const addedHeaders = /^(:|x-|accept$|authorization$|host$|user-agent$|traceparent$)/i;

/** All of them, those of every token too. */
function claimsOf(token: TokenTry | undefined): Readonly<Record<string, unknown>> | undefined {
  return token === undefined ? undefined : { iss: token.issuer, ...token.claims };
}

/** What of a claim can match: texts, and lists of them; numbers and the like never do. */
function textsOf(value: unknown, [name = '']: readonly string[]): string[] {
  const words =
    ['scope', 'permission'].includes(name) && typeof value === 'string' ? value.split(' ') : value;
  return [words].flat().filter((each) => typeof each === 'string');
}

/** Names of conditions for claims that every token may have. */
const ofToken: Readonly<Record<string, readonly string[]>> = {
  'request.auth.audiences': ['aud'],
  'request.auth.presenter': ['azp'],
};

/** Without issuer or subject there is no principal. */
function isPrincipal(pattern: string, token: TokenTry | undefined): Truth {
  const { sub } = token?.claims ?? {};
  if (token === undefined || typeof sub !== 'string') return no;
  if (matchesPrincipal(pattern, token.issuer, sub)) return yes;
  if (!matchesText(pattern, `${token.issuer}/${sub}`)) return no;
  return perhaps(false, `Istio takes ${pattern} apart at its last slash, and so it is for another issuer`);
}

/** One of the values, and none of the others. */
function both(
  values: readonly string[] | undefined,
  others: readonly string[] | undefined,
  test: (value: string) => Truth,
): Truth {
  return allOf([
    ...(values === undefined || values.length === 0 ? [] : [anyOf(values.map(test))]),
    ...(others === undefined || others.length === 0 ? [] : [not(anyOf([no, ...others.map(test)]))]),
  ]);
}
