/**
 * What a proxy answers to a request, and why. The order is that of its filters: action CUSTOM, tokens, DENY, ALLOW
 * (pilot/pkg/networking/core/listener_builder.go; pilot/pkg/security/authz/builder/builder.go).
 */
import { nameOfKey } from '../base/names.ts';
import type { KubeObject } from '../target/target.ts';
import { authenticate, type Verify } from './authenticate.ts';
import type { Answer, Header, Mesh, PolicyTrace, Request, Workload } from './input.ts';
import { normalizedPath, withoutQuery } from './match/path.ts';
import { anyOf, type Truth } from './match/truth.ts';
import { actionOf, rulesOf, type Subject, traceRule } from './rules.ts';
import { holdsFor, isDryRun, isWide, nameOf } from './selection.ts';
import { jwtRulesOf } from './token-locations.ts';

export interface Situation {
  readonly mesh: Mesh;
  readonly workload: Workload;
  /** All policies there are; those that do not hold for the workload are passed over. */
  readonly policies: readonly KubeObject[];
  readonly verify: Verify;
  /** The port takes plain TCP. */
  readonly isTcp?: boolean;
}

export const denied = 'RBAC: access denied';

/** Kinds that can do anything to a request; where one holds, nothing is certain. */
const unknowable = ['EnvoyFilter', 'WasmPlugin'];

export function decide(sent: Request, situation: Situation): Answer {
  const { mesh, workload, policies, verify, isTcp = false } = situation;
  const held = policies.filter((policy) => holdsFor(policy, workload, mesh.rootNamespace));
  const unknown = held.flatMap((object) => {
    if (unknowable.includes(object.kind)) return `${nameOf(object)} may change everything`;
    // Of Istio 1.32; what it does was not compared with a real one.
    const requires = jwtRulesOf(object).some(({ presence }) => presence === 'REQUIRED');
    return requires ? `what "presence" in ${nameOf(object)} does is not known here` : [];
  });
  const path = normalizedPath(sent.path, mesh.pathNormalization, mesh.ignoresParametersOfDots);
  if (path === undefined) unknown.push('the path is malformed, which a proxy answers with 400');
  const request = asFiltersSeeIt({ ...sent, path: path ?? sent.path });
  const access = held.filter(({ kind }) => kind === 'AuthorizationPolicy');
  const authenticated = isTcp
    ? { status: 'Ok', claims: undefined, headers: request.headers, path: request.path, traces: [] }
    : authenticate(
        request,
        inIstiodsOrder(
          held.filter(({ kind }) => kind === 'RequestAuthentication'),
          mesh,
        ),
        verify,
      );
  const subjectOf = (
    of: Pick<Request, 'headers' | 'path'>,
    claims: Subject['claims'],
    why?: string,
  ): Subject => ({
    request: { ...request, headers: of.headers, path: of.path },
    path: withoutQuery(of.path),
    claims,
    whyNoClaims: why,
    mesh,
    namespace: '',
    isTcp,
  });
  const early = subjectOf(request, undefined, 'action CUSTOM asks before tokens are looked at');
  const late = subjectOf(authenticated, authenticated.claims, whyNoClaims(authenticated.traces));
  const traces = access.map((policy) => tracePolicy(policy, actionOf(policy) === 'CUSTOM' ? early : late));
  const inForce = traces.filter(({ dryRun }) => dryRun !== true);
  const having = (action: string) => inForce.filter((trace) => trace.action === action);
  const common = {
    headers: withoutBlanks(authenticated.headers),
    path: authenticated.path,
    tokens: authenticated.traces,
    policies: traces,
  };
  const because = (reasons: readonly string[]): Answer => ({
    ...common,
    status: undefined,
    unknown: [...new Set([...unknown, ...reasons])],
  });

  const asked = having('CUSTOM').filter(({ matched }) => matched !== false);
  if (asked.length > 0)
    return because(asked.map((each) => `${nameOfKey(each)} asks an authorization server`));
  if (authenticated.status === 'unknown')
    return because([
      authenticated.traces.find(({ status }) => status === 'unknown')?.note ??
        'whether the keys verify the token is not known here',
    ]);
  if (authenticated.status !== 'Ok') {
    const body = authenticated.status;
    const status = body === 'Audiences in Jwt are not allowed' ? 403 : 401;
    const wwwAuthenticate = `Bearer realm="${realmOf(request)}", error="invalid_token"`;
    const decidedBy = 'RequestAuthentication';
    return unknown.length > 0
      ? because([])
      : { ...common, status, body, wwwAuthenticate, unknown, decidedBy };
  }
  const deny = anyOf(having('DENY').map(({ matched }) => matched));
  const allowing = having('ALLOW');
  const allow: Truth = allowing.length === 0 ? true : anyOf(allowing.map(({ matched }) => matched));
  if (unknown.length > 0) return because([]);
  if (deny === true || (deny === false && allow === false)) {
    const decider = having('DENY').find(({ matched }) => matched === true);
    const decidedBy = decider === undefined ? 'no ALLOW rule' : nameOfKey(decider);
    return { ...common, status: 403, body: denied, unknown, decidedBy };
  }
  if (deny === undefined || allow === undefined) return because(notesOf([...having('DENY'), ...allowing]));
  const decidedBy = allowing.find(({ matched }) => matched === true);
  return {
    ...common,
    status: 200,
    unknown,
    ...(decidedBy === undefined ? {} : { decidedBy: nameOfKey(decidedBy) }),
  };
}

