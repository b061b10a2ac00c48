/** How AuthorizationPolicies compare texts, and what follows when not everything is known. */

/** Whether something holds. When that is not sure, `doubts` say what it depends on, and `holds` is a guess. */
export interface Truth {
  readonly holds: boolean;
  readonly doubts: readonly string[];
}

export const yes: Truth = { holds: true, doubts: [] };
export const no: Truth = { holds: false, doubts: [] };

export function sure(holds: boolean): Truth {
  return holds ? yes : no;
}

/** A guess. */
export function perhaps(holds: boolean, doubt: string): Truth {
  return { holds, doubts: [doubt] };
}

/** All hold. One that surely does not decides. */
export function allOf(truths: readonly Truth[]): Truth {
  if (truths.some(({ holds, doubts }) => !holds && doubts.length === 0)) return no;
  return { holds: truths.every(({ holds }) => holds), doubts: truths.flatMap(({ doubts }) => doubts) };
}

/** Any holds. One that surely does decides. */
export function anyOf(truths: readonly Truth[]): Truth {
  if (truths.some(({ holds, doubts }) => holds && doubts.length === 0)) return yes;
  return { holds: truths.some(({ holds }) => holds), doubts: truths.flatMap(({ doubts }) => doubts) };
}

export function not({ holds, doubts }: Truth): Truth {
  return { holds: !holds, doubts };
}

/** Exact, prefix `a*`, suffix `*a`, and `*` for anything that is there: Istio's "Rule" and its values. */
export function matchesText(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  if (pattern === '*') return text !== '';
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

/** As {@link matchesText}, and with `{*}` for one part of a path and `{**}` for any number of them (Istio 1.22). */
export function matchesPath(pattern: string, path: string): boolean {
  if (!/\{\*\*?\}/.test(pattern)) return matchesText(pattern, path);
  const source = pattern
    .split(/(\{\*\*?\})/)
    .map((part) =>
      part === '{*}' ? '[^/]+' : part === '{**}' ? '.*' : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    );
  return new RegExp(`^${source.join('')}$`).test(path);
}

/**
 * `issuer/subject`, which Istio takes apart at the last slash, because issuers are URLs: each part by itself is exact, or
 * has an asterisk at the end of the whole that is the outer one. So `https://*` is the issuer `https:/` and any subject.
 * https://github.com/istio/istio/blob/master/pilot/pkg/security/authz/model/generator.go, requestPrincipalGenerator
 */
export function matchesPrincipal(pattern: string, issuer: string, subject: string): boolean {
  if (pattern === '*') return issuer !== '' && subject !== '';
  const slash = pattern.lastIndexOf('/');
  const [ofIssuer, ofSubject] = [pattern.slice(0, Math.max(slash, 0)), pattern.slice(slash + 1)];
  if (slash === -1) {
    if (pattern.startsWith('*')) return issuer !== '' && matchesText(pattern, subject);
    return pattern.endsWith('*') && subject !== '' && matchesText(pattern, issuer);
  }
  if (pattern.startsWith('*')) return matchesText(ofIssuer, issuer) && subject === ofSubject;
  return issuer === ofIssuer && matchesText(ofSubject, subject);
}

/** A path that the pattern matches: of `/api*` it is `/api/x`. */
export function pathFor(pattern: string): string {
  const path = pattern
    .replaceAll(/\{\*\*?\}/g, 'x')
    .replace(/([^/*])\*$/, '$1/x')
    .replaceAll('*', 'x');
  return path.startsWith('/') ? path : `/${path}`;
}

/** A text that the pattern matches. */
export function textFor(pattern: string): string {
  return pattern === '*' ? 'x' : pattern.replaceAll('*', 'x');
}
