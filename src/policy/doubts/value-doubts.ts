/** Values of rules that mean less than they seem to, or nothing: why, and what to write. */
import { nearest } from '../../base/suggest.ts';
import { isTemplate } from '../match/patterns.ts';

export interface ValueDoubt {
  /** What the value is, such as `the path /a?b`. */
  readonly what: string;
  readonly why: string;
}

/**
 * @param key the condition of the same meaning as the field, or its plain name: see `subjectOf`
 * @param name as the policy has it
 */
export function doubtAbout(key: string, name: string, value: string): ValueDoubt | undefined {
  const of = (what: string, why: string) => ({ what: `${what} ${value}`, why });
  switch (key) {
    case 'paths': {
      if (/[?#]/.test(value)) return of('the path', 'policies compare paths without the query');
      if (/^\^|\$$|\.[*+]|\\|\[.+\]|\(.*\|.*\)/.test(value))
        return of('the path', 'paths are no regular expressions: write /a* or /a/{*}/b');
      if (isTemplate(value) && (!value.startsWith('/') || value.includes('//')))
        return of(
          'the path',
          'Envoy ends with it: one with {*} or {**} begins with a slash, and has no two in a row',
        );
      if (!/^[/*]/.test(value)) return of('the path', 'paths begin with a slash');
      return inTheMiddle(value.replace(/\{\*\*?\}/g, ''))
        ? of('the path', 'a star in the middle of a path is a plain character: write {*}')
        : undefined;
    }
    case 'methods':
      if (value.includes('/'))
        return of(
          'the method',
          'methods are those of HTTP: a gRPC call is a POST, and what it calls is its path',
        );
      return value === value.toUpperCase() ? undefined : of('the method', 'methods are written in capitals');
    case 'hosts':
      if (value.includes('/')) return of('the host', 'a host has no scheme and no path');
      return inTheMiddle(value)
        ? of('the host', 'a star in the middle of a host is a plain character')
        : undefined;
    case 'source.principal':
      if (value.startsWith('spiffe://'))
        return of(
          'the principal',
          `principals are written without spiffe://: ${value.slice('spiffe://'.length)}`,
        );
      break;
    case 'request.auth.principal':
      if (/^(?:https?:\/\/)?[^/*]+$/.test(value))
        return of('the request principal', `one is ISSUER/SUBJECT: write ${value}/* for any subject`);
      break;
  }
  return inTheMiddle(value) && !/Blocks|\.ip$/.test(key)
    ? { what: `${value} of ${name}`, why: 'a star in the middle is a plain character' }
    : undefined;
}

const inTheMiddle = (value: string) => value.slice(1, -1).includes('*');

/** Conditions that Istio knows, other than headers, claims and those of Envoy's filters. */
const conditions = [
  ...['source.ip', 'source.namespace', 'source.principal', 'source.serviceAccount', 'source.trustDomain'],
  ...['remote.ip', 'destination.ip', 'destination.port', 'connection.sni', 'request.auth.principal'],
  ...['request.auth.audiences', 'request.auth.presenter'],
];

/** What was probably meant by the key of a condition that Istio does not know; undefined for one that it does. */
export function meantKey(key: string): string | undefined {
  const inBrackets = /^(?:request\.(?:headers|auth\.claims)\[.+\]$|experimental\.envoy\.filters\.)/s;
  if (inBrackets.test(key) || conditions.includes(key)) return undefined;
  const [, map, rest = ''] = /^(request\.(?:headers|auth\.claims))\.(.+)$/.exec(key) ?? [];
  if (map === 'request.headers') return `write request.headers[${rest}]`;
  if (map !== undefined) return `write ${map}[${rest.split('.').join('][')}]`;
  const [, outer, inner = ''] = /^(request\.auth\.claims\[.+\])\.([^[\]]+)$/.exec(key) ?? [];
  if (outer !== undefined) return `write ${outer}[${inner.split('.').join('][')}]`;
  const near = nearest(key, conditions);
  return near === undefined ? 'it is no condition of Istio' : `did you mean ${near}?`;
}