/** The address of a request as it was before proxies: source/common/http/utility.cc, buildOriginalUri. */
function realmOf({ headers, authority, path, principal }: Request): string {
  const first = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const sent = first('x-forwarded-proto') ?? 'http';
  // What is no scheme is written anew, by that of the connection.
  const scheme = /^https?$/.test(sent) ? sent : principal === null ? 'http' : 'https';
  return `${scheme}://${authority}${(first('x-envoy-original-path') ?? path).slice(0, 256)}`;
}

/** Those of the root namespace come last; otherwise the oldest first, and by name (pilot/pkg/model, sortConfigByCreationTime). */
function inIstiodsOrder(policies: readonly KubeObject[], { rootNamespace }: Mesh): KubeObject[] {
  const keyOf = ({ metadata }: KubeObject) => [
    metadata.namespace === rootNamespace ? '1' : '0',
    String(metadata.creationTimestamp ?? ''),
    `${metadata.name}.${metadata.namespace}`,
  ];
  const compare = (a: readonly string[], b: readonly string[]) => {
    const at = a.findIndex((text, index) => text !== b[index]);
    return at === -1 ? 0 : Buffer.compare(Buffer.from(a[at] ?? ''), Buffer.from(b[at] ?? ''));
  };
  return [...policies].sort((a, b) => compare(keyOf(a), keyOf(b)));
}

/** Blanks around values are no part of them (RFC 9110, section 5.5): who receives them leaves them out. */
function withoutBlanks(headers: readonly Header[]): Header[] {
  return headers.map(([name, value]) => [name, value.replace(/^[ \t]+|[ \t]+$/g, '')]);
}

/** Headers that can be there once are joined before any filter looks at them. */
function asFiltersSeeIt(sent: Request): Request {
  const headers = withoutBlanks(sent.headers);
  const isOnce = ([name]: Header) => name.toLowerCase() === 'authorization';
  const once = headers.filter(isOnce);
  if (once.length < 2) return { ...sent, headers };
  const joined: Header = ['authorization', once.map(([, value]) => value).join(',')];
  return { ...sent, headers: [...headers.filter((each) => !isOnce(each)), joined] };
}

function whyNoClaims(tokens: Answer['tokens']): string {
  if (tokens.length === 0) return 'no RequestAuthentication holds here, so nobody looks at tokens';
  const places = [...new Set(tokens.flatMap((each) => each.places))];
  return `no token was seen in ${places.join(' or ')}`;
}

function tracePolicy(policy: KubeObject, subject: Subject): PolicyTrace {
  const { namespace = 'default', name } = policy.metadata;
  const action = actionOf(policy);
  const traces = rulesOf(policy).map((rule, index) =>
    traceRule(rule, index, { ...subject, namespace }, action),
  );
  return {
    kind: policy.kind,
    namespace,
    name,
    action,
    scope: !isWide(policy) ? undefined : namespace === subject.mesh.rootNamespace ? 'mesh' : 'namespace',
    dryRun: isDryRun(policy),
    matched: anyOf(traces.map(({ matched }) => matched)),
    rules: traces,
  };
}

function notesOf(policies: readonly PolicyTrace[]): string[] {
  return policies
    .flatMap(({ rules }) => rules)
    .filter(({ matched }) => matched === undefined)
    .flatMap(({ fields }) => fields)
    .flatMap(({ matched, note }) => (matched === undefined && note !== undefined ? [note] : []));
}
