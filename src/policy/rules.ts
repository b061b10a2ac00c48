/**
 * AuthorizationPolicies: what each rule wants, what the request has, and which rule decides. As istiod translates them
 * (pilot/pkg/security/authz/model/model.go and generator.go) and Envoy's RBAC filter takes the translation.
 */
import { specOf } from '../base/kube-object.ts';
import type { KubeObject } from '../target/target.ts';
import { isNegative, plainField, subjectOf } from './doubts/fields.ts';
import { meantKey } from './doubts/value-doubts.ts';
import type { FieldTrace, Mesh, Request, RuleTrace } from './input.ts';
import { claimOf, headerOf, valueAt } from './match/claims.ts';
import { hasPrivate, inBlock } from './match/ip-blocks.ts';
import { matchesHost, matchesPath, matchesPrincipal, matchesText } from './match/patterns.ts';
import { allOf, anyOf, not, type Truth } from './match/truth.ts';
import { isPolicy } from './selection.ts';

/** security.istio.io/v1, Rule: one of `from`, one of `to` and all of `when`. */
export interface Rule {
  readonly from?: readonly { readonly source?: Fields }[];
  readonly to?: readonly { readonly operation?: Fields }[];
  readonly when?: readonly {
    readonly key: string;
    readonly values?: readonly string[];
    readonly notValues?: readonly string[];
  }[];
}
type Fields = Readonly<Record<string, readonly string[] | undefined>>;

/** The rules of an AuthorizationPolicy, of which an empty one may be null; none for other kinds. */
export function rulesOf(policy: KubeObject): readonly Rule[] {
  if (policy.kind !== 'AuthorizationPolicy' || !isPolicy(policy)) return [];
  const { rules = [] } = specOf(policy) as { rules?: readonly (Rule | null)[] };
  return rules.map((rule) => rule ?? {});
}

/** Of a field that Istio does not know, they may be anything. */
export function valuesOf(values: unknown): string[] {
  return [values ?? []].flat().map((each) => (typeof each === 'string' ? each : JSON.stringify(each)));
}

/** Of an AuthorizationPolicy. */
export function actionOf(object: KubeObject): string {
  return (specOf(object) as { action?: string }).action ?? 'ALLOW';
}

/** What of a request rules look at. */
export interface Subject {
  readonly request: Request;
  /** Normalized, without the query. */
  readonly path: string;
  /** Of the accepted token; undefined: none was. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
  /** Why there are no claims although a token was sent. */
  readonly whyNoClaims: string | undefined;
  readonly mesh: Mesh;
  /** Of the policy. */
  readonly namespace: string;
  /** The port takes plain TCP: nothing of HTTP is known there. */
  readonly isTcp: boolean;
}

/** What one value is compared with. */
interface Attribute {
  readonly has: string | undefined;
  readonly note?: string | undefined;
  readonly isHttp?: boolean;
  /** istiod makes nothing of it, wherever it stands. */
  readonly isBroken?: boolean;
  test(value: string): Truth;
}

export function traceRule(rule: Rule, index: number, subject: Subject, action: string): RuleTrace {
  const fields: FieldTrace[] = [];
  const compare = (at: string, name: string, wants: readonly string[], attribute: Attribute): Truth => {
    const any = anyOf(wants.map((value) => attribute.test(value)));
    const matched = isNegative(name) ? not(any) : any;
    const { has, note } = attribute;
    fields.push({ field: `${at}.${name}`, wants, has, matched, note });
    return matched;
  };
  // What istiod can make nothing of, as of HTTP for TCP: it leaves the rule out of ALLOW, and the field out of DENY.
  let isLeftOut = false;
  const each = (
    at: string,
    name: string,
    wants: readonly string[] | undefined,
    attribute: Attribute,
  ): Truth => {
    if (wants === undefined || wants.length === 0) return true;
    const isLost = subject.isTcp && attribute.isHttp === true;
    if (!isLost && attribute.isBroken !== true) return compare(at, name, wants, attribute);
    if (action === 'ALLOW') isLeftOut = true;
    const note = isLost
      ? 'this port is not HTTP, and a field about HTTP cannot be known there'
      : attribute.note;
    fields.push({ field: `${at}.${name}`, wants, has: undefined, matched: action !== 'ALLOW', note });
    return action !== 'ALLOW';
  };
  const of = (at: string, given: Fields | undefined): Truth =>
    allOf(
      Object.entries(given ?? {}).map(([name, wants]) =>
        each(at, name, valuesOf(wants), attributeOf(name, subject)),
      ),
    );
  const one = (list: readonly Truth[]) => (list.length === 0 ? true : anyOf(list));
  const from = one((rule.from ?? []).map(({ source }, at) => of(`from[${at}].source`, source)));
  const to = one((rule.to ?? []).map(({ operation }, at) => of(`to[${at}].operation`, operation)));
  const when = (rule.when ?? []).map(({ key, values, notValues }, at) => {
    const attribute = conditionOf(key, subject, [...(values ?? []), ...(notValues ?? [])]);
    return allOf([
      each(`when[${at}] ${key}`, 'values', values, attribute),
      each(`when[${at}] ${key}`, 'notValues', notValues, attribute),
    ]);
  });
  return { index, matched: isLeftOut ? false : allOf([from, to, ...when]), fields };
}

