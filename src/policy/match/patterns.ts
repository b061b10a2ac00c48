/** How AuthorizationPolicies compare texts, paths and principals. */

/** Exact, prefix `a*`, suffix `*a`, and `*` for anything in one line (`.+` in pilot/pkg/security/authz/matcher/string.go). */
export function matchesText(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  if (pattern === '*') return /^[^\n]+$/.test(text);
  if (pattern.startsWith('*')) return text.endsWith(pattern.slice(1));
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}

/** Whether a path of a policy has `{*}` or `{**}`. */
export function isTemplate(pattern: string): boolean {
  return /\{\*\*?\}/.test(pattern);
}

/** What `{*}` stands for, which is not all that a path may have (kLiteral in Envoy's uri_template_internal.cc). */
const inSegment = /[\w.~%!$&'()+,;:@=*-]/;

/** As {@link matchesText}, and with `{*}` for one part of a path and `{**}` for any number of them (Istio 1.22). */
export function matchesPath(pattern: string, path: string): boolean {
  if (!isTemplate(pattern)) return matchesText(pattern, path);
  // How much of the path the pattern up to here may be; a regular expression would try all ways to share the path.
  let ends = new Set([0]);
  for (const part of pattern.split(/(\{\*\*?\})/)) {
    const [first = path.length] = ends;
    const next = new Set<number>();
    if (part === '{*}' || part === '{**}') {
      const stands = (sign = '') => (sign === '/' ? part === '{**}' : inSegment.test(sign));
      let isOpen = false;
      for (let at = first; at <= path.length; at++) {
        if (isOpen && stands(path[at - 1])) next.add(at);
        else isOpen = false;
        if (!ends.has(at)) continue;
        isOpen = true;
        if (part === '{**}') next.add(at);
      }
    } else for (const at of ends) if (path.startsWith(part, at)) next.add(at + part.length);
    ends = next;
  }
  return ends.has(path.length);
}

/**
 * `issuer/subject`, which Istio takes apart at the last slash, because issuers are URLs: each part by itself is exact, or
 * has an asterisk at the end of the whole that is the outer one. So `https://*` is the issuer `https:/` and any subject.
 * https://github.com/istio/istio/blob/master/pilot/pkg/security/authz/model/generator.go, requestPrincipalGenerator
 */
export function matchesPrincipal(pattern: string, issuer: string, subject: string): boolean {
  const slash = pattern.lastIndexOf('/');
  const [ofIssuer, ofSubject] =
    slash === -1 ? [pattern, ''] : [pattern.slice(0, slash), pattern.slice(slash + 1)];
  const isAny = (text: string) => matchesText('*', text);
  if (pattern === '*') return isAny(issuer) && isAny(subject);
  if (pattern.startsWith('*')) {
    if (slash === -1) return isAny(issuer) && subject.endsWith(pattern.slice(1));
    return matchesText(ofIssuer, issuer) && subject === ofSubject;
  }
  if (!pattern.endsWith('*')) return issuer === ofIssuer && subject === ofSubject;
  if (slash === -1) return issuer.startsWith(pattern.slice(0, -1)) && isAny(subject);
  return (
    issuer === ofIssuer && (ofSubject === '*' ? isAny(subject) : subject.startsWith(ofSubject.slice(0, -1)))
  );
}

/** As {@link matchesText}, in any case. A port that was written is part of the host. */
export function matchesHost(pattern: string, host: string): boolean {
  return matchesText(pattern.toLowerCase(), host.toLowerCase());
}
