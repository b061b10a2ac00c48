/** How AuthorizationPolicies compare texts, paths and principals. */

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
  // How much of the path the pattern up to here may be; a regular expression would try all ways to share the path.
  let ends = new Set([0]);
  for (const part of pattern.split(/(\{\*\*?\})/)) {
    const [first = path.length] = ends;
    const next = new Set<number>();
    if (part === '{*}' || part === '{**}') {
      let isOpen = false;
      for (let at = first; at <= path.length; at++) {
        if (isOpen && (part === '{**}' || path[at - 1] !== '/')) next.add(at);
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

/** As {@link matchesText}, in any case. A port that was written is part of the host. */
export function matchesHost(pattern: string, host: string): boolean {
  return matchesText(pattern.toLowerCase(), host.toLowerCase());
}