/** Headers that clients and proxies add without being told, or that are the request itself. */
const added = /^(?:traceparent|tracestate|user-agent|accept|host)$|^x-b3-/i;
/** Those that proxies write anew, whatever the client has sent. */
const writtenByProxies = /^(?::|x-forwarded-|x-envoy-|x-request-id$)/i;

/** Whether it can be said what a header has, once the request is here. */
export function isHeaderKnown(name: string, isSent: boolean): boolean {
  return !writtenByProxies.test(name) && (isSent || !added.test(name));
}

/** Headers that clients and proxies add for themselves, of which policies say nothing. */
const ofOthers =
  /^(host|user-agent|accept|connection|content-.*|transfer-encoding|via|forwarded|x-forwarded-(for|proto|host|port|client-cert)|x-request-id|x-envoy-.*|x-b3-.*|trace.*)$/i;

/** Whether clients and proxies add a header for themselves, so that policies alone do not say what it is. */
export function isOfOthers(name: string): boolean {
  return ofOthers.test(name);
}

/** Fields of `source` and `operation`, with or without `not` before them. */
function attributeOf(field: string, subject: Subject): Attribute {
  const { request } = subject;
  const name = plainField(field);
  const about = subjectOf(field);
  if (about !== name) return conditionOf(about, subject);
  switch (name) {
    case 'paths':
      return { has: subject.path, isHttp: true, test: (value) => matchesPath(value, subject.path) };
    case 'methods':
      return { has: request.method, isHttp: true, test: (value) => matchesText(value, request.method) };
    case 'hosts':
      return { has: request.authority, isHttp: true, test: (value) => matchesHost(value, request.authority) };
    default:
      return unknown(`a field ${field} is not known here`);
  }
}

function unknown(note: string): Attribute {
  return { has: undefined, note, test: () => undefined };
}

function conditionOf(key: string, subject: Subject, wants: readonly string[] = []): Attribute {
  const { request, claims, whyNoClaims } = subject;
  const header = headerOf(key);
  if (header !== undefined) {
    const own = ofRequestLine(header.toLowerCase(), request);
    const values =
      own === undefined
        ? request.headers
            .filter(([name]) => name.toLowerCase() === header.toLowerCase())
            .map(([, value]) => value)
        : [own];
    if (own === undefined && !isHeaderKnown(header, values.length > 0)) {
      // It is one address, and compared as a text.
      const isBlock = (value: string) => /external-address$/i.test(header) && /\/\d+$/.test(value);
      const isNever = wants.length > 0 && wants.every(isBlock);
      const note = isNever
        ? 'a header is compared as a text, so a block of addresses matches none'
        : `which ${header} the request has here is not known`;
      return { has: undefined, note, isHttp: true, test: (value) => (isBlock(value) ? false : undefined) };
    }
    const has = values.length === 0 ? undefined : values.join(',');
    const seen = subject.mesh.takesHeadersApart || has === undefined ? values : [has];
    // Here `*` is presence, also of an empty value.
    const test = (value: string) =>
      value === '*' ? has !== undefined : seen.some((each) => matchesText(value, each));
    return { has, isHttp: true, test };
  }
  const path = claimOf(key);
  if (path !== undefined) return claimAttribute(path, subject);
  switch (key) {
    case 'request.auth.principal': {
      const { iss, sub } = (claims ?? {}) as { iss?: unknown; sub?: unknown };
      const isWhole = typeof iss === 'string' && typeof sub === 'string';
      const lacking = typeof sub === 'string' ? 'iss' : 'sub';
      const note =
        claims === undefined ? whyNoClaims : isWhole ? undefined : `the token has no claim ${lacking}`;
      const test = (value: string) => isWhole && matchesPrincipal(value, iss, sub);
      return { has: isWhole ? `${iss}/${sub}` : undefined, note, isHttp: true, test };
    }
    case 'source.principal':
    case 'source.namespace':
    case 'source.serviceAccount':
    case 'source.trustDomain':
      return identity(key, subject);
    case 'source.ip':
      return address(request.sourceAddress, 'the address of the connection');
    case 'remote.ip':
      return address(request.remoteAddress, 'the address of the client', ofForwarded);
    case 'destination.ip':
      return address(request.destinationAddress, 'the address of the pod');
    case 'destination.port': {
      const { destinationPort } = request;
      if (destinationPort === undefined) return unknown('the port of the container is not known here');
      const has = String(destinationPort);
      return { has, test: (value) => Number(value) === destinationPort };
    }
    default: {
      const isBroken = /^request\.(?:headers|auth\.claims)/.test(key);
      const meant = meantKey(key) ?? (isBroken ? 'it is no name that istiod knows' : undefined);
      return { ...unknown(`${key} is not known here${meant === undefined ? '' : `: ${meant}`}`), isBroken };
    }
  }
}

/** What is a header for Envoy although it stands in front of them; Host is another name of `:authority` (header_map_impl.cc). */
function ofRequestLine(name: string, { method, authority, path }: Request): string | undefined {
  return new Map([
    [':method', method],
    [':authority', authority],
    ['host', authority],
    [':path', path],
  ]).get(name);
}

/** A text, or any of the texts of a list; numbers, booleans and maps match nothing. */
function claimAttribute(path: readonly string[], { claims, whyNoClaims }: Subject): Attribute {
  const value = valueAt(claims, path);
  const texts = [value].flat().filter((each) => typeof each === 'string');
  const shown = value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
  const note =
    claims === undefined
      ? whyNoClaims
      : value !== undefined && texts.length === 0
        ? 'policies compare claims that are texts, or lists of texts, only'
        : undefined;
  const test = (wanted: string) => texts.some((text) => matchesText(wanted, text));
  return { has: shown, note, isHttp: true, test };
}

export const whoIsUnknown = 'who the client is is not known here';

/** Who the client is, which only its certificate proves: without mutual TLS there is nobody. */
function identity(key: string, { request, mesh, namespace }: Subject): Attribute {
  const { principal } = request;
  if (principal === undefined) return unknown(whoIsUnknown);
  const has = principal ?? undefined;
  const note = principal === null ? 'without mutual TLS a client has no identity' : undefined;
  const is = (...parts: readonly string[]) =>
    principal !== null && new RegExp(parts.join(''), 's').test(principal);
  const test = (value: string): boolean => {
    switch (key) {
      case 'source.principal':
        return principal !== null && principalsFor(value, mesh).some((each) => matchesText(each, principal));
      // Of all that follows istiod makes regular expressions about the whole, so an asterisk may reach beyond its part.
      case 'source.namespace':
        return is('/ns/', starred(value, '.*'), '/');
      case 'source.trustDomain': {
        const all = mesh.trustDomains.includes(value) ? mesh.trustDomains : [value];
        return all.some((each) => is('^', starred(each, '[^/]*'), '/'));
      }
      default: {
        // `<name>` is of the policy's own namespace.
        const [ns = '', account = ''] = value.includes('/') ? value.split('/') : [namespace, value];
        return is('^.+/ns/', escaped(ns), '/(.+/)?sa/', escaped(account), '(/.+)?$');
      }
    }
  };
  return { has, note, test };
}

/**
 * A principal of one trust domain of the mesh is one of each, and so is one of cluster.local, whatever the mesh is called. An
 * asterisk in a trust domain stands for those of the mesh; one in front of it stays (pilot/pkg/security/trustdomain/bundle.go,
 * ReplaceTrustDomainAliases).
 */
function principalsFor(value: string, { trustDomains }: Mesh): string[] {
  const [domain = '', ...rest] = value.split('/');
  if (rest.length !== 4 || domain === '*') return [value];
  const isOwn = trustDomains.some((each) => matchesText(domain, each));
  if (!isOwn && domain !== 'cluster.local') return [value];
  return trustDomains.map((each) =>
    domain.startsWith('*') && matchesText(domain, each) ? value : [each, ...rest].join('/'),
  );
}

/** Envoy's x-forwarded-for, and gatewayTopology of Istio's ProxyConfig. */
const ofForwarded = ': of X-Forwarded-For the last address counts, unless numTrustedProxies is set';

function address(has: string | undefined, what: string, whereFrom = ''): Attribute {
  if (has === undefined) return unknown(`${what} is not known here${whereFrom}`);
  if (has !== 'private') return { has, test: (block) => inBlock(has, block) };
  return {
    has: 'a private address',
    note: `${what} is a private one, and it is not known here which`,
    test: hasPrivate,
  };
}

/** A regular expression, in which an asterisk stands for what is given. */
function starred(text: string, any: string): string {
  return text.split('*').map(escaped).join(any);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
